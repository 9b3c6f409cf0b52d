import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type FileSystem, type OpenFile, systemError } from '../../src/files/contract.js';
import { BatchEncoder, FRAME_HEADER, readFrameHeader } from '../../src/storage/codec.js';
import { type Log, type ScanOptions, scanLog } from '../../src/storage/scan.js';
import { encodeSegmentHeader, type SegmentHeader, segmentName } from '../../src/storage/segments.js';
import { append, appends } from './records.js';

const lineage = '01234567-89ab-4cde-8f01-23456789abcd';
const folder = '/data/log';

/** Files that are read, from memory. */
class Segments {
  readonly bytes = new Map<string, Buffer>();
  /** How many are open. */
  open = 0;

  get files(): FileSystem {
    const contents = (path: string): Buffer => {
      const found = this.bytes.get(path);
      if (found === undefined) throw systemError('ENOENT', path);
      return found;
    };
    const read: Pick<FileSystem, 'readdir' | 'open' | 'stat'> = {
      readdir: async () => [...this.bytes.keys()].map((path) => path.slice(folder.length + 1)),
      stat: async (path) => ({ kind: 'file', bytes: contents(path).length }),
      open: async (path) => {
        const whole = contents(path);
        this.open++;
        const file: Pick<OpenFile, 'stat' | 'read' | 'close'> = {
          stat: async () => ({ kind: 'file', bytes: whole.length }),
          read: async (buffer, offset, position) => whole.copy(buffer, offset, position),
          close: async () => void this.open--,
        };
        return file as OpenFile;
      },
    };
    return read as FileSystem;
  }

  at(number: number): Buffer {
    return this.bytes.get(`${folder}/${segmentName(number)}`) as Buffer;
  }

  set(number: number, bytes: Buffer): void {
    this.bytes.set(`${folder}/${segmentName(number)}`, bytes);
  }

  /** A segment with these batches, of one entry each, and zeros after them. `from`: its first batch. */
  add(number: number, from: number, count: number, change: Partial<SegmentHeader> = {}, synced = -1): void {
    const header = {
      lineage,
      number,
      previousBatch: from - 1,
      firstBatch: from,
      synced: from - 1,
      ...change,
    };
    const parts = [encodeSegmentHeader(header)];
    for (let batch = from; batch < from + count; batch++) {
      const bytes = new BatchEncoder().encode([append(0, 1, batch)], batch, synced < 0 ? batch - 1 : synced);
      parts.push(Buffer.from(bytes));
    }
    this.set(number, Buffer.concat([...parts, Buffer.alloc(200)]));
  }

  /** Where the frames of a segment begin, and then where the last ends. */
  frames(number: number): number[] {
    const bytes = this.at(number);
    const found = [64];
    for (let at = 64; ; found.push(at)) {
      const header = readFrameHeader(bytes, at);
      if (header === null) return found;
      at += (FRAME_HEADER + header.length + 7) & ~7;
    }
  }

  flip(number: number, at: number): void {
    this.at(number)[at] ^= 0x40;
  }
}

async function scan(segments: Segments, change: Partial<Log> = {}) {
  const events: unknown[] = [];
  const options: ScanOptions = {
    files: segments.files,
    dir: '/data',
    lineage,
    trusted: true,
    unsyncedFrom: Number.POSITIVE_INFINITY,
    firstSegment: 1,
    begun: true,
    onSegment: (number) => events.push(`segment ${number}`),
    onBatch: (batch, records) => events.push(`batch ${batch}: ${records.length}`),
    onBytes: (bytes) => events.push(bytes),
    ...change,
  };
  const { lastWrite, ...found } = await scanLog(options);
  expect(segments.open).toBe(0);
  return { ...found, events, lastWrite };
}

const two = (): Segments => {
  const segments = new Segments();
  segments.add(1, 1, 3);
  segments.add(2, 4, 2);
  return segments;
};

