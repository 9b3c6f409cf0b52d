import { describe, expect, test } from 'vitest';
import { emptySnapshot } from '../../src/core/machine/digest.js';
import type { LogRecord } from '../../src/storage/contract.js';
import { type CheckpointRow, Replay } from '../../src/storage/replay.js';
import { append, appends, brief, drop, promise, snapshot } from './records.js';

/** What is found after these batches, by number; and the gaps. */
function replayed(
  rows: Readonly<Record<number, CheckpointRow>>,
  batches: Readonly<Record<number, readonly LogRecord[]>>,
) {
  const replay = new Replay(Object.entries(rows).map(([partition, row]) => [Number(partition), row]));
  for (const [batch, records] of Object.entries(batches)) replay.batch(Number(batch), records);
  const gaps: unknown[] = [];
  const partitions = replay.finish((...gap) => gaps.push(gap));
  const replaced = partitions.filter(({ checkpointed }) => !checkpointed).map(({ partition }) => partition);
  return { found: brief(partitions), replaced, gaps };
}

/** A checkpoint of epoch 2 and seq 5, taken at batch 10; its promise, 3, at batch 20. */
const row: CheckpointRow = {
  snapshot: { ...emptySnapshot(), epoch: 2, seq: 5 },
  snapshotBatch: 10,
  promised: 3,
  promiseBatch: 20,
};

describe('from checkpoint and log to what a node finds', () => {
  type Case = readonly [
    name: string,
    batches: Readonly<Record<number, readonly LogRecord[]>>,
    found: string | null,
    replaced?: boolean,
  ];
  const whole = ([name, batches, found, replaced = false]: Case) => [name, batches, found, replaced] as const;
  const without: readonly Case[] = [
    ['nothing', {}, null],
    ['entries', { 1: appends(0, 1, 1, 3) }, 'p0 s0.0 [1.1 1.2 1.3]'],
    ['an entry in place of others', { 1: appends(0, 1, 1, 3), 2: [append(0, 2, 2)] }, 'p0 s0.0 [1.1 2.2]'],
    ['an entry in place of all', { 1: appends(0, 1, 1, 3), 2: [append(0, 2, 1)] }, 'p0 s0.0 [2.1]'],
    ['promises, the greatest first', { 1: [promise(0, 5), promise(0, 3)] }, 'p5 s0.0 []'],
    ['promises, the greatest last', { 1: [promise(0, 3), promise(0, 5)] }, 'p5 s0.0 []'],
    [
      'a snapshot and entries after it',
      { 1: appends(0, 1, 1, 9), 2: [snapshot(0, 2, 6), append(0, 2, 7)] },
      'p0 s2.6 [2.7]',
      true,
    ],
    ['an entry that the snapshot has', { 1: [snapshot(0, 2, 6), append(0, 2, 6)] }, 'p0 s2.6 []', true],
    ['a drop', { 1: [promise(0, 4), ...appends(0, 1, 1, 3)], 2: [drop(0)] }, null],
    ['a beginning after a drop', { 1: [promise(0, 4), drop(0), append(0, 2, 1)] }, 'p0 s0.0 [2.1]'],
  ];
  test.each(without.map(whole))('without a checkpoint: %s', (_, batches, found, replaced) => {
    expect(replayed({}, batches)).toEqual({
      found: found === null ? {} : { 0: found },
      replaced: replaced ? [0] : [],
      gaps: [],
    });
  });

  const after: readonly Case[] = [
    ['no log', {}, 'p3 s2.5 []'],
    ['entries that it has, and later ones', { 9: appends(0, 2, 4, 7) }, 'p3 s2.5 [2.6 2.7]'],
    ['entries that it has alone', { 9: appends(0, 2, 4, 5) }, 'p3 s2.5 []'],
    ['later entries of the same epoch', { 11: appends(0, 2, 6, 7) }, 'p3 s2.5 [2.6 2.7]'],
    ['later entries of an older epoch', { 9: appends(0, 1, 6, 7) }, 'p3 s2.5 []'],
    [
      'an entry that it has in place of later ones',
      { 9: appends(0, 2, 6, 7), 10: [append(0, 2, 5)] },
      'p3 s2.5 []',
    ],
    ['a snapshot of its batch', { 10: [snapshot(0, 4, 9)] }, 'p3 s2.5 []'],
    ['a snapshot of a later batch', { 11: [snapshot(0, 4, 9)] }, 'p3 s4.9 []', true],
    ['a snapshot of its batch cuts entries', { 9: [append(0, 2, 6)], 10: [snapshot(0, 4, 9)] }, 'p3 s2.5 []'],
    ['a drop of its batch', { 10: [drop(0)] }, 'p3 s2.5 []'],
    ['a drop of its batch cuts entries', { 9: [append(0, 2, 6)], 10: [drop(0)] }, 'p3 s2.5 []'],
    ['a drop after the state and before the promise', { 11: [drop(0)] }, 'p3 s0.0 []', true],
    ['a drop of the batch of the promise', { 20: [drop(0)] }, 'p3 s0.0 []', true],
    ['a drop after both', { 21: [drop(0)] }, null],
    ['a promise of its batch', { 20: [promise(0, 9)] }, 'p3 s2.5 []'],
    ['a greater promise of a later batch', { 21: [promise(0, 9)] }, 'p9 s2.5 []'],
    ['a smaller promise of a later batch', { 21: [promise(0, 2)] }, 'p3 s2.5 []'],
  ];
  test.each(after.map(whole))('after a checkpoint: %s', (_, batches, found, replaced) => {
    expect(replayed({ 0: row }, batches)).toEqual({
      found: found === null ? {} : { 0: found },
      replaced: replaced ? [0] : [],
      gaps: [],
    });
  });

  test('a drop after the promise and before the state forgets the promise alone', () => {
    const early = { ...row, snapshotBatch: 30 };
    for (const batch of [21, 30])
      expect(replayed({ 0: early }, { [batch]: [drop(0)] }).found).toEqual({ 0: 'p0 s2.5 []' });
    expect(replayed({ 0: early }, { 31: [drop(0)] }).found).toEqual({});
  });

  test('a promise alone in the checkpoint has an empty state under it', () => {
    const promised = { ...row, snapshot: null, snapshotBatch: 0 };
    expect(replayed({ 0: promised }, { 1: [append(0, 1, 1)] })).toEqual({
      found: { 0: 'p3 s0.0 [1.1]' },
      replaced: [],
      gaps: [],
    });
  });

  test('partitions are told apart, and come in the order of their numbers', () => {
    const batches = { 1: [append(10, 1, 1), append(9, 1, 1), drop(11)], 2: [snapshot(9, 2, 4)] };
    const replay = new Replay([[11, { ...row, promiseBatch: 0, snapshotBatch: 0 }]]);
    for (const [batch, records] of Object.entries(batches)) replay.batch(Number(batch), records);
    const partitions = replay.finish(() => {});
    expect(partitions.map(({ partition }) => partition)).toEqual([9, 10]);
    expect(brief(partitions)).toEqual({ 9: 'p0 s2.4 []', 10: 'p0 s0.0 [1.1]' });
  });
});

