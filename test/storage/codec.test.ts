import { describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../src/core/machine/digest.js';
import type { Command, TxItem } from '../../src/core/machine/types.js';
import { limits } from '../../src/limits.js';
import {
  aligned,
  BatchDecoder,
  BatchEncoder,
  FRAME_HEADER,
  readFrameHeader,
} from '../../src/storage/codec.js';
import type { LogRecord } from '../../src/storage/contract.js';
import { everyRow, snapshot } from './records.js';

const large = 'x'.repeat(700_000);
const put: TxItem = { type: 'put', key: 'k', value: large };
const check: TxItem = { type: 'check', key: 'k', equals: large };
const tx = '3:0.1:7';
const whose = { tx, session: '0.1', n: 7, first: 1 } as const;

const commands: Readonly<Record<string, Command>> = {
  'a put': { type: 'op', session: '0.1', n: 1, first: 1, op: { type: 'put', key: 'k', value: large } },
  'a transaction of one partition': {
    type: 'op',
    session: '0.1',
    n: 1,
    first: 1,
    op: { type: 'tx', key: 'k', items: [put] },
  },
  'a prepare': { type: 'prepare', tx, anchor: 3, at: 1, items: [put] },
  'the own part of a transaction': { type: 'stage', ...whose, at: 1, own: [check], others: [4] },
  'a decision that read much': {
    type: 'decide',
    tx,
    reads: [['k', large, 1]],
    prepared: [[4, 9]],
  },
  'an abort that says much': { type: 'abort', ...whose, reason: 'check', message: large },
  'the end of many': {
    type: 'finish',
    ends: Array.from({ length: 30_000 }, (_, i) => [`3:0.1:${i}`, true, i] as const),
  },
  'a forget of many': { type: 'forget', txs: Array.from({ length: 60_000 }, (_, i) => `3:0.1:${i}`) },
};

/** The records of each frame of a batch. */
function frames(records: readonly LogRecord[]): LogRecord[][] {
  const bytes = new BatchEncoder().encode(records, 1, 0);
  const found: LogRecord[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const { length } = readFrameHeader(bytes, at)!;
    const decoder = new BatchDecoder();
    decoder.add(bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length));
    found.push(decoder.take());
    at += aligned(FRAME_HEADER + length);
  }
  return found;
}

describe('a batch of the log', () => {
  test('has frames no longer than a record may be', () => {
    const encode = (json: string): Buffer => {
      const command = commands['a put'] as Command;
      const entry = { epoch: 1, seq: 1, command, json };
      return new BatchEncoder().encode([{ type: 'append', partition: 0, entry }], 1, 0);
    };
    const most = 'x'.repeat(limits.recordBytes - '[["a",0,1,1,]]'.length);
    expect(readFrameHeader(encode(most), 0)).toMatchObject({ length: limits.recordBytes });
    expect(() => encode(`${most}x`)).toThrow(RangeError);
  });

  test.each(Object.entries(commands))(
    'is cut into frames where entries are large, and none is changed: %s',
    (_, command) => {
      const records = [1, 2, 3].map(
        (seq) => ({ type: 'append', partition: 0, entry: { epoch: 1, seq, command } }) as const,
      );
      expect(frames(records)).toEqual([records.slice(0, 2), records.slice(2)]);
    },
  );

  test('gives back snapshots with their rows, small ones in one frame', () => {
    const record = snapshot(0, 1, 5) as Extract<LogRecord, { type: 'snapshot' }>;
    const whole: LogRecord = { ...record, snapshot: sealed({ ...record.snapshot, rows: everyRow }) };
    expect(frames([whole, whole])).toEqual([[whole, whole]]);
  });

  test('has a snapshot in frames whose size does not grow with the state, and finds what is missing', () => {
    const value = '\u0001'.repeat(100_000);
    const results = Array.from({ length: 20 }, (_, i) => [i + 1, { ok: true, value }] as const);
    const state = sealed({ ...emptySnapshot(1), seq: 5, sessions: [['1.1', { first: 1, results }]] });
    const bytes = new BatchEncoder().encode([{ type: 'snapshot', partition: 3, snapshot: state }], 1, 0);
    const payloads: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const { length } = readFrameHeader(bytes, at)!;
      payloads.push(bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length));
      at += aligned(FRAME_HEADER + length);
    }
    expect(payloads.length).toBeGreaterThan(5);
    for (const { length } of payloads) expect(length).toBeLessThan(3 * 1024 * 1024);
    const decoded = (parts: readonly Buffer[]) => {
      const decoder = new BatchDecoder();
      for (const part of parts) decoder.add(part);
      return decoder.take();
    };
    expect(decoded(payloads)).toEqual([{ type: 'snapshot', partition: 3, snapshot: state }]);
    expect(() => decoded(payloads.slice(0, -1))).toThrow('not whole');
    expect(() => decoded([...payloads, payloads.at(-1)!])).toThrow('more items');
    expect(() => decoded(payloads.slice(1))).toThrow('without a snapshot header');
  });
});