describe('a whole log', () => {
  test('is read in order', async () => {
    const segments = two();
    const [, , , end1 = 0] = segments.frames(1);
    const [, last = 0, end2 = 0] = segments.frames(2);
    expect(await scan(segments)).toEqual({
      segments: [
        { number: 1, lastBatch: 3, bytes: end1 },
        { number: 2, lastBatch: 5, bytes: end2 },
      ],
      lastBatch: 5,
      accountedFor: 5,
      torn: null,
      events: [
        'segment 1',
        'batch 1: 1',
        'batch 2: 1',
        'batch 3: 1',
        end1,
        'segment 2',
        'batch 4: 1',
        'batch 5: 1',
        end2,
      ],
      lastWrite: [
        {
          at: last,
          bytes: segments
            .at(2)
            .subarray(last, last + FRAME_HEADER + (readFrameHeader(segments.at(2), last)?.length ?? 0)),
        },
      ],
    });
  });

  test('may have nothing in its last segment: then its header was written last', async () => {
    const segments = two();
    segments.add(3, 6, 0);
    const found = await scan(segments);
    expect(found).toMatchObject({ lastBatch: 5, accountedFor: 5, torn: null });
    expect(found.segments.at(-1)).toEqual({ number: 3, lastBatch: 5, bytes: 64 });
    expect(found.lastWrite).toEqual([{ at: 0, bytes: segments.at(3).subarray(0, 64) }]);
  });

  test('may be longer than is read at once, with batches of several frames', async () => {
    const segments = new Segments();
    const batch = Buffer.from(new BatchEncoder().encode(appends(0, 1, 1, 30_000), 1, 0));
    const next = Buffer.from(new BatchEncoder().encode([append(0, 1, 30_001)], 2, 1));
    const header = encodeSegmentHeader({ lineage, number: 1, previousBatch: 0, firstBatch: 1, synced: 0 });
    segments.set(1, Buffer.concat([header, batch, next, Buffer.alloc(3 * 1024 * 1024)]));
    const found = await scan(segments);
    expect(found.events.slice(0, 3)).toEqual(['segment 1', 'batch 1: 30000', 'batch 2: 1']);
    expect(found).toMatchObject({ lastBatch: 2, torn: null });
    // Something behind so many zeros is found as well.
    segments.at(1)[segments.at(1).length - 1] = 1;
    expect(await scan(segments)).toMatchObject({
      lastBatch: 2,
      torn: { segment: 1, offset: 64 + batch.length + next.length },
    });
  });

  test('may not have been begun, or have been given up', async () => {
    const nothing = { segments: [], lastWrite: [], lastBatch: 0, accountedFor: 0, torn: null, events: [] };
    expect(await scan(new Segments(), { begun: false })).toEqual(nothing);
    expect(await scan(new Segments(), { unsyncedFrom: 1 })).toEqual(nothing);
    await expect(scan(new Segments(), { unsyncedFrom: 2 })).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('log is missing'),
    });
  });

  test('goes on after batches that were given up', async () => {
    const segments = new Segments();
    segments.add(1, 1, 2);
    segments.add(2, 7, 1, { previousBatch: 2 });
    expect(await scan(segments)).toMatchObject({ lastBatch: 7, accountedFor: 7, torn: null });
    segments.add(2, 7, 0, { previousBatch: 2 });
    expect(await scan(segments)).toMatchObject({ lastBatch: 2, accountedFor: 6, torn: null });
  });

  test('has in a segment nothing of what was cut off when the next was begun', async () => {
    const segments = new Segments();
    segments.add(1, 1, 3);
    segments.add(2, 3, 1);
    const [, , end = 0] = segments.frames(1);
    const found = await scan(segments);
    expect(found.segments[0]).toEqual({ number: 1, lastBatch: 2, bytes: end });
    expect([found.lastBatch, found.torn]).toEqual([3, null]);
  });
});

