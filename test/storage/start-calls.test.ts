import { describe, expect, test } from 'vitest';
import { systemError } from '../../src/files/contract.js';
import { segmentName } from '../../src/storage/segments.js';
import { append, brief, delta, snapshot } from './records.js';
import { change, dir, names, nothingOpen, open, rig, withRig } from './rig.js';

withRig();

describe('a start', () => {
  test.each([
    ['process', 'abandon', 'a', 'a', false],
    ['process', 'abandon', 'a', 'b', true],
    ['process', 'abandon', 'a', null, true],
    ['process', 'abandon', null, null, true],
    ['process', 'close', 'a', 'b', false],
    ['process', 'close', null, null, false],
    ['fsync', 'abandon', 'a', 'b', false],
  ] as const)(
    'after %s and %s, on machine %s then %s, gives another identity: %s',
    async (durability, end, before, after, other) => {
      const first = await open({ durability, machine: before });
      await first.append([append(0, 1, 1)]);
      await first[end]();
      const asked: unknown[] = [];
      const second = await open({
        machine: after,
        distrust: (start) => {
          asked.push(start);
          return null;
        },
      });
      expect(second.recovered.store !== first.recovered.store).toBe(other);
      expect(asked).toEqual(other ? [] : [{ store: first.recovered.store, boot: 2, isNew: false }]);
      expect(second.recovered.notes).toHaveLength(other ? 1 : 0);
      expect(brief(second.recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1]' });
      await second.close();
    },
  );

  /** Three segments, of two batches each, written in this mode, and left. */
  const left = async (durability: 'fsync' | 'process'): Promise<void> => {
    const storage = await open({ durability, segmentBytes: 250 });
    for (let seq = 1; seq <= 6; seq++) await storage.append([append(0, 1, seq)]);
    expect(await names()).toEqual([1, 2, 3].map(segmentName));
    await storage.abandon();
    rig.calls = [];
  };
  const frame = 144;
  const end = 64 + 2 * frame;
  /** What is done to segments before another is begun. */
  const settled = (): string[] =>
    rig.calls
      .slice(0, rig.calls.indexOf(`open log/${segmentName(4)} wxs`))
      .filter((call) => !call.startsWith('rename'));
  const rewritten = (number: number): string[] => [`write log/${segmentName(number)} ${end} at 0`];
  const lastOne = (whole: boolean): string[] => [
    `truncate log/${segmentName(3)} to ${end}`,
    ...(whole ? rewritten(3) : []),
    expect.stringMatching(new RegExp(`^write log/${segmentName(3)} \\d+ at ${64 + frame}$`)) as never,
    `sync log/${segmentName(3)}`,
    'sync log',
  ];

  test.each([
    ['fsync', 'a', null, false],
    ['fsync', 'b', null, false],
    ['process', 'a', null, true],
    ['process', 'a', 2, true],
    ['process', 'b', null, false],
  ] as const)(
    'after %s on machine %s writes again what may not be on the disk (from %s: %s)',
    async (durability, machine, from, whole) => {
      await left(durability);
      if (from !== null) await change({ unsyncedFrom: from });
      const storage = await open({ machine });
      const again = (number: number) => [...rewritten(number), `sync log/${segmentName(number)}`];
      const expected = whole ? [...(from === 2 ? [] : again(1)), ...again(2)] : [];
      const found = settled().filter((call) => call !== 'sync .');
      expect(found.slice(found.findIndex((call) => /^(truncate|write)/.test(call)))).toEqual([
        ...expected,
        ...lastOne(whole),
      ]);
      await storage.close();
      nothingOpen();
    },
  );

  test('makes sure of all segments when nobody said from which on, and of none after a clean end', async () => {
    await left('process');
    await change({ unsyncedFrom: undefined });
    await (await open()).abandon();
    expect(settled().filter((call) => call.startsWith('write'))).toHaveLength(4);
    const storage = await open({ durability: 'process' });
    rig.calls = [];
    await storage.close();
    expect(rig.calls).toEqual([
      ...(await names()).map((name) => `sync log/${name}`),
      'sync log',
      'rename run.json',
      'sync .',
    ]);
    rig.calls = [];
    await (await open()).close();
    expect(
      rig.calls.filter((call) => /^write .* at 0$/.test(call) && !call.includes(segmentName(6))),
    ).toEqual([expect.stringContaining(segmentName(5))]);
  });

  test.each([
    [64 + frame + 40, 64 + frame, []],
    [20, 0, [1]],
  ])('cuts from byte %i of the first segment on, the last segment first', async (damaged, offset, own) => {
    await left('process');
    rig.disk.corrupt(`${dir}/log/${segmentName(1)}`, 8 * damaged);
    const storage = await open({ machine: 'b' });
    expect(storage.recovered).toMatchObject({ damaged: true });
    expect(storage.recovered.notes.join()).toContain(`truncated 00000001.seg at byte ${offset} (`);
    const unlinks = rig.calls.filter((call) => call.startsWith('unlink'));
    expect(unlinks).toEqual([3, 2, ...own].map((n) => `unlink log/${segmentName(n)}`));
    // It is remembered first, and each name is gone for good before that of an earlier one goes.
    const from = rig.calls.indexOf(unlinks[0] as string);
    expect(rig.calls.slice(0, from)).toContain('rename run.json');
    expect(rig.calls.slice(from, from + 4)).toEqual([unlinks[0], 'sync log', unlinks[1], 'sync log']);
    expect(brief(storage.recovered.partitions)).toEqual(offset === 0 ? {} : { 0: 'p0 s0.0 [1.1]' });
    await storage.close();
    nothingOpen();
  });

  test('removes what an earlier one was to remove, and nothing else', async () => {
    const storage = await open({ segmentBytes: 64 });
    for (let seq = 1; seq <= 3; seq++) await storage.append([append(0, 1, seq)]);
    rig.onCall = (call) => {
      if (call.startsWith('unlink')) throw systemError('EIO', 'broken');
    };
    await storage.checkpoint([delta(0, 1, 2)]);
    expect(storage.stats().checkpointError).toContain('removing segments failed: EIO: broken (/n1)');
    await storage.abandon();
    rig.onCall = () => {};
    expect(await names()).toEqual([1, 2, 3, 4].map(segmentName));
    const again = await open();
    expect(await names()).toEqual([4, 5].map(segmentName));
    expect(brief(again.recovered.partitions)).toEqual({ 0: 'p1 s1.2 [1.3]' });
    await again.close();
  });

  test('that cannot begin lets go of everything', async () => {
    await left('fsync');
    for (const call of [
      `open log/${segmentName(4)} wxs`,
      `truncate log/${segmentName(3)} to ${end}`,
      'rename run.json',
    ]) {
      rig.onCall = (called) => {
        if (called === call) throw systemError('ENOSPC', 'no room');
      };
      await expect(open()).rejects.toMatchObject({ code: 'storage-full' });
      nothingOpen();
      rig.onCall = () => {};
      const name = `${dir}/log/${segmentName(4)}`;
      if ((await names()).length === 4) await rig.process.files.unlink(name);
    }
    const storage = await open();
    expect(storage.recovered).toMatchObject({ boot: 2, damaged: false, notes: [] });
    await storage.append([snapshot(0, 2, 9)]);
    await storage.close();
  });
});