describe('entries that do not chain', () => {
  test.each([
    ['a first one that is missing', {}, { 1: [append(0, 1, 2)] }, 'p0 s0.0 []', [0, 0, 2]],
    [
      'one in the middle',
      {},
      { 1: [append(0, 1, 1), append(0, 1, 2), append(0, 1, 5)] },
      'p0 s0.0 [1.1 1.2]',
      [0, 2, 5],
    ],
    ['one after the checkpoint', { 0: row }, { 1: [append(0, 2, 7)] }, 'p3 s2.5 []', [0, 5, 7]],
  ] as const)('are told, and end there: %s', (_, rows, batches, found, gap) => {
    expect(replayed(rows, batches)).toEqual({ found: { 0: found }, replaced: [], gaps: [gap] });
  });

  test('are no gap where the epoch falls: they are left from an older history', () => {
    const batches = { 1: [append(0, 3, 6), append(0, 1, 9), append(0, 3, 10)] };
    expect(replayed({ 0: row }, batches)).toEqual({ found: { 0: 'p3 s2.5 [3.6]' }, replaced: [], gaps: [] });
  });

  test('may be filled later in the log', () => {
    const batches = { 1: [append(0, 1, 3)], 2: appends(0, 2, 1, 2) };
    expect(replayed({}, batches)).toEqual({ found: { 0: 'p0 s0.0 [2.1 2.2]' }, replaced: [], gaps: [] });
  });
});