describe('the end of a log', () => {
  /** The last batch of the last segment, damaged. */
  test('is cut before a batch that nothing proves to have been durable', async () => {
    for (const count of [1, 2, 3]) {
      const segments = new Segments();
      segments.add(1, 1, count);
      const frames = segments.frames(1);
      const start = frames.at(-2) as number;
      segments.flip(1, start + 40);
      const found = await scan(segments);
      expect(found).toMatchObject({
        segments: [{ number: 1, lastBatch: count - 1, bytes: start }],
        lastBatch: count - 1,
        accountedFor: count - 1,
        torn: { segment: 1, offset: start, bytes: segments.at(1).length - start },
      });
      expect(found.events.at(-1)).toBe(start);
      expect(found.lastWrite).toHaveLength(1);
    }
  });

  test.each([0, 4, 8, 12, 16, 24, 32, 70])('is refused when later batches follow: byte %i', async (at) => {
    // Whatever the frames behind it are long, and wherever they begin.
    for (const damaged of [0, 1, 2]) {
      const segments = new Segments();
      segments.add(1, 1, 4);
      const start = segments.frames(1)[damaged] as number;
      segments.flip(1, start + at);
      await expect(scan(segments)).rejects.toMatchObject({
        code: 'storage-corrupt',
        details: { path: '/data', file: `${folder}/${segmentName(1)}`, offset: start },
        message: expect.stringContaining(`batch ${damaged + 1} is unreadable`),
      });
    }
  });

  test('is cut where the machine went down and a batch was not known to be durable, and refused where it was', async () => {
    for (const [synced, torn] of [
      [1, true],
      [2, false],
    ] as const) {
      const segments = new Segments();
      segments.add(1, 1, 3, {}, synced);
      const [, start = 0] = segments.frames(1);
      segments.flip(1, start + 40);
      const found = scan(segments, { trusted: false });
      if (torn) expect(await found).toMatchObject({ lastBatch: 1, torn: { segment: 1, offset: start } });
      else await expect(found).rejects.toMatchObject({ code: 'storage-corrupt' });
      // From the segment on of which nothing was synced, anything may be missing.
      expect(await scan(segments, { trusted: false, unsyncedFrom: 1 })).toMatchObject({ lastBatch: 1 });
      const later = scan(segments, { trusted: false, unsyncedFrom: 2 });
      if (!torn) await expect(later).rejects.toMatchObject({ code: 'storage-corrupt' });
    }
  });

  test('is proven by the header of a later segment, by what it says was durable', async () => {
    for (const [synced, refused] of [
      [2, false],
      [3, true],
    ] as const) {
      const segments = new Segments();
      segments.add(1, 1, 3, {}, 0);
      segments.add(2, 4, 0, { synced });
      const [, , start = 0] = segments.frames(1);
      segments.flip(1, start + 40);
      const found = scan(segments, { trusted: false });
      if (refused) await expect(found).rejects.toMatchObject({ details: { offset: start } });
      else
        expect(await found).toMatchObject({
          segments: [{ number: 1, lastBatch: 2 }],
          torn: { segment: 1, offset: start },
        });
      await expect(scan(segments)).rejects.toMatchObject({ details: { offset: start } });
    }
  });

  test('is where a segment is torn, even if the next cannot be read', async () => {
    const segments = new Segments();
    segments.add(1, 1, 2);
    const [, start = 0] = segments.frames(1);
    segments.flip(1, start + 40);
    segments.set(2, Buffer.alloc(30));
    expect(await scan(segments)).toMatchObject({ torn: { segment: 1, offset: start }, lastBatch: 1 });
  });

  test('is before a segment whose header was never written, and refused if it has batches', async () => {
    const segments = two();
    segments.set(3, Buffer.alloc(30));
    expect(await scan(segments)).toMatchObject({
      lastBatch: 5,
      torn: { segment: 3, offset: 0, bytes: 30 },
    });
    segments.add(3, 6, 2);
    segments.flip(3, 20);
    await expect(scan(segments)).rejects.toMatchObject({ details: { offset: 0 } });
  });

  test('is where a segment has lost its end that nothing proves, or that of the next is proof of', async () => {
    const segments = two();
    const [, , start = 0] = segments.frames(1);
    segments.at(1).fill(0, start);
    const found = await scan(segments, { trusted: false, unsyncedFrom: 1 });
    expect(found).toMatchObject({
      lastBatch: 2,
      torn: { segment: 1, offset: start, bytes: segments.at(1).length - start },
    });
    await expect(scan(segments)).rejects.toMatchObject({ details: { offset: start } });
  });
});

describe('a log is refused', () => {
  const header = (number: number, change: Partial<SegmentHeader>): Buffer =>
    encodeSegmentHeader({ lineage, number, previousBatch: 3, firstBatch: 4, synced: 3, ...change });
  test.each([
    [
      'a segment of another store',
      (s: Segments) => s.set(2, header(2, { lineage: lineage.replace('0', 'f') })),
      16,
      'belongs to another store',
    ],
    ['a segment under another name', (s: Segments) => s.set(2, header(3, {})), 12, 'header has number 3'],
    [
      'a missing segment',
      (s: Segments) => s.bytes.delete(`${folder}/${segmentName(1)}`),
      null,
      'segment is missing',
    ],
  ] as const)('for %s', async (_, edit, offset, message) => {
    const segments = two();
    segments.add(3, 6, 1);
    edit(segments);
    await expect(scan(segments)).rejects.toMatchObject({
      code: 'storage-corrupt',
      details: { offset },
      message: expect.stringContaining(message),
    });
  });

  test('for a segment of another format', async () => {
    const segments = two();
    const other = header(2, {});
    other.writeUInt32LE(5, 8);
    other.writeUInt32LE(crc32(other.subarray(0, 60)), 60);
    segments.set(2, other);
    await expect(scan(segments)).rejects.toMatchObject({
      code: 'storage-corrupt',
      details: { file: `${folder}/${segmentName(2)}`, offset: 8 },
      message: expect.stringMatching(/unsupported format 5$/),
    });
  });

  test('for a batch that is missing between two others, which the one after it proves', async () => {
    const segments = new Segments();
    segments.add(1, 1, 3, {}, 0);
    const [, second = 0, third = 0] = segments.frames(1);
    const bytes = segments.at(1);
    segments.set(1, Buffer.concat([bytes.subarray(0, second), bytes.subarray(third)]));
    await expect(scan(segments)).rejects.toMatchObject({
      details: { offset: second },
      message: expect.stringContaining('batch 2 is unreadable'),
    });
    expect(await scan(segments, { trusted: false })).toMatchObject({
      lastBatch: 1,
      torn: { segment: 1, offset: second },
    });
  });

  test('for a missing segment, unless nothing of it was ever synced', async () => {
    const segments = two();
    segments.add(4, 6, 1);
    await expect(scan(segments, { unsyncedFrom: 4 })).rejects.toMatchObject({ code: 'storage-corrupt' });
    expect(await scan(segments, { unsyncedFrom: 3 })).toMatchObject({
      lastBatch: 5,
      torn: { segment: 3, offset: 0, bytes: 0 },
    });
  });
});
