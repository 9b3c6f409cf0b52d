import { beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.js';
import { type FileSystem, type OpenFile, systemError } from '../../src/files/contract.js';
import { readUpTo, readWhole } from '../../src/files/whole.js';
import { type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { simCheckpoints } from '../../src/simulator/sim-checkpoint.js';
import type { CheckpointWrite } from '../../src/storage/checkpoint.js';
import { aligned, FRAME_HEADER, readFrameHeader } from '../../src/storage/codec.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage, type StorageOptions } from '../../src/storage/open.js';
import { decodeSegmentHeader, segmentName } from '../../src/storage/segments.js';
import { append, brief, delta, drop, promise, snapshot } from './records.js';

const dir = '/n1';

let disk: SimFileSystem;
let process: SimFileProcess;
/** The calls that change something, since the last look. */
let calls: string[];
let opened: number;
let ids: number;
let locks: number;
let checkpoints: number;
let written: CheckpointWrite[];
/** What a write of the checkpoint, or a call to the disk, does before anything else. */
let onCheckpoint: () => Promise<void>;
let onCall: (call: string) => void;

beforeEach(() => {
  disk = new SimFileSystem({ random: new Random(1), step: async () => {} });
  process = disk.process('n1', { immediate: true });
  calls = [];
  written = [];
  opened = ids = locks = checkpoints = 0;
  onCheckpoint = async () => {};
  onCall = () => {};
});

const short = (path: string): string => path.slice(dir.length + 1) || '.';

function recorded(): FileSystem {
  const { files } = process;
  const called = (call: string): void => {
    onCall(call);
    calls.push(call);
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
      opened++;
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
          opened--;
          return file.close();
        },
      };
      return { ...file, ...changed };
    },
  };
}

const open = (options: Partial<StorageOptions> = {}): Promise<FileStorage> => {
  const store = simCheckpoints(process);
  return openStorage({
    dir,
    durability: 'fsync',
    machine: 'a',
    segmentBytes: 2 ** 20,
    files: recorded(),
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    now: () => 0,
    lock: async () => {
      locks++;
      return async () => void locks--;
    },
    checkpoints: {
      open: async (of) => {
        const checkpoint = await store.open(of);
        checkpoints++;
        let isOpen = true;
        return {
          load: () => checkpoint.load(),
          bytes: () => checkpoint.bytes(),
          write: async (write) => {
            await onCheckpoint();
            written.push({ ...write, promises: [...write.promises] });
            await checkpoint.write(write);
          },
          close: async () => {
            if (isOpen) checkpoints--;
            isOpen = false;
            await checkpoint.close();
          },
        };
      },
    },
    ...options,
  });
};

const nothingOpen = (): void =>
  expect({ opened, locks, checkpoints }).toEqual({ opened: 0, locks: 0, checkpoints: 0 });
const run = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await readWhole(process.files, `${dir}/run.json`)) as string) as Record<string, unknown>;
const change = async (changes: Record<string, unknown>): Promise<void> => {
  const text = JSON.stringify({ ...(await run()), ...changes });
  await process.files.unlink(`${dir}/run.json`);
  const file = await process.files.open(`${dir}/run.json`, 'wx');
  await file.write(Buffer.from(text), 0);
  await file.close();
};
const names = async (): Promise<string[]> => (await process.files.readdir(`${dir}/log`)).sort();

