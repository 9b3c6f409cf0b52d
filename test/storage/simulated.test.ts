import { randomInt } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { FileSystem, OpenFile, OpenMode } from '../../src/files/contract.js';
import type { Checkpoint, CheckpointStore } from '../../src/storage/checkpoint.js';
import { type RunOptions, runStorage } from './simulation.js';

vi.setConfig({ testTimeout: 120_000 });

type Change = (file: OpenFile, path: string, mode: OpenMode) => OpenFile;

const withFiles = (change: Change): RunOptions => ({
  tamper: (files: FileSystem) => ({
    ...files,
    open: async (path, mode) => change(await files.open(path, mode), path, mode),
  }),
});

const withCheckpoints = (change: (checkpoint: Checkpoint) => Pick<Checkpoint, 'write'>): RunOptions => ({
  tamperCheckpoints: (store: CheckpointStore) => ({
    open: async (options) => {
      const checkpoint = await store.open(options);
      const { write } = change(checkpoint);
      return {
        load: () => checkpoint.load(),
        write,
        bytes: () => checkpoint.bytes(),
        close: () => checkpoint.close(),
      };
    },
  }),
});

/** Folders are opened only to be synced. */
const isFolder = (path: string): boolean => !/\.(seg|json|tmp|mdb)$/.test(path);

/** Each takes away one thing that the storage counts on, and is found within so many seeds. */
const wrong: Readonly<Record<string, readonly [within: number, options: RunOptions]>> = {
  'a sync of a file does nothing': [
    40,
    withFiles((file, path) => (isFolder(path) ? file : { ...file, sync: async () => {} })),
  ],
  'a sync of a folder does nothing': [
    40,
    withFiles((file, path) => (isFolder(path) ? { ...file, sync: async () => {} } : file)),
  ],
  'synced writes are not synced': [
    40,
    {
      tamper: (files) => ({ ...files, open: (path, mode) => files.open(path, mode === 'wxs' ? 'wx' : mode) }),
    },
  ],
  'recovery trusts what reads show after a sync that failed': [
    150,
    withFiles((file, path, mode) =>
      mode === 'r+' && path.endsWith('.seg') ? { ...file, write: async (bytes) => bytes.length } : file,
    ),
  ],
  'segments are removed before they are covered': [
    40,
    withCheckpoints((checkpoint) => ({
      write: (written) => checkpoint.write({ ...written, floor: written.floor + 1 }),
    })),
  ],
  'segments are removed before the checkpoint that covers them is durable': [
    40,
    withCheckpoints((checkpoint) => ({
      write: async (written) => void checkpoint.write(written).catch(() => {}),
    })),
  ],
  'nobody notices that the machine was started again': [40, { tamperBoot: () => 1 }],
};

describe('the storage over a simulated disk', () => {
  const run = async (seed: number, total: Record<string, number> = {}): Promise<void> => {
    const { problem, counts, events } = await runStorage(seed);
    if (problem !== null) throw new Error(`seed ${seed}: ${problem}\n${events.slice(-20).join('\n')}`);
    for (const [what, count] of Object.entries(counts)) total[what] = (total[what] ?? 0) + count;
  };

  it('keeps what it acknowledged and invents nothing (fixed seeds)', async () => {
    const total: Record<string, number> = {};
    for (let seed = 1; seed <= 150; seed++) await run(seed, total);
    // The runs met what they are about.
    for (const what of [
      'opened as acknowledged',
      'opened with the batch under way',
      'opened under another identity',
      'opened less what was damaged',
      'append failed',
      'checkpoint failed',
      'opening failed',
      'marking failed',
      'closing failed',
      'closed',
      'rot',
    ])
      expect(total[what] ?? 0, what).toBeGreaterThan(0);
    expect(Math.min(total.kill ?? 0, total['power failure'] ?? 0)).toBeGreaterThan(150);
    expect(Math.min(total.append ?? 0, total.checkpoint ?? 0)).toBeGreaterThan(3000);
  });

  it('keeps what it acknowledged and invents nothing (fresh seeds)', async () => {
    for (let n = 0; n < 50; n++) await run(randomInt(2 ** 40));
  });

  it('gives the same run for the same seed', async () => {
    const [a, b] = [await runStorage(17), await runStorage(17)];
    expect(b.events).toEqual(a.events);
    expect(a.events.length).toBeGreaterThan(20);
  });

  it.each(Object.entries(wrong))('is found wrong when %s', async (_, [within, options]) => {
    for (let seed = 1; seed <= within; seed++) if ((await runStorage(seed, options)).problem !== null) return;
    throw new Error('nobody noticed');
  });
});
