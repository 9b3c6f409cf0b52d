/** The production storage on the simulated file system: `openStorage` with everything around it drawn from a seed. */

import type { Durability } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { MusterError } from '../errors.js';
import { createStore } from '../storage/create.js';
import type { FileStorage } from '../storage/file-storage.js';
import { logFolder, stateFile } from '../storage/io.js';
import { openStorage, type StorageOptions } from '../storage/open.js';
import type { Platform } from '../storage/platform.js';
import type { SimFileProcess, SimFileSystem } from './file-system.js';
import { simCheckpoints } from './sim-checkpoint.js';

export interface SimStorageOptions {
  /** Whose calls they are; when it is killed, it lets go of the folder. */
  readonly process: SimFileProcess;
  /** The data folder; made with its parents when there is none. */
  readonly dir: string;
  /** Ids of stores: `random` draws uuids, unless `newId` gives them. */
  readonly random: Random;
  readonly newId?: () => string;
  /** Default 'fsync'. */
  readonly durability?: Durability;
  /** Which boot of its machine the process runs in: another one after each power failure. Default: always the same. */
  readonly machine?: string;
  /** Small, so that segments come and go. Default 4096. */
  readonly segmentBytes?: number;
  /** The time in ms, for `store.json`. Default: 0. */
  readonly now?: () => number;
  readonly distrust?: NonNullable<StorageOptions['distrust']>;
}

/** What storage stands on in the simulator. */
export function simPlatform(options: SimStorageOptions): Platform {
  const { process, random, newId = () => uuidOf(random), now = () => 0 } = options;
  return {
    files: process.files,
    lock: async (dir) => {
      const release = process.lock(dir);
      if (release === null)
        throw new MusterError('storage-locked', `the data folder ${dir} is in use by another process`, {
          details: { path: dir },
        });
      return async () => release();
    },
    newId,
    now,
  };
}

/** Opens a node's data folder. Rejects as `openStorage`; never returns once the process is killed. */
export function openSimStorage(options: SimStorageOptions): Promise<FileStorage> {
  return openStorage({
    ...simPlatform(options),
    dir: options.dir,
    durability: options.durability ?? 'fsync',
    segmentBytes: options.segmentBytes ?? 4096,
    machine: options.machine ?? 'machine',
    checkpoints: simCheckpoints(options.process),
    ...(options.distrust === undefined ? {} : { distrust: options.distrust }),
  });
}

/** Makes a data folder, as `createStore`; gives the uuid of the store. */
export function createSimStore(options: SimStorageOptions): Promise<string> {
  return createStore(options.dir, simPlatform(options));
}

/** Files of the log, and the checkpoint. */
export function dataFiles(files: SimFileSystem, dir: string): string[] {
  const folder = logFolder(dir);
  const log = files.list(folder).map((name) => `${folder}/${name}`);
  return files.peek(stateFile(dir)) === null ? log : [...log, stateFile(dir)];
}

/** A bit of the last bytes of the log that hold anything. */
export function lastBit(
  files: SimFileSystem,
  dir: string,
  random: Random,
): readonly [path: string, bit: number] | null {
  const folder = logFolder(dir);
  const name = files.list(folder).at(-1);
  if (name === undefined) return null;
  const path = `${folder}/${name}`;
  const bytes = files.peek(path);
  if (bytes === null) return null;
  let end = bytes.length - 1;
  while (end >= 0 && bytes[end] === 0) end--;
  return end < 0 ? null : [path, (end - random.below(Math.min(end, 16) + 1)) * 8 + random.below(8)];
}

/** A uuid (version 4) of the seed. */
export function uuidOf(random: Random): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + random.below(4)).toString(16)}${hex(3)}-${hex(12)}`;
}