/** A segment in short: its header, and each frame with its batch and what was known to be synced. */
async function segment(number: number): Promise<unknown> {
  const file = await process.files.open(`${dir}/log/${segmentName(number)}`, 'r');
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

const gate = (): { readonly wait: Promise<void>; open: () => void } => {
  let release = (): void => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { wait, open: () => release() };
};

describe('what a checkpoint is given', () => {
  test('promises, the greatest of each, and drops, once', async () => {
    const storage = await open();
    await storage.append([promise(1, 3), promise(1, 2), promise(2, 5), promise(4, 0), promise(6, 9)]);
    await storage.append([drop(2), append(7, 1, 1), promise(5, 8)]);
    await storage.append([drop(5), promise(5, 1)]);
    const zero = { ...delta(8, 1, 1), promised: 0 };
    await storage.checkpoint([delta(3, 4, 1), delta(6, 4, 1), zero]);
    expect(written).toEqual([
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
    expect(written[1]).toEqual({ batch: 3, deltas: [], drops: [], promises: [], floor: 0 });
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
    written = [];
    const second = await open();
    await second.checkpoint([]);
    // A drop of before the checkpoint is told again: it removes nothing then.
    expect(written).toMatchObject([{ batch: 4, deltas: [] }]);
    expect(new Map(written[0]?.promises)).toEqual(
      new Map([
        [1, 3],
        [4, 6],
      ]),
    );
    expect([...(written[0]?.drops ?? [])].filter((p) => p !== 2).sort()).toEqual([5, 7]);
    await second.close();
    nothingOpen();
  });

  test('a floor that follows what is covered, and never falls, also after a start', async () => {
    // Each append begins a segment.
    const storage = await open({ segmentBytes: 64 });
    for (let seq = 1; seq <= 3; seq++) await storage.append([append(0, 1, seq)]);
    expect(storage.stats().segments).toBe(4);
    calls = [];
    await storage.checkpoint([delta(0, 1, 2)]);
    expect(written.at(-1)).toMatchObject({ floor: 3 });
    expect(calls.filter((call) => call.startsWith('unlink'))).toEqual(
      [1, 2, 3].map((n) => `unlink log/${segmentName(n)}`),
    );
    expect(storage.stats().segments).toBe(1);
    await storage.append([append(1, 1, 1)]);
    await storage.append([append(1, 1, 2)]);
    await storage.checkpoint([]);
    expect(written.at(-1)).toMatchObject({ floor: 3 });
    await storage.checkpoint([delta(0, 1, 3)]);
    expect(written.at(-1)).toMatchObject({ floor: 4 });
    await storage.checkpoint([]);
    expect(written.at(-1)).toMatchObject({ floor: 4 });
    await storage.abandon();
    nothingOpen();
    const again = await open({ segmentBytes: 64 });
    await again.checkpoint([]);
    expect(written.at(-1)).toMatchObject({ floor: 4 });
    await again.checkpoint([delta(1, 1, 2)]);
    expect(written.at(-1)).toMatchObject({ floor: 6 });
    await again.close();
  });

  test('no floor beyond the segments that there were when it was called', async () => {
    const storage = await open({ segmentBytes: 64 });
    await storage.append([append(0, 1, 1)]);
    const { wait, open: release } = gate();
    onCheckpoint = () => wait;
    const first = storage.checkpoint([]);
    const second = storage.checkpoint([delta(0, 1, 9)]);
    await storage.append([promise(1, 5)]);
    await storage.append([promise(1, 6)]);
    release();
    await Promise.all([first, second]);
    expect(written.map(({ floor, batch }) => [floor, batch])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    await storage.close();
  });
});

describe('a checkpoint that fails', () => {
  const failOnce = (): void => {
    onCheckpoint = async () => {
      onCheckpoint = async () => {};
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
    expect(storage.stats().checkpointError).toContain('checkpointing failed in /n1: the disk is full');
    await storage.checkpoint([]);
    expect(storage.stats().checkpointError).toBeNull();
    expect(new Map(written[0]?.promises)).toEqual(
      new Map([
        [1, 3],
        [3, 2],
      ]),
    );
    expect([...(written[0]?.drops ?? [])].sort()).toEqual([2, 5, 6]);
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
        message: 'a checkpoint after one that failed is not whole',
      });
    expect(written).toHaveLength(2);
    await storage.checkpoint([empty(1, 5), empty(3, 1)]);
    await storage.checkpoint([part(1, 6), part(3, 2)]);
    await storage.append([drop(2)]);
    await storage.checkpoint([]);
    await storage.checkpoint([part(2, 7)]);
    expect(written.at(-1)).toMatchObject({ deltas: [{ partition: 2, seq: 7 }] });
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
    expect(written).toEqual([]);
    await storage.checkpoint([]);
    expect(written).toHaveLength(1);
    await storage.close();
  });
});

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
    onCheckpoint = () => wait;
    const first = storage.checkpoint([]);
    const waiting = storage.checkpoint([]);
    const failed = waiting.catch((error: unknown) => error);
    onCall = (call) => {
      if (call.startsWith('write log')) throw systemError('EIO', 'broken');
    };
    const error = await storage.append([append(0, 1, 2)]).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'storage-failed',
      message: 'writing the log failed in /n1: EIO: broken',
    });
    onCall = () => {};
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
    calls = [];
    await storage.close();
    expect(calls).toEqual([]);
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
        message: 'the storage is closed',
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
    onCall = (call) => {
      if (call === 'rename run.json') throw systemError('EIO', 'broken');
    };
    const error = await storage.setDamaged(true).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'storage-failed',
      message: 'marking the log failed in /n1: EIO: broken',
    });
    await expect(storage.append([])).rejects.toBe(error);
    await storage.close();
    const again = open();
    await expect(again).rejects.toMatchObject({
      message: 'opening the data folder failed in /n1: EIO: broken',
    });
    nothingOpen();
    onCall = () => {};
    const closing = await open();
    onCall = (call) => {
      if (call === 'rename run.json') throw systemError('EIO', 'broken');
    };
    await expect(closing.close()).rejects.toMatchObject({ message: 'closing failed in /n1: EIO: broken' });
    nothingOpen();
  });
});

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
    calls = [];
  };
  const frame = 144;
  const end = 64 + 2 * frame;
  /** What is done to segments before another is begun. */
  const settled = (): string[] =>
    calls
      .slice(0, calls.indexOf(`open log/${segmentName(4)} wxs`))
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
    calls = [];
    await storage.close();
    expect(calls).toEqual([
      ...(await names()).map((name) => `sync log/${name}`),
      'sync log',
      'rename run.json',
      'sync .',
    ]);
    calls = [];
    await (await open()).close();
    expect(calls.filter((call) => /^write .* at 0$/.test(call) && !call.includes(segmentName(6)))).toEqual([
      expect.stringContaining(segmentName(5)),
    ]);
  });

  test.each([
    [64 + frame + 40, 64 + frame, []],
    [20, 0, [1]],
  ])('cuts from byte %i of the first segment on, the last segment first', async (damaged, offset, own) => {
    await left('process');
    disk.corrupt(`${dir}/log/${segmentName(1)}`, 8 * damaged);
    const storage = await open({ machine: 'b' });
    expect(storage.recovered).toMatchObject({ damaged: true });
    expect(storage.recovered.notes.join()).toContain(`00000001.seg was cut at byte ${offset}`);
    const unlinks = calls.filter((call) => call.startsWith('unlink'));
    expect(unlinks).toEqual([3, 2, ...own].map((n) => `unlink log/${segmentName(n)}`));
    // It is remembered first, and each name is gone for good before that of an earlier one goes.
    const from = calls.indexOf(unlinks[0] as string);
    expect(calls.slice(0, from)).toContain('rename run.json');
    expect(calls.slice(from, from + 4)).toEqual([unlinks[0], 'sync log', unlinks[1], 'sync log']);
    expect(brief(storage.recovered.partitions)).toEqual(offset === 0 ? {} : { 0: 'p0 s0.0 [1.1]' });
    await storage.close();
    nothingOpen();
  });

  test('removes what an earlier one was to remove, and nothing else', async () => {
    const storage = await open({ segmentBytes: 64 });
    for (let seq = 1; seq <= 3; seq++) await storage.append([append(0, 1, seq)]);
    onCall = (call) => {
      if (call.startsWith('unlink')) throw systemError('EIO', 'broken');
    };
    await storage.checkpoint([delta(0, 1, 2)]);
    expect(storage.stats().checkpointError).toContain('removing segments failed in /n1: EIO: broken');
    await storage.abandon();
    onCall = () => {};
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
      onCall = (called) => {
        if (called === call) throw systemError('ENOSPC', 'no room');
      };
      await expect(open()).rejects.toMatchObject({ code: 'storage-full' });
      nothingOpen();
      onCall = () => {};
      const name = `${dir}/log/${segmentName(4)}`;
      if ((await names()).length === 4) await process.files.unlink(name);
    }
    const storage = await open();
    expect(storage.recovered).toMatchObject({ boot: 2, damaged: false, notes: [] });
    await storage.append([snapshot(0, 2, 9)]);
    await storage.close();
  });
});
