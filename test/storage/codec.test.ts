import { describe, expect, test } from 'vitest';
import type { Command, TxItem } from '../../src/core/machine/types.js';
import {
  aligned,
  BatchEncoder,
  decodePayload,
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
    found.push(decodePayload(bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length)));
    at += aligned(FRAME_HEADER + length);
  }
  return found;
}

describe('a batch of the log', () => {
  test.each(Object.entries(commands))(
    'is cut into frames where entries are large, and none is changed: %s',
    (_, command) => {
      const records = [1, 2, 3].map(
        (seq) => ({ type: 'append', partition: 0, entry: { epoch: 1, seq, command } }) as const,
      );
      expect(frames(records)).toEqual([records.slice(0, 2), records.slice(2)]);
    },
  );

  test('gives back a snapshot with its rows, in a frame of its own', () => {
    const record = snapshot(0, 1, 5) as Extract<LogRecord, { type: 'snapshot' }>;
    const whole: LogRecord = { ...record, snapshot: { ...record.snapshot, rows: everyRow } };
    expect(frames([whole, whole])).toEqual([[whole], [whole]]);
  });
});
