/** The production storage on a simulated disk, which says what is asked of the disk and of the checkpoint, and fails when told to. */
import { beforeEach, expect } from 'vitest';
import { Random } from '../../src/core/random.js';
import type { FileSystem, OpenFile } from '../../src/files/contract.js';
import { readUpTo, readWhole } from '../../src/files/whole.js';
import { type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { simCheckpoints } from '../../src/simulator/sim-checkpoint.js';
import type { CheckpointWrite } from '../../src/storage/checkpoint.js';
import { aligned, FRAME_HEADER, readFrameHeader } from '../../src/storage/codec.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage, type StorageOptions } from '../../src/storage/open.js';
import { decodeSegmentHeader, segmentName } from '../../src/storage/segments.js';

export const dir = '/n1';

interface Rig {
  disk: SimFileSystem;
  process: SimFileProcess;
  /** The calls that change something, since the last look. */
  calls: string[];
  opened: number;
  ids: number;
  locks: number;
  checkpoints: number;
  written: CheckpointWrite[];
  /** What a write of the checkpoint, or a call to the disk, does before anything else. */
  onCheckpoint: () => Promise<void>;
  onCall: (call: string) => void;
}

function fresh(): Rig {
  const disk = new SimFileSystem({ random: new Random(1), step: async () => {} });
  return {
    disk,
    process: disk.process('n1', { immediate: true }),
    calls: [],
    written: [],
    ...{ opened: 0, ids: 0, locks: 0, checkpoints: 0 },
    onCheckpoint: async () => {},
    onCall: () => {},
  };
}

export const rig: Rig = fresh();

/** Gives each test of a file a disk of its own. */
export function withRig(): void {
  beforeEach(() => void Object.assign(rig, fresh()));
}

const short = (path: string): string => path.slice(dir.length + 1) || '.';

function recorded(): FileSystem {
  const { files } = rig.process;
  const called = (call: string): void => {
    rig.onCall(call);
    rig.calls.push(call);
  };
  return {
    ...files,
    unlink: async (path) => {
      if (path.endsWith('.seg')) called(`unlink ${short(path)}`);
      await files.unlink(path);
    },
    rename: async (from, to) => {
      called(`rename ${short(to)}`);
      await files.rename(from, to);
    },
    open: async (path, mode) => {
      if (mode.startsWith('wx') && path.endsWith('.seg')) called(`open ${short(path)} ${mode}`);
      const file = await files.open(path, mode);
      rig.opened++;
      const isLog = /log(\/.*)?$/.test(path);
      const bytesIn = (buffers: readonly Uint8Array[]): number => buffers.reduce((n, b) => n + b.length, 0);
      const changed: Partial<OpenFile> = {
        write: (bytes, position) => {
          if (isLog) called(`write ${short(path)} ${bytes.length} at ${position}`);
          return file.write(bytes, position);
        },
        writev: (buffers, position) => {
          if (isLog) called(`write ${short(path)} ${bytesIn(buffers)} at ${position}`);
          return file.writev(buffers, position);
        },
        truncate: (bytes) => {
          called(`truncate ${short(path)} to ${bytes}`);
          return file.truncate(bytes);
        },
        sync: () => {
          if (isLog || path === dir) called(`sync ${short(path)}`);
          return file.sync();
        },
        close: () => {
          rig.opened--;
          return file.close();
        },
      };
      return { ...file, ...changed };
    },
  };
}

/** Opens the storage; what is not said is usual. */
export const open = (options: Partial<StorageOptions> = {}): Promise<FileStorage> => {
  const store = simCheckpoints(rig.process);
  return openStorage({
    dir,
    durability: 'fsync',
    machine: 'a',
    segmentBytes: 2 ** 20,
    files: recorded(),
    newId: () => `00000000-0000-4000-8000-${String(++rig.ids).padStart(12, '0')}`,
    now: () => 0,
    lock: async () => {
      rig.locks++;
      return async () => void rig.locks--;
    },
    checkpoints: {
      open: async (of) => {
        const checkpoint = await store.open(of);
        rig.checkpoints++;
        let isOpen = true;
        return {
          load: () => checkpoint.load(),
          bytes: () => checkpoint.bytes(),
          write: async (write) => {
            await rig.onCheckpoint();
            rig.written.push({ ...write, promises: [...write.promises] });
            await checkpoint.write(write);
          },
          close: async () => {
            if (isOpen) rig.checkpoints--;
            isOpen = false;
            await checkpoint.close();
          },
        };
      },
    },
    ...options,
  });
};

/** Fails unless all was let go of: files, lock and checkpoint. */
export function nothingOpen(): void {
  const { opened, locks, checkpoints } = rig;
  expect({ opened, locks, checkpoints }).toEqual({ opened: 0, locks: 0, checkpoints: 0 });
}

/** What run.json says. */
export const run = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await readWhole(rig.process.files, `${dir}/run.json`)) as string) as Record<string, unknown>;
/** Says something else in run.json. */
export const change = async (changes: Record<string, unknown>): Promise<void> => {
  const text = JSON.stringify({ ...(await run()), ...changes });
  await rig.process.files.unlink(`${dir}/run.json`);
  const file = await rig.process.files.open(`${dir}/run.json`, 'wx');
  await file.write(Buffer.from(text), 0);
  await file.close();
};
/** The names in the log. */
export const names = async (): Promise<string[]> => (await rig.process.files.readdir(`${dir}/log`)).sort();

/** A segment in short: its header, and each frame with its batch and what was known to be synced. */
export async function segment(number: number): Promise<unknown> {
  const file = await rig.process.files.open(`${dir}/log/${segmentName(number)}`, 'r');
  const bytes = await readUpTo(file, 0, (await file.stat()).bytes);
  await file.close();
  const { previousBatch, firstBatch, synced } = decodeSegmentHeader(bytes) as never as Record<string, number>;
  const frames: string[] = [];
  for (
    let at = 64, header = readFrameHeader(bytes, at);
    header !== null;
    header = readFrameHeader(bytes, at)
  ) {
    frames.push(`${header.batch}/${header.synced}`);
    at += aligned(FRAME_HEADER + header.length);
  }
  return { previousBatch, firstBatch, synced, frames };
}

/** Keeps waiting whoever waits, until it is opened. */
export const gate = (): { readonly wait: Promise<void>; open: () => void } => {
  let release = (): void => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { wait, open: () => release() };
};
