import { describe, expect, test } from 'vitest';
import { systemError } from '../../src/files/contract.js';
import { aligned, FRAME_HEADER } from '../../src/storage/codec.js';
import { segmentName } from '../../src/storage/segments.js';
import { append, delta } from './records.js';
import { change, gate, names, nothingOpen, open, rig, run, segment, withRig } from './rig.js';

withRig();

describe('the log', () => {
  test.each([
    [64, 2],
    [65, 1],
  ])('with segments of %i bytes begins another when one has as many: %i', async (segmentBytes, segments) => {
    const storage = await open({ segmentBytes });
    await storage.append([append(0, 1, 1)]);
    expect(storage.stats().segments).toBe(segments);
    await storage.close();
    nothingOpen();
  });

  test.each(['fsync', 'process'] as const)(
    'says in segments and frames what was known to be synced (%s)',
    async (durability) => {
      const before = await open();
      await before.append([append(0, 1, 1)]);
      await before.close();
      const storage = await open({ durability, segmentBytes: 250 });
      for (let seq = 2; seq <= 5; seq++) await storage.append([append(0, 1, seq)]);
      await storage.append([]);
      const synced = durability === 'fsync';
      expect(await names()).toEqual([1, 2, 3].map(segmentName));
      expect(await segment(1)).toEqual({ previousBatch: 0, firstBatch: 1, synced: 0, frames: ['1/0'] });
      expect(await segment(2)).toEqual({
        previousBatch: 1,
        firstBatch: 2,
        synced: 1,
        frames: synced ? ['2/1', '3/2'] : ['2/1', '3/1'],
      });
      expect(await segment(3)).toEqual({
        previousBatch: 3,
        firstBatch: 4,
        synced: synced ? 3 : 1,
        frames: synced ? ['4/3', '5/4'] : ['4/1', '5/1'],
      });
      const { logBytes, segments, syncs } = storage.stats();
      const frame = aligned(
        FRAME_HEADER +
          JSON.stringify([
            ['a', 0, 1, 1, (append(0, 1, 1) as never as { entry: { command: unknown } }).entry.command],
          ]).length,
      );
      expect({ logBytes, segments, syncs }).toEqual({
        logBytes: 3 * 64 + 5 * frame,
        segments: 3,
        syncs: synced ? 2 + 4 : 0,
      });
      await storage.close();
      nothingOpen();
      const again = await open();
      expect(again.stats()).toMatchObject({ logBytes: 4 * 64 + 5 * frame, segments: 4, syncs: 1 });
      expect(await segment(4)).toMatchObject({ previousBatch: 5, firstBatch: 6, synced: 5 });
      await again.close();
    },
  );

  test('that failed refuses everything, with the same reason, also a checkpoint that waits; and is not closed as clean', async () => {
    const storage = await open({ durability: 'process' });
    await storage.append([append(0, 1, 1)]);
    const { wait, open: release } = gate();
    rig.onCheckpoint = () => wait;
    const first = storage.checkpoint([]);
    const waiting = storage.checkpoint([]);
    const failed = waiting.catch((error: unknown) => error);
    rig.onCall = (call) => {
      if (call.startsWith('write log')) throw systemError('EIO', 'broken');
    };
    const error = await storage.append([append(0, 1, 2)]).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'storage-failed',
      message: 'writing the log failed: EIO: broken (/n1)',
    });
    rig.onCall = () => {};
    release();
    await first;
    expect(await failed).toBe(error);
    for (const refused of [
      storage.append([append(0, 1, 2)]),
      storage.append([]),
      storage.checkpoint([]),
      storage.setDamaged(true),
    ])
      await expect(refused).rejects.toBe(error);
    rig.calls = [];
    await storage.close();
    expect(rig.calls).toEqual([]);
    expect(await run()).toMatchObject({ clean: null, damaged: false });
    nothingOpen();
  });

  test('takes one batch at a time, and none after its end', async () => {
    const storage = await open();
    const first = storage.append([append(0, 1, 1)]);
    await expect(storage.append([])).rejects.toMatchObject({ code: 'internal', tookEffect: 'no' });
    await first;
    await storage.append([append(0, 1, 2)]);
    await storage.close();
    for (const refused of [storage.append([]), storage.checkpoint([]), storage.setDamaged(true)])
      await expect(refused).rejects.toMatchObject({
        code: 'storage-failed',
        message: 'storage is closed',
      });
    await storage.close();
    await storage.abandon();
    nothingOpen();
  });
});

describe('run.json', () => {
  test('says what is known of the start, and at the end what was there', async () => {
    for (const [durability, from] of [
      ['fsync', {}],
      ['process', { unsyncedFrom: 2 }],
    ] as const) {
      const boot = durability === 'fsync' ? 1 : 2;
      const storage = await open({ durability, machine: 'm' });
      const stateBytes = (await run()).stateBytes as number;
      const said = {
        format: 1,
        boot,
        machine: 'm',
        durability,
        clean: null,
        damaged: false,
        notes: [],
        stateBytes,
        ...from,
      };
      expect(await run()).toEqual(said);
      await storage.append([append(0, 1, boot)]);
      await storage.setDamaged(true);
      await storage.setDamaged(false);
      expect(await run()).toEqual(said);
      await Promise.all([storage.setDamaged(false), storage.setDamaged(true)]);
      expect(await run()).toEqual({ ...said, damaged: true });
      await storage.setDamaged(durability === 'process');
      await storage.checkpoint([delta(1, 1, 1)]);
      await storage.close();
      const end = await run();
      expect(end).toEqual({
        ...said,
        clean: boot,
        damaged: durability === 'process',
        stateBytes: end.stateBytes,
      });
      expect(end.stateBytes).toBeGreaterThanOrEqual(stateBytes);
    }
    const last = await open();
    expect(last.recovered).toMatchObject({ boot: 3, damaged: true });
    await last.abandon();
    expect(await run()).toMatchObject({ clean: null, boot: 3 });
  });

  test('has notes that the next start tells, once', async () => {
    await (await open()).close();
    await change({ notes: ['something'] });
    const storage = await open();
    expect(storage.recovered.notes).toEqual(['something']);
    await storage.close();
    expect(await run()).toMatchObject({ notes: [] });
  });

  test('that cannot be marked ends all work', async () => {
    const storage = await open();
    rig.onCall = (call) => {
      if (call === 'rename run.json') throw systemError('EIO', 'broken');
    };
    const error = await storage.setDamaged(true).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'storage-failed',
      message: 'writing the log marker failed: EIO: broken (/n1)',
    });
    await expect(storage.append([])).rejects.toBe(error);
    await storage.close();
    const again = open();
    await expect(again).rejects.toMatchObject({
      message: 'opening the data folder failed: EIO: broken (/n1)',
    });
    nothingOpen();
    rig.onCall = () => {};
    const closing = await open();
    rig.onCall = (call) => {
      if (call === 'rename run.json') throw systemError('EIO', 'broken');
    };
    await expect(closing.close()).rejects.toMatchObject({ message: 'closing failed: EIO: broken (/n1)' });
    nothingOpen();
  });
});
