import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Durability } from '../../src/core/map/types.js';
import { MusterError } from '../../src/errors.js';
import { type FileSystem, systemError } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { LmdbCheckpoint } from '../../src/storage/lmdb-checkpoint.js';
import { openStorage } from '../../src/storage/open.js';
import { type Folder, temporaryFolder } from './folder.js';
import { type LogWrite, withLogWrites } from './log-writes.js';
import { append, appends, brief, delta, drop, promise, snapshot } from './records.js';

let folder: Folder;
let storage: FileStorage | null = null;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await storage?.close();
  storage = null;
  folder.remove();
});

interface Options {
  readonly durability?: Durability;
  readonly segmentBytes?: number;
  readonly machine?: string;
  readonly files?: FileSystem;
}

async function open(options: Options = {}): Promise<FileStorage> {
  storage = await openStorage({ dir: folder.path, durability: 'fsync', segmentBytes: 1000, ...options });
  return storage;
}

/** Opens, appends batches of one entry each, 1…count, and is killed. */
async function filled(count: number, options: Options = {}): Promise<void> {
  const s = await open(options);
  for (let seq = 1; seq <= count; seq++) await s.append([append(0, 1, seq)]);
  await s.abandon();
  storage = null;
}

const log = (): string[] => fs.readdirSync(join(folder.path, 'log')).sort();
const segment = (index: number): string => join(folder.path, 'log', log().at(index)!);

/** Where the frames of a segment begin. */
function frames(path: string): number[] {
  const bytes = fs.readFileSync(path);
  const found: number[] = [];
  for (
    let at = bytes.indexOf('\xff\x4d\x53\xfe', 0, 'latin1');
    at !== -1;
    at = bytes.indexOf('\xff\x4d\x53\xfe', at + 1, 'latin1')
  ) {
    found.push(at - 4);
  }
  return found;
}

function flip(path: string, at: number): void {
  const bytes = fs.readFileSync(path);
  bytes[at]! ^= 0x40;
  fs.writeFileSync(path, bytes);
}

async function refusal(options: Options = {}): Promise<MusterError> {
  const error = await open(options).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(MusterError);
  return error as MusterError;
}

const entries = (s: FileStorage): string => brief(s.recovered.partitions)[0] ?? 'nothing';
const all = (n: number): string =>
  `p0 s0.0 [${appends(0, 1, 1, n)
    .map((r) => (r.type === 'append' ? `1.${r.entry.seq}` : ''))
    .join(' ')}]`;

