import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../src/core/machine/digest.js';
import type { Cell } from '../../src/core/machine/types.js';
import { limits } from '../../src/limits.js';
import {
  aligned,
  BatchDecoder,
  BatchEncoder,
  FRAME_HEADER,
  type FrameHeader,
  frameHolds,
  MAGIC,
  readFrameHeader,
  textsOf,
} from '../../src/storage/codec.js';
import type { LogRecord } from '../../src/storage/contract.js';
import { append, drop, promise, snapshot } from './records.js';

/** A frame as the format describes it. */
function frame(text: string, flags: number, batch: number, synced: number): Buffer {
  const payload = Buffer.from(text);
  const bytes = Buffer.alloc(FRAME_HEADER + payload.length);
  MAGIC.copy(bytes, 4);
  bytes.writeUInt32LE(payload.length, 8);
  bytes.writeUInt32LE(flags, 12);
  bytes.writeDoubleLE(batch, 16);
  bytes.writeDoubleLE(synced, 24);
  payload.copy(bytes, FRAME_HEADER);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
}

/** An entry whose text has this many characters. */
function entryOf(characters: number): LogRecord {
  const put = (value: string): LogRecord => ({
    type: 'append',
    partition: 0,
    entry: {
      epoch: 1,
      seq: 1,
      command: { type: 'op', session: '0.1', n: 1, first: 1, op: { type: 'put', key: 'k', value } },
    },
  });
  const [fixed = ''] = textsOf(put(''));
  return put('x'.repeat(characters - fixed.length));
}

const lengthsOf = (bytes: Buffer): number[] => {
  const found: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readFrameHeader(bytes, at) as FrameHeader;
    expect(frameHolds(bytes, at, header)).toBe(true);
    found.push(header.length);
    at += aligned(FRAME_HEADER + header.length);
    expect(header.last).toBe(at === bytes.length);
  }
  return found;
};

test('lengths are rounded up to multiples of 8', () => {
  expect([0, 1, 7, 8, 9, 15, 16, 17].map(aligned)).toEqual([0, 8, 8, 8, 16, 16, 16, 24]);
});

describe('a frame', () => {
  const texts: readonly (readonly [record: LogRecord, text: string])[] = [
    [promise(3, 7, 2), '["p",3,2,7]'],
    [drop(4), '["d",4]'],
    [
      append(5, 2, 9),
      '["a",5,2,9,{"type":"op","session":"0.1","n":9,"first":9,"op":{"type":"put","key":"k4","value":"v2.9"}}]',
    ],
  ];
  test.each(texts)('has the bytes of the format: $type', (record, text) => {
    expect([...textsOf(record)]).toEqual([text]);
    const encoder = new BatchEncoder();
    expect(encoder.encode([record], 5, 4)).toEqual(frame(`[${text}]`, 1, 5, 4));
    expect(encoder.encode([record, record], 2 ** 53 - 1, 2 ** 53 - 2)).toEqual(
      frame(`[${text},${text}]`, 1, 2 ** 53 - 1, 2 ** 53 - 2),
    );
    const decoder = new BatchDecoder();
    decoder.add(`[${text}]`);
    expect(decoder.take()).toEqual([record]);
    expect(decoder.take()).toEqual([]);
  });

  test('has the text of a command as it was made before', () => {
    const record = append(5, 2, 9) as Extract<LogRecord, { type: 'append' }>;
    expect([...textsOf({ ...record, entry: { ...record.entry, json: '"made"' } })]).toEqual([
      '["a",5,2,9,"made"]',
    ]);
  });

  test('ends in zeros whatever its buffer had before, and whatever its text', () => {
    const encoder = new BatchEncoder();
    encoder.encode([entryOf(500)], 1, 0);
    for (let length = 120; length < 136; length++) {
      const record = entryOf(length);
      const [text] = textsOf(record);
      expect(encoder.encode([record], 2, 1).equals(frame(`[${text}]`, 1, 2, 1)), `${length}`).toBe(true);
    }
  });

  test('has text of up to three bytes a character, where it just fits into the buffer', () => {
    for (const value of ['x'.repeat(65_000), '\u20ac'.repeat(30_000), '\u20ac'.repeat(22_000)]) {
      const record = append(0, 1, 1) as Extract<LogRecord, { type: 'append' }>;
      const json = JSON.stringify(value);
      const made: LogRecord = { ...record, entry: { ...record.entry, json } };
      const expected = frame(`[["a",0,1,1,${json}]]`, 1, 1, 0);
      expect(new BatchEncoder().encode([made], 1, 0).equals(expected)).toBe(true);
    }
  });

  const mebibyte = 1024 * 1024;
  test('is closed when its records have a mebibyte of text, and not before', () => {
    const tail = [drop(1), drop(2)];
    const short = '["d",1]'.length;
    const encode = (...records: readonly LogRecord[]) => lengthsOf(new BatchEncoder().encode(records, 3, 2));
    expect(encode(entryOf(mebibyte - 1), ...tail)).toEqual([mebibyte - 1 + short + 1 + 2, short + 2]);
    expect(encode(entryOf(mebibyte), ...tail)).toEqual([mebibyte + 2, 2 * short + 1 + 2]);
    expect(encode(entryOf(mebibyte), entryOf(mebibyte))).toEqual([mebibyte + 2, mebibyte + 2]);
    expect(encode(entryOf(mebibyte), entryOf(mebibyte - 1), drop(1))).toEqual([
      mebibyte + 2,
      mebibyte - 1 + 1 + short + 2,
    ]);
    expect(encode(entryOf(mebibyte / 2), entryOf(mebibyte / 2), drop(1))).toEqual([
      mebibyte + 1 + 2,
      short + 2,
    ]);
  });

  test('of a batch after the first has the bytes of the format as well', () => {
    const records = [entryOf(mebibyte), drop(1)];
    const [first] = textsOf(records[0] as LogRecord);
    expect(
      new BatchEncoder()
        .encode(records, 3, 2)
        .equals(Buffer.concat([frame(`[${first}]`, 0, 3, 2), frame('[["d",1]]', 1, 3, 2)])),
    ).toBe(true);
  });
});

