import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredPartition } from '../../src/core/records.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage } from '../../src/storage/open.js';
import { type Folder, temporaryFolder } from './folder.js';
import { append, brief, delta, drop, promise, snapshot } from './records.js';

let folder: Folder;
let storage: FileStorage;

const open = async (): Promise<void> => {
  storage = await openStorage({ dir: folder.path, durability: 'fsync' });
};

/** Kills the process and gives what the next one finds of partition 0. */
async function restart(): Promise<StoredPartition | undefined> {
  await storage.abandon();
  await open();
  return storage.recovered.partitions[0];
}

beforeEach(async () => {
  folder = temporaryFolder();
  await open();
});
afterEach(async () => {
  await storage.close();
  folder.remove();
});

test('a base is known to be the checkpoint’s only if no snapshot or drop in the log replaced it', async () => {
  // A node that took it for the checkpoint's would add its next changes to what the checkpoint holds instead.
  await storage.checkpoint([delta(0, 1, 3)]);
  expect(await restart()).toMatchObject({ checkpointed: true, snapshot: { seq: 3 } });
  await storage.append([snapshot(0, 2, 9)]);
  expect(await restart()).toMatchObject({ checkpointed: false, snapshot: { seq: 9 } });
  await storage.checkpoint([delta(0, 2, 9)]);
  expect(await restart()).toMatchObject({ checkpointed: true, snapshot: { seq: 9 } });
});

test('a snapshot or drop of before the checkpoint leaves the checkpoint alone', async () => {
  await storage.append([drop(0), snapshot(0, 2, 9), append(0, 2, 10)]);
  await storage.checkpoint([delta(0, 2, 10)]);
  const found = await restart();
  expect(found).toMatchObject({ checkpointed: true });
  expect(brief([found as StoredPartition])).toEqual({ 0: 'p2 s2.10 []' });
});

test('entries of an older epoch than the base are no part of the tail', async () => {
  // A learner applied and checkpointed what its primary had committed; its own disk then lost those entries.
  await storage.append([promise(0, 1), append(0, 1, 1), append(0, 1, 2), append(0, 1, 3), append(0, 1, 4)]);
  await storage.checkpoint([delta(0, 2, 3)]);
  expect(brief([(await restart()) as StoredPartition])).toEqual({ 0: 'p2 s2.3 []' });
  expect(storage.recovered.notes).toEqual([]);
});
