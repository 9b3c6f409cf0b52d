import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type FileSystem, type OpenFile, systemError } from '../../src/files/contract.js';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  listSegments,
  SEGMENT_HEADER,
  type SegmentHeader,
  SegmentWriter,
  segmentName,
  supportedFormat,
} from '../../src/storage/segments.js';

const header: SegmentHeader = {
  lineage: '01234567-89ab-4cde-8f01-23456789abcd',
  number: 7,
  previousBatch: 40,
  firstBatch: 2 ** 53 - 1,
  synced: 39,
};

describe('segments of a folder', () => {
  test('have names of at least eight digits', () => {
    expect([1, 99_999_999, 123_456_789].map(segmentName)).toEqual([
      '00000001.seg',
      '99999999.seg',
      '123456789.seg',
    ]);
  });

  test('are listed by number, and nothing else with them', async () => {
    const names = [
      '100000000.seg',
      '00000010.seg',
      '99999999.seg',
      '00000002.seg',
      '0000003.seg',
      '00000004.seg.tmp',
      'x00000005.seg',
      '00000006xseg',
      'notes',
    ];
    const files = { readdir: async () => names } as Partial<FileSystem> as FileSystem;
    expect(await listSegments(files, '/log')).toEqual([2, 10, 99_999_999, 100_000_000]);
  });
});