describe('the items of a snapshot', () => {
  /** Texts of a snapshot whose items are of these lengths. */
  const cut = (...lengths: readonly number[]): string[][] => {
    const item = (key: string, value: string) => JSON.stringify(['c', key, 'text', value, 1]).length;
    const cells = lengths.map((length, i): readonly [string, Cell] => {
      const value = 'x'.repeat(length - item(`${i}`, ''));
      return [`${i}`, { kind: 'text', value, version: 1 }];
    });
    const record: LogRecord = {
      type: 'snapshot',
      partition: 7,
      snapshot: sealed({ ...emptySnapshot(), cells }),
    };
    const [head = '', ...rest] = textsOf(record);
    expect(JSON.parse(head)).toMatchObject(['s', 7, { gen: 0, seq: 0, epoch: 0 }]);
    const decoder = new BatchDecoder();
    for (const text of [head, ...rest]) decoder.add(`[${text}]`);
    expect(decoder.take()).toEqual([record]);
    return rest.map((text) => {
      const [kind, partition, items] = JSON.parse(text) as [string, number, [string, string][]];
      expect([kind, partition]).toEqual(['i', 7]);
      return items.map(([, key]) => key);
    });
  };

  test('make a tuple when they have 256 KiB of text, and the rest makes the last', () => {
    const half = 128 * 1024;
    expect(cut()).toEqual([]);
    expect(cut(40)).toEqual([['0']]);
    expect(cut(half, half)).toEqual([['0', '1']]);
    expect(cut(half, half, 40, 40)).toEqual([
      ['0', '1'],
      ['2', '3'],
    ]);
    expect(cut(half, half - 1, 40, 40)).toEqual([['0', '1', '2'], ['3']]);
    expect(cut(half, half, half, half - 1, 40)).toEqual([
      ['0', '1'],
      ['2', '3', '4'],
    ]);
    expect(cut(2 * half, 2 * half, 40)).toEqual([['0'], ['1'], ['2']]);
  });
});