describe('a torn tail', () => {
  test('cut short at any byte of the last batch, it is cut with a note and the rest stays', async () => {
    await filled(3, { segmentBytes: 100_000 });
    const path = segment(0);
    const whole = fs.readFileSync(path);
    const last = frames(path).at(-1)!;
    const end = last + 32 + whole.readUInt32LE(last + 8);
    for (const cut of [last + 1, last + 20, last + 32, last + 60, end - 1]) {
      for (const part of log().slice(1)) fs.unlinkSync(join(folder.path, 'log', part));
      fs.writeFileSync(path, whole.subarray(0, cut));
      const s = await open({ segmentBytes: 100_000 });
      expect(entries(s), `cut at ${cut}`).toBe(all(2));
      expect(s.recovered.notes.join(), `cut at ${cut}`).toMatch(
        /torn log tail: truncated 00000001.seg at byte \d+/,
      );
      await s.abandon();
    }
  });

  test('cut to nothing on a disk without room for another segment, it is opened when there is room', async () => {
    await filled(1);
    fs.truncateSync(segment(0), 10);
    const full: FileSystem = {
      ...nodeFiles,
      open: (path, mode) =>
        path.endsWith('.seg') && mode.startsWith('wx')
          ? Promise.reject(systemError('ENOSPC', path))
          : nodeFiles.open(path, mode),
    };
    expect(await refusal({ files: full })).toMatchObject({ code: 'storage-full' });
    expect(log()).toEqual([]);
    const s = await open();
    expect([entries(s), s.recovered.damaged]).toEqual(['nothing', true]);
  });

  test('a bit flipped in a last batch that was acknowledged looks the same: the store says that its log is damaged, at every start', async () => {
    await filled(3, { segmentBytes: 100_000 });
    const last = frames(segment(0)).at(-1)!;
    flip(segment(0), last + 40);
    const first = await open({ segmentBytes: 100_000 });
    expect([entries(first), first.recovered.damaged]).toEqual([all(2), true]);
    await first.abandon();
    const second = await open({ segmentBytes: 100_000 });
    expect([second.recovered.notes, second.recovered.damaged]).toEqual([[], true]);
    await second.setDamaged(false);
    await second.abandon();
    expect((await open({ segmentBytes: 100_000 })).recovered.damaged).toBe(false);
  });

  test('zeros in place of its first sectors, the later ones written, it is cut', async () => {
    const s = await open({ segmentBytes: 100_000 });
    await s.append(appends(0, 1, 1, 2));
    await s.append(appends(0, 1, 3, 200));
    await s.abandon();
    const last = frames(segment(0)).at(-1)!;
    const bytes = fs.readFileSync(segment(0));
    bytes.fill(0, last, last + 512);
    fs.writeFileSync(segment(0), bytes);
    expect(entries(await open())).toBe(all(2));
  });

  test('a bad frame followed by good ones of the same batch is cut as one', async () => {
    const s = await open({ segmentBytes: 10_000_000 });
    await s.append(appends(0, 1, 1, 2));
    const huge = Array.from({ length: 30_000 }, (_, i) => append(0, 1, 3 + i)); // more than one frame
    await s.append(huge);
    await s.abandon();
    const at = frames(segment(0));
    expect(at.length).toBeGreaterThan(3);
    flip(segment(0), at.at(-2)! + 40);
    const again = await open();
    expect(entries(again)).toBe(all(2));
    expect(again.recovered.notes).toHaveLength(1);
    await again.append([append(0, 1, 3)]);
    await again.abandon();
    expect(entries(await open())).toBe(all(3));
  });

  test('a segment whose creation was cut short is taken away', async () => {
    await filled(3);
    fs.writeFileSync(join(folder.path, 'log', '00000002.seg'), Buffer.alloc(30));
    const s = await open();
    expect(entries(s)).toBe(all(3));
    await s.append([append(0, 1, 4)]);
    await s.abandon();
    expect(entries(await open())).toBe(all(4));
  });

  test('whose cut did not reach the disk changes nothing that came after it', async () => {
    await filled(4, { segmentBytes: 100_000 });
    flip(segment(0), frames(segment(0)).at(-1)! + 40);
    const torn = fs.readFileSync(segment(0));
    const s = await open({ segmentBytes: 100_000 });
    await s.append([append(0, 1, 4)]);
    await s.abandon();
    fs.writeFileSync(join(folder.path, 'log', log()[0]!), torn);
    const again = await open({ segmentBytes: 100_000 });
    expect([entries(again), again.recovered.notes]).toEqual([all(4), []]);
  });

  test('after the cut the log goes on, and is sound at the next start', async () => {
    await filled(4);
    flip(segment(-1), frames(segment(-1)).at(-1)! + 40);
    const s = await open();
    expect(entries(s)).toBe(all(3));
    await s.append([append(0, 1, 4)]);
    await s.append([append(0, 1, 5)]);
    await s.abandon();
    const again = await open();
    expect(entries(again)).toBe(all(5));
    expect(again.recovered.notes).toEqual([]);
  });
});

