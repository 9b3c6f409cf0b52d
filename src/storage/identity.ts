import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Durability } from '../core/map/types.js';
import { codeOf, type FileSystem } from '../files/contract.js';
import { replaceWhole } from '../files/whole.js';
import { corrupt, corruptIfNoFile, logFolder, readText, stateFolder } from './io.js';

/** `store.json`: who this store is. */
export interface StoreFile {
  readonly format: 1;
  /** Identity towards the cluster. */
  readonly store: string;
  /** The first identity, which log and checkpoint carry: it ties the parts of the folder together. */
  readonly lineage: string;
  /** ISO 8601. */
  readonly created: string;
}

/** `run.json`: about the last process that had the store open. */
export interface RunFile {
  readonly format: 1;
  /** How often the store was opened. */
  readonly boot: number;
  /** Which boot of the machine that was; null when unknown. */
  readonly machine: string | null;
  readonly durability: Durability;
  /** The last batch at a clean end; null while open or after a crash. */
  readonly clean: number | null;
  /** In 'process' durability: the first segment of this start. Nothing since is known to be synced. */
  readonly unsyncedFrom?: number;
  /** The checkpoint file had at least this many bytes. */
  readonly stateBytes?: number;
  /** Something was cut off the log that may have been acknowledged (PROTOCOL R9a). */
  readonly damaged?: boolean;
  /** To be told at the next open. */
  readonly notes: readonly string[];
}

export const storePath = (dir: string): string => join(dir, 'store.json');
const runPath = (dir: string): string => join(dir, 'run.json');

async function parse<T>(
  files: FileSystem,
  dir: string,
  path: string,
  looksRight: (value: T) => boolean,
): Promise<T | null> {
  const text = await readText(files, path).catch((cause: unknown) => {
    throw corruptIfNoFile(cause, dir, path);
  });
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as T;
    if (value !== null && looksRight(value)) return value;
  } catch {
    // told below
  }
  throw corrupt(dir, path, 'unexpected content');
}

/** Reads `store.json`; null when the folder holds no store. Rejects with `storage-corrupt`, or as the disk does. */
export async function readStore(files: FileSystem, dir: string): Promise<StoreFile | null> {
  const store = await parse<StoreFile>(
    files,
    dir,
    storePath(dir),
    (v) => v.format === 1 && typeof v.store === 'string' && typeof v.lineage === 'string',
  );
  if (store === null && ((await exists(files, logFolder(dir))) || (await exists(files, stateFolder(dir))))) {
    throw corrupt(dir, storePath(dir), 'missing, although the folder holds data');
  }
  return store;
}

async function exists(files: FileSystem, path: string): Promise<boolean> {
  return await files.stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Reads `run.json`. Rejects with `storage-corrupt` when it is missing or damaged, or as the disk does. */
export async function readRun(files: FileSystem, dir: string): Promise<RunFile> {
  const run = await parse<RunFile>(
    files,
    dir,
    runPath(dir),
    (v) => v.format === 1 && Number.isSafeInteger(v.boot) && Array.isArray(v.notes),
  );
  // It is written before store.json, so a store without it has lost it.
  if (run === null) throw corrupt(dir, runPath(dir), 'missing');
  return run;
}

/** Writes `run.json` durably. Rejects as the disk does; then the old text is there or this. */
export async function writeRun(files: FileSystem, dir: string, run: RunFile): Promise<void> {
  await replaceWhole(files, runPath(dir), `${JSON.stringify(run, null, 2)}\n`);
}

/** Writes `store.json` durably, as `writeRun` does. */
export async function writeStore(files: FileSystem, dir: string, store: StoreFile): Promise<void> {
  await replaceWhole(files, storePath(dir), `${JSON.stringify(store, null, 2)}\n`);
}

/** Which boot of the machine this is; null when the system does not say, which is taken for another one. */
export function machineBoot(): string | null {
  try {
    if (process.platform === 'linux')
      return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    if (process.platform === 'darwin') {
      // Not imported above: on Linux, where nothing needs it, it takes a tenth of a node's start.
      const { execFileSync } = process.getBuiltinModule('node:child_process');
      return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim() || null;
    }
  } catch {
    // unknown
  }
  return null;
}