describe('a decoder', () => {
  const decode = (...tuples: readonly unknown[]): LogRecord[] => {
    const decoder = new BatchDecoder();
    decoder.add(JSON.stringify(tuples));
    return decoder.take();
  };
  const head = JSON.parse([...textsOf(snapshot(3, 1, 0))][0] as string) as unknown;
  const session = ['i', 3, [['s', '0.1', 1]]];

  test('keeps the order of records around a snapshot', () => {
    for (const [tuple, record] of [
      [['p', 9, 0, 1], promise(9, 1)],
      [['d', 9], drop(9)],
    ] as const)
      expect(decode(tuple, head, session, tuple)).toEqual([record, snapshot(3, 1, 0), record]);
    expect(decode(head, session, head, session)).toEqual([snapshot(3, 1, 0), snapshot(3, 1, 0)]);
  });

  test.each([
    ['items before any snapshot', [session], 'snapshot items without a snapshot header'],
    [
      'items of another partition',
      [head, ['i', 4, [['s', '0.1', 1]]]],
      'snapshot items without a snapshot header',
    ],
    [
      'items after the snapshot has ended',
      [head, session, ['d', 9], session],
      'snapshot items without a snapshot header',
    ],
    ['a snapshot without its items', [head, ['d', 9]], 'not whole'],
    ['another record', [['x', 1]], 'unknown record ["x",1]'],
  ])('refuses %s', (_, tuples, message) => {
    expect(() => decode(...tuples)).toThrow(message);
  });
});

describe('the header of a frame', () => {
  const whole = frame('[["d",1]]', 1, 6, 5);
  const inside = Buffer.concat([Buffer.alloc(16), whole]);
  const header = { length: 9, last: true, batch: 6, synced: 5 };

  test('is read wherever it begins, when all of it is there', () => {
    expect(readFrameHeader(whole, 0)).toEqual(header);
    expect(readFrameHeader(inside, 16)).toEqual(header);
    expect(readFrameHeader(whole.subarray(0, FRAME_HEADER), 0)).toEqual(header);
    expect(readFrameHeader(whole.subarray(0, FRAME_HEADER - 1), 0)).toBeNull();
    expect(readFrameHeader(inside.subarray(0, 16 + FRAME_HEADER), 16)).toEqual(header);
    expect(readFrameHeader(inside.subarray(0, 16 + FRAME_HEADER - 1), 16)).toBeNull();
  });

  test.each([
    [0, false],
    [1, true],
    [2, false],
    [3, true],
  ])('says with flags %i whether it is the last: %s', (flags, last) => {
    expect(readFrameHeader(frame('[]', flags, 1, 0), 0)).toMatchObject({ last });
  });

  test('has the magic, and no length beyond the bound', () => {
    for (let at = 4; at < 8; at++) {
      const other = Buffer.from(whole);
      other[at] ^= 1;
      expect(readFrameHeader(other, 0), `${at}`).toBeNull();
    }
    const long = Buffer.from(whole);
    long.writeUInt32LE(limits.recordBytes, 8);
    expect(readFrameHeader(long, 0)).toMatchObject({ length: limits.recordBytes });
    long.writeUInt32LE(limits.recordBytes + 1, 8);
    expect(readFrameHeader(long, 0)).toBeNull();
  });

  test('has the checksum of everything after it in the frame, and of nothing else', () => {
    const bytes = FRAME_HEADER + 9;
    expect(frameHolds(whole, 0, header)).toBe(true);
    expect(frameHolds(inside, 16, header)).toBe(true);
    expect(frameHolds(inside, 8, header)).toBe(false);
    expect(frameHolds(whole.subarray(0, bytes), 0, header)).toBe(true);
    expect(frameHolds(inside.subarray(0, 16 + bytes), 16, header)).toBe(true);
    expect(frameHolds(whole.subarray(0, bytes - 1), 0, header)).toBe(false);
    for (let at = 0; at < whole.length; at++) {
      const other = Buffer.from(whole);
      other[at] ^= 1;
      expect(frameHolds(other, 0, header), `${at}`).toBe(at >= bytes);
    }
    // What is cut off may not have been zeros: nothing of it is taken for them.
    const zeros = Buffer.alloc(FRAME_HEADER + 4);
    zeros.writeUInt32LE(crc32(zeros.subarray(4)), 0);
    expect(frameHolds(zeros, 0, { ...header, length: 4 })).toBe(true);
    expect(frameHolds(zeros, 0, { ...header, length: 9 })).toBe(false);
  });
});