describe('the header of a segment', () => {
  test('has the bytes of the format', () => {
    const bytes = Buffer.alloc(64);
    bytes.write('MUSTRLOG', 0, 'latin1');
    bytes.writeUInt32LE(4, 8);
    bytes.writeUInt32LE(7, 12);
    Buffer.from('0123456789ab4cde8f0123456789abcd', 'hex').copy(bytes, 16);
    bytes.writeDoubleLE(40, 32);
    bytes.writeDoubleLE(2 ** 53 - 1, 40);
    bytes.writeDoubleLE(39, 48);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
    expect(SEGMENT_HEADER).toBe(64);
    expect(encodeSegmentHeader(header)).toEqual(bytes);
    expect(decodeSegmentHeader(bytes)).toEqual({ ...header, format: 4 });
    expect(decodeSegmentHeader(Buffer.concat([bytes, Buffer.alloc(9, 1)]))).toEqual({ ...header, format: 4 });
    expect(decodeSegmentHeader(bytes.subarray(0, 63))).toBeNull();
    expect(decodeSegmentHeader(Buffer.alloc(0))).toBeNull();
  });

  test('is none when any byte of it is another', () => {
    for (let at = 0; at < 64; at++) {
      const bytes = encodeSegmentHeader(header);
      bytes[at] ^= 0x10;
      expect(decodeSegmentHeader(bytes), `${at}`).toBeNull();
    }
  });

  test('begins with the magic, whatever its checksum', () => {
    for (const at of [0, 7]) {
      const bytes = encodeSegmentHeader(header);
      bytes[at] ^= 0x10;
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
      expect(decodeSegmentHeader(bytes), `${at}`).toBeNull();
    }
  });

  test('of another format is told, and not supported', () => {
    const bytes = encodeSegmentHeader(header);
    bytes.writeUInt32LE(5, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
    expect(decodeSegmentHeader(bytes)).toEqual({ ...header, format: 5 });
    expect([3, 4, 5].map(supportedFormat)).toEqual([false, true, false]);
  });
});

/** A file system that says what is done to it; a write ends after `short()` bytes. */
function recorded(short: () => number | Error = () => Number.POSITIVE_INFINITY) {
  const calls: string[] = [];
  let written: Buffer = Buffer.alloc(0);
  const put = (bytes: Buffer, position: number): number => {
    const most = short();
    if (most instanceof Error) throw most;
    const part = bytes.subarray(0, most);
    const end = position + part.length;
    if (end > written.length) written = Buffer.concat([written, Buffer.alloc(end - written.length)]);
    part.copy(written, position);
    return part.length;
  };
  const file: Pick<OpenFile, 'write' | 'writev' | 'sync' | 'close'> = {
    write: async (bytes, position) => {
      calls.push(`write ${bytes.length} at ${position}`);
      return put(Buffer.from(bytes), position);
    },
    writev: async (buffers, position) => {
      calls.push(`write ${buffers.map(({ length }) => length).join(' + ')} at ${position}`);
      return put(Buffer.concat(buffers), position);
    },
    sync: async () => void calls.push('sync'),
    close: async () => void calls.push('close'),
  };
  const files: Pick<FileSystem, 'open'> = {
    open: async (path, mode) => {
      calls.push(`open ${path} ${mode}`);
      return file as OpenFile;
    },
  };
  return {
    files: files as FileSystem,
    /** The calls since the last time. */
    calls: () => calls.splice(0),
    written: () => written,
  };
}

describe('a segment that is written', () => {
  const fill = (length: number): Buffer => Buffer.alloc(length, 7);

  test('with syncs, it is durable with its name, and has zeros ahead of its end', async () => {
    const { files, calls, written } = recorded();
    const writer = await SegmentWriter.create(files, '/log', header, 'fsync', 100);
    expect(calls()).toEqual([
      'open /log/00000007.seg wxs',
      'write 64 + 36 at 0',
      'open /log r',
      'sync',
      'close',
    ]);
    expect([writer.size, writer.syncs]).toEqual([64, 1]);
    for (const [length, call] of [
      [35, 'write 35 at 64'],
      [1, 'write 1 at 99'],
      [99, 'write 99 + 1 at 100'],
      [101, 'write 101 + 100 at 199'],
      [100, 'write 100 at 300'],
      [250, 'write 250 + 50 at 400'],
    ] as const) {
      await writer.write(fill(length));
      expect(calls()).toEqual([call]);
    }
    expect([writer.size, writer.syncs]).toEqual([650, 7]);
    const expected = Buffer.concat([encodeSegmentHeader(header), fill(586), Buffer.alloc(50)]);
    expect(written().equals(expected)).toBe(true);
    await writer.close();
    expect(calls()).toEqual(['close']);
  });

  test('has zeros for at most 256 KiB', async () => {
    const { files, calls } = recorded();
    const writer = await SegmentWriter.create(files, '/log', header, 'fsync', 2 ** 20);
    expect(calls()[1]).toBe(`write 64 + ${2 ** 18 - 64} at 0`);
    await writer.write(fill(2 ** 18 - 64));
    expect(calls()).toEqual([`write ${2 ** 18 - 64} at 64`]);
  });

  test('without syncs, it is handed to the system alone', async () => {
    const { files, calls } = recorded();
    const writer = await SegmentWriter.create(files, '/log', header, 'process', 100);
    await writer.write(fill(500));
    expect(calls()).toEqual(['open /log/00000007.seg wx', 'write 64 at 0', 'write 500 at 64']);
    expect([writer.size, writer.syncs]).toEqual([564, 0]);
  });

  test('is completed where a write ends short, but for the zeros', async () => {
    for (const durability of ['fsync', 'process'] as const) {
      let most = Number.POSITIVE_INFINITY;
      const { files, calls, written } = recorded(() => most);
      const writer = await SegmentWriter.create(files, '/log', header, durability, 100);
      calls();
      most = 40;
      await writer.write(fill(100));
      const begun = durability === 'fsync' ? 'write 100 + 36 at 64' : 'write 100 at 64';
      expect(calls()).toEqual([begun, 'write 60 at 104', 'write 20 at 144']);
      expect(writer.size).toBe(164);
      expect(written().subarray(0, 164)).toEqual(Buffer.concat([encodeSegmentHeader(header), fill(100)]));
      // All of it, and not all of the zeros.
      most = 150;
      await writer.write(fill(150));
      expect(calls()).toHaveLength(1);
      expect(writer.size).toBe(314);
    }
  });

  test('that cannot be begun is closed, and the error is that of the disk', async () => {
    const full = systemError('ENOSPC', 'no space left');
    const { files, calls } = recorded(() => full);
    await expect(SegmentWriter.create(files, '/log', header, 'fsync', 100)).rejects.toBe(full);
    expect(calls()).toEqual(['open /log/00000007.seg wxs', 'write 64 + 36 at 0', 'close']);
  });
});
