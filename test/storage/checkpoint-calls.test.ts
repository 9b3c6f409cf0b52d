import { describe, expect, test } from 'vitest';
import { systemError } from '../../src/files/contract.js';
import { segmentName } from '../../src/storage/segments.js';
import { append, delta, drop, promise } from './records.js';
import { gate, nothingOpen, open, rig, withRig } from './rig.js';

withRig();

describe('what a checkpoint is given', () => {
  test('promises, the greatest of each, and drops, once', async () => {
    const storage = await open();
    await storage.append([promise(1, 3), promise(1, 2), promise(2, 5), promise(4, 0), promise(6, 9)]);
    await storage.append([drop(2), append(7, 1, 1), promise(5, 8)]);
    await storage.append([drop(5), promise(5, 1)]);
    const zero = { ...delta(8, 1, 1), promised: 0 };
    await storage.checkpoint([delta(3, 4, 1), delta(6, 4, 1), zero]);
    expect(rig.written).toEqual([
      {
        batch: 3,
        deltas: [delta(3, 4, 1), delta(6, 4, 1), zero],
        drops: [2, 5],
        promises: [
          [1, 3],
          [4, 0],
          [6, 9],
          [5, 1],
          [3, 4],
          [8, 0],
        ],
        floor: 0,
      },
    ]);
    await storage.checkpoint([]);
    expect(rig.written[1]).toEqual({ batch: 3, deltas: [], drops: [], promises: [], floor: 0 });
    await storage.close();
    nothingOpen();
  });

  test('those of the log that is read at the start, and not those that were dropped or are in it already', async () => {
    const first = await open();
    await first.append([promise(1, 3), drop(2), drop(3)]);
    await first.checkpoint([delta(3, 2, 1)]);
    await first.append([promise(4, 6), drop(5), append(6, 1, 1)]);
    await first.append([promise(7, 1)]);
    await first.append([drop(7)]);
    await first.abandon();
    rig.written = [];
    const second = await open();
    await second.checkpoint([]);
    // A drop of before the checkpoint is told again: it removes nothing then.
    expect(rig.written).toMatchObject([{ batch: 4, deltas: [] }]);
    expect(new Map(rig.written[0]?.promises)).toEqual(
      new Map([
        [1, 3],
        [4, 6],
      ]),
    );
    expect([...(rig.written[0]?.drops ?? [])].filter((p) => p !== 2).sort()).toEqual([5, 7]);
    await second.close();
    nothingOpen();
  });

  test('a floor that follows what is covered, and never falls, also after a start', async () => {
    // Each append begins a segment.
    const storage = await open({ segmentBytes: 64 });
    for (let seq = 1; seq <= 3; seq++) await storage.append([append(0, 1, seq)]);
    expect(storage.stats().segments).toBe(4);
    rig.calls = [];
    await storage.checkpoint([delta(0, 1, 2)]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 3 });
    expect(rig.calls.filter((call) => call.startsWith('unlink'))).toEqual(
      [1, 2, 3].map((n) => `unlink log/${segmentName(n)}`),
    );
    expect(storage.stats().segments).toBe(1);
    await storage.append([append(1, 1, 1)]);
    await storage.append([append(1, 1, 2)]);
    await storage.checkpoint([]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 3 });
    await storage.checkpoint([delta(0, 1, 3)]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 4 });
    await storage.checkpoint([]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 4 });
    await storage.abandon();
    nothingOpen();
    const again = await open({ segmentBytes: 64 });
    await again.checkpoint([]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 4 });
    await again.checkpoint([delta(1, 1, 2)]);
    expect(rig.written.at(-1)).toMatchObject({ floor: 6 });
    await again.close();
  });

  test('no floor beyond the segments that there were when it was called', async () => {
    const storage = await open({ segmentBytes: 64 });
    await storage.append([append(0, 1, 1)]);
    const { wait, open: release } = gate();
    rig.onCheckpoint = () => wait;
    const first = storage.checkpoint([]);
    const second = storage.checkpoint([delta(0, 1, 9)]);
    await storage.append([promise(1, 5)]);
    await storage.append([promise(1, 6)]);
    release();
    await Promise.all([first, second]);
    expect(rig.written.map(({ floor, batch }) => [floor, batch])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    await storage.close();
  });
});

describe('a checkpoint that fails', () => {
  const failOnce = (): void => {
    rig.onCheckpoint = async () => {
      rig.onCheckpoint = async () => {};
      throw systemError('ENOSPC', 'no room');
    };
  };

  test('leaves its promises and drops to the next, and what was dropped meanwhile has no promise', async () => {
    const storage = await open();
    await storage.append([promise(1, 3), promise(2, 4), drop(5), drop(6)]);
    failOnce();
    const failing = storage.checkpoint([delta(3, 2, 1)]);
    // While it is under way.
    await storage.append([drop(2), drop(5)]);
    await expect(failing).rejects.toMatchObject({ code: 'storage-full' });
    expect(storage.stats().checkpointError).toContain('checkpointing failed: the disk is full (/n1)');
    await storage.checkpoint([]);
    expect(storage.stats().checkpointError).toBeNull();
    expect(new Map(rig.written[0]?.promises)).toEqual(
      new Map([
        [1, 3],
        [3, 2],
      ]),
    );
    expect([...(rig.written[0]?.drops ?? [])].sort()).toEqual([2, 5, 6]);
    await storage.close();
  });

  test('is followed by none with changes alone of what it was to write, until that is there whole or dropped', async () => {
    const storage = await open();
    const part = (partition: number, seq: number) =>
      delta(partition, 1, seq, { full: false, cells: [] }, { cells: [] });
    const empty = (partition: number, seq: number) => delta(partition, 1, seq, { cells: [] });
    await storage.checkpoint([empty(1, 1), empty(2, 1)]);
    await storage.checkpoint([part(1, 2)]);
    failOnce();
    await expect(storage.checkpoint([part(1, 3), empty(2, 3)])).rejects.toMatchObject({
      code: 'storage-full',
    });
    for (const partition of [1, 2])
      await expect(storage.checkpoint([part(partition, 4)])).rejects.toMatchObject({
        code: 'internal',
        message: 'checkpoint after a failed one is incomplete',
      });
    expect(rig.written).toHaveLength(2);
    await storage.checkpoint([empty(1, 5), empty(3, 1)]);
    await storage.checkpoint([part(1, 6), part(3, 2)]);
    await storage.append([drop(2)]);
    await storage.checkpoint([]);
    await storage.checkpoint([part(2, 7)]);
    expect(rig.written.at(-1)).toMatchObject({ deltas: [{ partition: 2, seq: 7 }] });
    await storage.close();
  });

  test('takes those with it that were called before, with its reason', async () => {
    const storage = await open();
    await storage.append([promise(1, 3)]);
    failOnce();
    const ends = await Promise.allSettled([
      storage.checkpoint([delta(0, 1, 1)]),
      storage.checkpoint([delta(0, 1, 2, { full: false })]),
      storage.checkpoint([]),
    ]);
    const reasons = ends.map((end) => (end.status === 'rejected' ? (end.reason as unknown) : null));
    expect(reasons[0]).toMatchObject({ code: 'storage-full' });
    expect(reasons).toEqual([reasons[0], reasons[0], reasons[0]]);
    expect(rig.written).toEqual([]);
    await storage.checkpoint([]);
    expect(rig.written).toHaveLength(1);
    await storage.close();
  });
});