describe('damage in the middle is refused as storage-corrupt', () => {
  test('any byte of a batch before the last one, naming file and offset', async () => {
    await filled(4, { segmentBytes: 100_000 });
    const at = frames(segment(0))[1]!;
    const whole = fs.readFileSync(segment(0));
    for (const offset of [0, 4, 8, 12, 16, 24, 32, 70]) {
      fs.writeFileSync(segment(0), whole);
      flip(segment(0), at + offset);
      const error = await refusal();
      expect(error.code, `byte ${offset}`).toBe('storage-corrupt');
      expect(error.details).toMatchObject({ path: folder.path, file: segment(0), offset: at });
      expect(error.message).toContain('00000001.seg at byte');
    }
    expect(fs.readFileSync(segment(0)).length).toBe(whole.length); // refused, not cut
  });

  test('the end of a segment that is not the last one', async () => {
    await filled(30);
    expect(log().length).toBeGreaterThan(2);
    const bytes = fs.readFileSync(segment(0));
    fs.writeFileSync(segment(0), bytes.subarray(0, frames(segment(0)).at(-1)!));
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt', details: { file: segment(0) } });
  });

  test('the header of a segment with batches in it', async () => {
    await filled(30);
    flip(segment(1), 20);
    expect(await refusal()).toMatchObject({
      code: 'storage-corrupt',
      details: { file: segment(1), offset: 0 },
    });
  });

  test('a missing segment', async () => {
    await filled(40);
    const missing = segment(1);
    fs.unlinkSync(missing);
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt', details: { file: missing } });
  });

  test('a missing log', async () => {
    await filled(3);
    fs.rmSync(join(folder.path, 'log'), { recursive: true });
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt' });
  });

  test('the last batch, when the store was closed cleanly', async () => {
    const s = await open();
    await s.append([append(0, 1, 1)]);
    await s.append([append(0, 1, 2)]);
    await s.close();
    flip(segment(-1), frames(segment(-1)).at(-1)! + 40);
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt', details: { file: segment(-1) } });
  });

  test('the last batch, when a checkpoint came after it', async () => {
    const s = await open();
    await s.append([append(0, 1, 1)]);
    await s.append([append(0, 1, 2)]);
    await s.checkpoint([delta(0, 1, 1)]);
    await s.abandon();
    flip(segment(-1), frames(segment(-1)).at(-1)! + 40);
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt' });
  });

  test('a log put back from before the checkpoint', async () => {
    await filled(3);
    fs.cpSync(join(folder.path, 'log'), join(folder.path, 'old'), { recursive: true });
    const s = await open();
    for (let seq = 4; seq <= 30; seq++) await s.append([append(0, 1, seq)]);
    await s.checkpoint([delta(0, 1, 30)]);
    await s.abandon();
    fs.rmSync(join(folder.path, 'log'), { recursive: true });
    fs.renameSync(join(folder.path, 'old'), join(folder.path, 'log'));
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt' });
  });

  test('segments of another store', async () => {
    await filled(3);
    const other = temporaryFolder();
    const s = await openStorage({ dir: other.path, durability: 'fsync' });
    await s.append([append(0, 1, 1)]);
    await s.abandon();
    fs.copyFileSync(join(other.path, 'log', '00000001.seg'), segment(0));
    other.remove();
    expect(await refusal()).toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('another store'),
    });
  });
});

describe('a damaged checkpoint is refused as storage-corrupt', () => {
  const data = (): string => join(folder.path, 'state', 'data.mdb');
  const checkpointed = async (): Promise<void> => {
    const s = await open();
    await s.append(appends(0, 1, 1, 3));
    const cells = Array.from(
      { length: 2000 },
      (_, i) => [`key${i}`, { kind: 'text', value: 'x'.repeat(60), version: 1 }] as const,
    );
    await s.checkpoint([delta(0, 1, 3, { cells })]);
    await s.close();
    storage = null;
  };

  test('garbage', async () => {
    await checkpointed();
    fs.writeFileSync(data(), Buffer.alloc(fs.statSync(data()).size, 7));
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt', details: { file: data() } });
  });

  test('cut short', async () => {
    await checkpointed();
    fs.truncateSync(data(), 40_960);
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt', details: { file: data() } });
  });

  test('gone', async () => {
    await checkpointed();
    fs.rmSync(join(folder.path, 'state'), { recursive: true });
    expect(await refusal()).toMatchObject({ code: 'storage-corrupt' });
  });

  test('one flipped bit in a value', async () => {
    await checkpointed();
    const bytes = fs.readFileSync(data());
    const value = `"${'x'.repeat(60)}"`;
    for (let at = bytes.indexOf(value); at !== -1; at = bytes.indexOf(value, at + 1)) bytes[at + 9]! ^= 1;
    fs.writeFileSync(data(), bytes);
    expect(await refusal()).toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('checksum'),
    });
  });
});

describe('a checkpoint with damage anywhere', () => {
  const keys = 1500;
  const cellsOf = (round: number) =>
    Array.from({ length: keys }, (_, i) => {
      const value = i % 97 === 0 ? 'y'.repeat(6000 + round) : `${'x'.repeat(60)}${i % 5 === 0 ? round : 0}`;
      return [`key${i}`, { kind: 'text', value, version: 1 }] as const;
    });
  let data: string;
  let whole: Buffer;
  /** The file as it was at earlier checkpoints. */
  const old: Buffer[] = [];
  let logBefore: string;

  const make = async (): Promise<void> => {
    const s = await open();
    data = join(folder.path, 'state', 'data.mdb');
    for (let round = 1; round <= 5; round++) {
      await s.append([append(0, 1, round), append(1, 1, round)]);
      await s.checkpoint([delta(0, 1, round, { cells: cellsOf(round) }), delta(1, 1, round)]);
      old.push(fs.readFileSync(data));
    }
    await s.abandon();
    whole = old.pop()!;
    logBefore = join(folder.path, 'before');
    for (const name of ['log', 'run.json'])
      fs.cpSync(join(folder.path, name), join(logBefore, name), { recursive: true });
  };

  /** Starts with the file like this: says whether it was refused; anything but the right state fails. */
  const start = async (file: Buffer, what: string): Promise<boolean> => {
    for (const name of ['log', 'run.json']) {
      fs.rmSync(join(folder.path, name), { recursive: true, force: true });
      fs.cpSync(join(logBefore, name), join(folder.path, name), { recursive: true });
    }
    fs.writeFileSync(data, file);
    let s: FileStorage;
    try {
      s = await open();
    } catch (error) {
      storage = null;
      expect(error, what).toMatchObject({ code: 'storage-corrupt' });
      expect((error as MusterError).details, what).toMatchObject({ path: folder.path });
      return true;
    }
    const check = (found: FileStorage, seq: number, round: number) => {
      expect(entries(found).replace(/ \[.*/, ''), what).toBe(`p1 s1.${seq}`);
      const cells = new Map(found.recovered.partitions[0]!.snapshot.cells);
      expect(cells.size, what).toBe(keys);
      for (const [key, cell] of cellsOf(round)) expect(cells.get(key), what).toEqual(cell);
    };
    check(s, 5, 5);
    // It can be written to, and what is written is found.
    await s.append([append(0, 1, 6)]);
    await s.checkpoint([delta(0, 1, 6, { cells: cellsOf(6) })]);
    await s.abandon();
    const again = await open();
    check(again, 6, 6);
    await again.abandon();
    storage = null;
    return false;
  };

  test('ends in the right state or as storage-corrupt, and never in a signal', {
    timeout: 240_000,
  }, async () => {
    await make();
    expect(await start(whole, 'whole')).toBe(false);
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const page = 4096;
    const pages = Math.floor(whole.length / page);
    const counts: Record<string, number> = {};
    const at = (): number => (random(3) === 0 ? random(2) * page + random(170) : random(whole.length));
    const kinds: Record<string, (b: Buffer) => Buffer> = {
      flip: (b) => {
        const place = at();
        b[place]! ^= 1 << random(8);
        return b;
      },
      header: (b) => {
        b[random(pages) * page + random(40)] = random(256);
        return b;
      },
      zero: (b) => {
        const place = at();
        return b.fill(0, place, place + [8, 512, page][random(3)]!);
      },
      zeroPage: (b) => {
        const place = random(pages) * page;
        return b.fill(0, place, place + page);
      },
      garbage: (b) => {
        const place = at();
        for (let i = place; i < Math.min(b.length, place + 64); i++) b[i] = random(256);
        return b;
      },
      truncate: (b) => b.subarray(0, random(2) === 0 ? random(b.length) : random(pages) * page),
      swap: (b) => {
        const [one, other] = [random(pages) * page, random(pages) * page];
        const copy = Buffer.from(b.subarray(one, one + page));
        b.copy(b, one, other, other + page);
        copy.copy(b, other);
        return b;
      },
      oldPage: (b) => {
        const source = old[random(old.length)]!;
        const place = random(Math.floor(source.length / page)) * page;
        source.copy(b, place, place, place + page);
        return b;
      },
      oldPages: (b) => {
        const source = old[random(old.length)]!;
        const place = random(Math.floor(source.length / page)) * page;
        source.copy(b, place, place, place + 8 * page);
        return b;
      },
    };
    for (let i = 0; i < 180; i++) {
      const names = Object.keys(kinds);
      const kind = names[i % names.length]!;
      const refused = await start(kinds[kind]!(Buffer.from(whole)), `${kind} ${i}`);
      const name = `${kind} ${refused ? 'refused' : 'harmless'}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    // Each kind is refused some of the time, or it would not have been tried.
    for (const kind of Object.keys(kinds)) expect(counts[`${kind} refused`] ?? 0, kind).toBeGreaterThan(0);
  });

  test('a leaf of an earlier checkpoint in place of its successor is noticed', async () => {
    old.length = 0;
    await make();
    let refused = 0;
    let tried = 0;
    for (const source of old.toReversed())
      for (let place = 2 * 4096; place + 4096 <= source.length && refused < 2 && tried < 60; place += 4096) {
        const [before, now] = [source, whole].map((b) => b.subarray(place, place + 4096));
        const isLeaf = (b: Buffer) =>
          b.readUInt16LE(18) === 2 && b.readBigUInt64LE(0) === BigInt(place / 4096);
        if (!isLeaf(before!) || !isLeaf(now!) || before!.equals(now!)) continue;
        tried++;
        const file = Buffer.from(whole);
        before!.copy(file, place);
        if (await start(file, `leaf at ${place}`)) refused++;
      }
    expect(refused).toBeGreaterThan(0);
  });
});

describe('a checkpoint that fails', () => {
  test('stops neither the log nor later checkpoints, and is said in the figures', async () => {
    const s = await open();
    await s.append(appends(0, 1, 1, 3));
    await s.checkpoint([delta(0, 1, 2)]);
    const { write } = LmdbCheckpoint.prototype;
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const failing = vi.spyOn(LmdbCheckpoint.prototype, 'write').mockRejectedValueOnce(full);
    await s.append([drop(1), append(0, 1, 4)]);
    const queued = [s.checkpoint([delta(0, 1, 3)]), s.checkpoint([delta(0, 1, 4, { full: false })])];
    const ends = await Promise.allSettled(queued);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(failing).toHaveBeenCalledTimes(1);
    failing.mockRestore();
    expect(LmdbCheckpoint.prototype.write).toBe(write);
    expect(s.stats().checkpointError).toContain('the disk is full');
    await s.append([append(0, 1, 5)]);
    await s.checkpoint([delta(0, 1, 5)]);
    expect(s.stats().checkpointError).toBeNull();
    await s.abandon();
    expect(entries(await open())).toBe('p1 s1.5 []');
  });
});

describe('after a checkpoint that failed', () => {
  test('no one that was called before removes what it was to hold: promises, say', async () => {
    const s = await open({ segmentBytes: 100 });
    await s.append([promise(1, 7), append(0, 1, 1)]);
    await s.append([append(0, 1, 2)]);
    vi.spyOn(LmdbCheckpoint.prototype, 'write').mockRejectedValueOnce(new Error('injected'));
    const ends = await Promise.allSettled([s.checkpoint([]), s.checkpoint([delta(0, 1, 2)])]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    vi.restoreAllMocks();
    await s.abandon();
    expect(brief((await open()).recovered.partitions)).toMatchObject({ 1: 'p7 s0.0 []' });
  });

  test('a segment that cannot be removed does not undo the checkpoint', async () => {
    let broken = true;
    const files: FileSystem = {
      ...nodeFiles,
      unlink: async (path) => {
        if (broken && path.endsWith('.seg')) throw Object.assign(new Error('injected'), { code: 'EIO' });
        await nodeFiles.unlink(path);
      },
    };
    const s = await open({ segmentBytes: 100, files });
    await s.append([append(0, 1, 1)]);
    await s.checkpoint([delta(0, 1, 1)]);
    await s.append([drop(0), promise(0, 3), append(0, 2, 1)]);
    await s.append([append(1, 1, 1)]);
    await s.checkpoint([delta(0, 3, 1)]);
    expect(s.stats().checkpointError).toContain('injected');
    await s.append([append(1, 1, 2)]);
    broken = false;
    await s.checkpoint([delta(1, 1, 2)]);
    expect(s.stats()).toMatchObject({ checkpointError: null, segments: 1 });
    expect(log()).toHaveLength(1);
    await s.abandon();
    expect(brief((await open()).recovered.partitions)).toEqual({ 0: 'p3 s3.1 []', 1: 'p1 s1.2 []' });
  });
});

describe('a store that does not sync', () => {
  test('same boot of the machine: damage before the last batch is refused', async () => {
    await filled(4, { durability: 'process', segmentBytes: 100_000 });
    flip(segment(0), frames(segment(0))[1]! + 40);
    expect(await refusal({ durability: 'process' })).toMatchObject({ code: 'storage-corrupt' });
  });

  test('another boot: whatever of the un-synced is lost is cut, and the store is another one', async () => {
    const first = await open({ durability: 'process', machine: 'a' });
    const { store } = first.recovered;
    await first.close();
    await filled(40, { durability: 'process', machine: 'a' });
    expect(log().length).toBeGreaterThan(3);
    flip(segment(2), frames(segment(2))[1]! + 40);
    const s = await open({ durability: 'process', machine: 'b' });
    expect(s.recovered.store).not.toBe(store);
    expect(s.recovered.notes).toHaveLength(2);
    const found = s.recovered.partitions[0]!.entries.length;
    expect(found).toBeGreaterThan(5);
    expect(found).toBeLessThan(40);
    await s.append([append(0, 1, found + 1)]);
    await s.abandon();
    const again = await open({ durability: 'process', machine: 'b' });
    expect(again.recovered.store).toBe(s.recovered.store);
    expect(entries(again)).toBe(all(found + 1));
  });

  test('another boot: damage to what had been synced is still refused', async () => {
    const first = await open({ durability: 'process', machine: 'a', segmentBytes: 100_000 });
    await first.append([append(0, 1, 1)]);
    await first.append([append(0, 1, 2)]);
    await first.close();
    const second = await open({ durability: 'process', machine: 'a' });
    await second.append([append(0, 1, 3)]);
    await second.abandon();
    flip(segment(0), frames(segment(0))[0]! + 40);
    expect(await refusal({ durability: 'process', machine: 'b' })).toMatchObject({ code: 'storage-corrupt' });
  });

  test('another boot with a checkpoint ahead of what is left of the log', async () => {
    const s = await open({ durability: 'process', machine: 'a', segmentBytes: 100_000 });
    for (let seq = 1; seq <= 9; seq++) await s.append([append(0, 1, seq)]);
    await s.checkpoint([delta(0, 1, 9)]);
    await s.abandon();
    fs.truncateSync(segment(0), frames(segment(0))[3]!);
    const again = await open({ durability: 'process', machine: 'b' });
    expect(entries(again)).toBe('p1 s1.9 []');
    await again.append([append(0, 1, 10)]);
    await again.abandon();
    expect(entries(await open({ durability: 'fsync', machine: 'b' }))).toBe('p1 s1.9 [1.10]');
  });
});

test.skipIf(process.platform === 'win32')('nothing that is no file hangs a start', async () => {
  const fifo = (path: string): void => {
    fs.rmSync(path, { force: true });
    execFileSync('mkfifo', [path]);
  };
  await filled(3);
  fifo(join(folder.path, 'run.json.tmp'));
  const s = await open();
  await s.checkpoint([delta(0, 1, 3)]);
  await s.close();
  storage = null;
  const data = join(folder.path, 'state', 'data.mdb');
  for (const path of [segment(-1), data]) {
    const before = fs.readFileSync(path);
    fifo(path);
    const error = await refusal();
    expect(error.code, path).toBe('storage-corrupt');
    // LMDB's file is asked for its size first.
    expect(error.message, path).toMatch(
      path === data ? /expected at least \d+ bytes, got 0/ : /not a regular file/,
    );
    fs.rmSync(path);
    fs.writeFileSync(path, before);
  }
  expect(entries(await open())).toBe('p1 s1.3 []');
});

describe('what a store that did not sync gave up', () => {
  test('stays given up at the next start, with no batch in between', async () => {
    const s = await open({ durability: 'process', machine: 'a', segmentBytes: 100_000 });
    for (let seq = 1; seq <= 9; seq++) await s.append([append(0, 1, seq)]);
    await s.checkpoint([delta(0, 1, 9)]);
    await s.abandon();
    fs.truncateSync(segment(0), frames(segment(0))[3]!);
    for (let start = 1; start <= 3; start++) {
      const again = await open({ machine: 'b' });
      expect(entries(again), `start ${start}`).toBe('p1 s1.9 []');
      await again.abandon();
    }
  });

  test('may be what cut entries that are left: they stay cut', async () => {
    const s = await open({ durability: 'process', machine: 'a', segmentBytes: 100 });
    await s.append(appends(0, 1, 1, 3));
    await s.append([...appends(0, 1, 4, 5), append(1, 1, 1)]);
    await s.append([snapshot(0, 2, 10)]);
    await s.append([append(1, 1, 2)]);
    // The first segment can go: the snapshot replaces what is in it.
    await s.checkpoint([]);
    await s.abandon();
    expect(log()[0]).toBe('00000002.seg');
    fs.truncateSync(segment(1), 64);
    for (let start = 1; start <= 3; start++) {
      const again = await open({ machine: 'b' });
      expect(brief(again.recovered.partitions), `start ${start}`).toEqual({
        0: 'p0 s0.0 []',
        1: 'p0 s0.0 [1.1]',
      });
      await again.abandon();
    }
  });

  test('a system that forgets what was read before it is made sure of is found out', async () => {
    await filled(4, { durability: 'process', machine: 'a', segmentBytes: 100_000 });
    const [from, to] = frames(segment(0));
    const files: FileSystem = {
      ...nodeFiles,
      open: async (path, mode) => {
        if (mode === 'r+') {
          const bytes = fs.readFileSync(path);
          fs.writeFileSync(path, bytes.fill(0, from, to));
        }
        return nodeFiles.open(path, mode);
      },
    };
    expect(await refusal({ machine: 'a', files })).toMatchObject({ code: 'storage-corrupt' });
  });

  test('may be whole segments, and headers', async () => {
    for (const lose of [
      () => fs.unlinkSync(segment(1)),
      () => fs.truncateSync(segment(1), 0),
      () => fs.rmSync(segment(0)),
      () => log().forEach((name) => void fs.rmSync(join(folder.path, 'log', name))),
    ]) {
      const s = await open({ durability: 'process', machine: 'a', segmentBytes: 100 });
      const { store } = s.recovered;
      for (let seq = 1; seq <= 4; seq++) await s.append([append(0, 1, seq)]);
      await s.abandon();
      lose();
      const again = await open({ machine: 'b' });
      expect(again.recovered.store).not.toBe(store);
      await again.abandon();
      await (await open({ machine: 'b' })).abandon();
      fs.rmSync(folder.path, { recursive: true });
    }
  });
});

describe('a failing disk', () => {
  const failing = (code: string, short = 0): { files: FileSystem; arm: () => void } => {
    let armed = false;
    const write: LogWrite = async (write, bytes, position) => {
      if (!armed) return write(bytes, position);
      if (short > 0) {
        const part = bytes.subarray(0, short);
        short = 0;
        return write(part, position);
      }
      throw Object.assign(new Error(`${code}: injected`), { code });
    };
    return { files: withLogWrites(write), arm: () => (armed = true) };
  };

  test.each([
    ['ENOSPC', 'storage-full'],
    ['EDQUOT', 'storage-full'],
    ['EIO', 'storage-failed'],
  ])('%s rejects as %s, and everything after it', async (code, expected) => {
    const { files, arm } = failing(code);
    const s = await open({ files });
    await s.append([append(0, 1, 1)]);
    arm();
    await expect(s.append([append(0, 1, 2)])).rejects.toMatchObject({
      code: expected,
      tookEffect: 'unknown',
    });
    await expect(s.append([append(0, 1, 2)])).rejects.toMatchObject({ code: expected });
    await expect(s.checkpoint([delta(0, 1, 1)])).rejects.toMatchObject({ code: expected });
    await s.close();
    expect(entries(await open())).toBe(all(1));
  });

  test('a write that ends short and then fails leaves a torn tail', async () => {
    const { files, arm } = failing('ENOSPC', 50);
    const s = await open({ files });
    await s.append([append(0, 1, 1)]);
    arm();
    await expect(s.append([append(0, 1, 2)])).rejects.toMatchObject({ code: 'storage-full' });
    await s.close();
    const again = await open();
    expect(entries(again)).toBe(all(1));
    expect(again.recovered.notes).toHaveLength(1);
  });

  test('short writes are completed', async () => {
    const files = withLogWrites((write, bytes, position) => write(bytes.subarray(0, 37), position));
    const s = await open({ files });
    await s.append(appends(0, 1, 1, 9));
    await s.abandon();
    expect(entries(await open())).toBe(all(9));
  });
});
