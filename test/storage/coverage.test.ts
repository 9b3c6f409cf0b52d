import { describe, expect, test } from 'vitest';
import { emptySnapshot } from '../../src/core/machine/digest.js';
import type { LogRecord } from '../../src/storage/contract.js';
import { Coverage, type Covered, coveredBy } from '../../src/storage/coverage.js';
import { append, drop, promise, snapshot } from './records.js';

const at = (batch: number, seq: number): Covered => ({ dropped: false, batch, seq });
const droppedAt = (batch: number): Covered => ({ dropped: true, batch });

/** Segments 1, 2, … with these batches, which are numbered from 1 on across all of them. */
function segments(...batchesOf: readonly (readonly (readonly LogRecord[])[])[]): Coverage {
  const coverage = new Coverage(new Map());
  let batch = 0;
  batchesOf.forEach((batches, i) => {
    coverage.begin(i + 1);
    for (const records of batches) coverage.note(++batch, records);
  });
  return coverage;
}

describe('a segment is removable', () => {
  const cases: readonly (readonly [
    name: string,
    batches: readonly (readonly LogRecord[])[],
    covered: Covered | null,
    removable: boolean,
  ])[] = [
    ['when it is empty', [], null, true],
    ['when it has promises alone', [[promise(0, 3)]], null, true],
    ['not when it has entries and there is no checkpoint', [[append(0, 1, 1)]], null, false],
    ['when its entries were applied', [[append(0, 1, 1)], [append(0, 1, 2)]], at(0, 2), true],
    ['not when the last of them was not', [[append(0, 1, 1)], [append(0, 1, 2)]], at(9, 1), false],
    [
      'not before the greatest was, whatever came after',
      [[append(0, 1, 5), append(0, 2, 4)]],
      at(9, 4),
      false,
    ],
    ['when the greatest was, whatever came after', [[append(0, 1, 5), append(0, 2, 4)]], at(0, 5), true],
    ['not when its entries are those after a drop', [[append(0, 1, 1)]], droppedAt(9), false],
    ['when the checkpoint came after its snapshot', [[], [snapshot(0, 1, 4)]], at(2, 0), true],
    ['not when it came before', [[], [snapshot(0, 1, 4)]], at(1, 9), false],
    ['when entries after the snapshot were applied', [[snapshot(0, 1, 4), append(0, 1, 5)]], at(1, 5), true],
    ['not when they were not', [[snapshot(0, 1, 4), append(0, 1, 5)]], at(1, 4), false],
    ['when entries before its snapshot were not', [[append(0, 1, 5), snapshot(0, 1, 4)]], at(1, 4), true],
    ['when its drop was carried out', [[], [drop(0)]], droppedAt(2), true],
    ['not when only an earlier one was', [[], [drop(0)]], droppedAt(1), false],
    ['when the checkpoint came after its drop', [[], [drop(0)]], at(2, 0), true],
    ['not when there are entries after the drop', [[drop(0), append(0, 2, 1)]], droppedAt(1), false],
    ['when they were applied', [[drop(0), append(0, 2, 1)]], at(1, 1), true],
    ['not when there is a snapshot after the drop', [[drop(0), snapshot(0, 2, 1)]], droppedAt(1), false],
    ['when the drop came after the snapshot', [[snapshot(0, 2, 1), drop(0)]], droppedAt(1), true],
  ];
  test.each(cases)('%s', (_, batches, covered, removable) => {
    const pending = new Map(covered === null ? [] : [[0, covered] as const]);
    expect(segments(batches, []).removableUpTo(pending)).toBe(removable ? 1 : 0);
    const before = segments(batches, []);
    if (covered !== null) before.cover(0, covered);
    expect(before.removableUpTo(new Map())).toBe(removable ? 1 : 0);
    // Never the last one.
    expect(segments(batches).removableUpTo(pending)).toBe(0);
  });

  test('only if all partitions in it are covered', () => {
    const coverage = segments([[append(0, 1, 1), append(1, 1, 1)]], []);
    coverage.cover(0, at(1, 1));
    expect(coverage.removableUpTo(new Map())).toBe(0);
    coverage.cover(1, at(1, 1));
    expect(coverage.removableUpTo(new Map())).toBe(1);
  });

  test('as what is pending says, rather than what is there', () => {
    const coverage = segments([[append(0, 1, 2)]], []);
    coverage.cover(0, at(1, 1));
    expect(coverage.removableUpTo(new Map([[0, at(1, 2)]]))).toBe(1);
    coverage.cover(0, at(1, 2));
    expect(coverage.removableUpTo(new Map([[0, at(1, 1)]]))).toBe(0);
  });

  test('only after all before it', () => {
    const coverage = segments([[append(0, 1, 1)]], [[append(1, 1, 1)]], [[append(2, 1, 1)]], []);
    const covered = (...partitions: readonly number[]) => new Map(partitions.map((p) => [p, at(9, 1)]));
    expect(coverage.removableUpTo(covered(1, 2))).toBe(0);
    expect(coverage.removableUpTo(covered(0, 2))).toBe(1);
    expect(coverage.removableUpTo(covered(0, 1))).toBe(2);
    expect(coverage.removableUpTo(covered(0, 1, 2))).toBe(3);
  });

  test.each([
    ['a snapshot', snapshot(0, 2, 1)],
    ['a drop', drop(0)],
  ])('when %s in a later one replaces what it has', (_, record) => {
    const entries = [append(0, 1, 1), append(1, 1, 1)];
    const coverage = segments([entries], [[record]], []);
    expect(coverage.removableUpTo(new Map())).toBe(0);
    expect(coverage.removableUpTo(new Map([[1, at(1, 1)]]))).toBe(1);
  });
});

test('segments are counted, measured and forgotten, the oldest first, but for the last', () => {
  const coverage = new Coverage(new Map());
  expect([coverage.count, coverage.bytes, coverage.numbers]).toEqual([0, 0, []]);
  [3, 4, 5].forEach((number, i) => {
    coverage.begin(number);
    expect(coverage.bytes).toBe([0, 10, 30][i]);
    coverage.setBytes(99);
    coverage.setBytes(10 * (i + 1));
  });
  expect([coverage.count, coverage.bytes, coverage.numbers]).toEqual([3, 60, [3, 4, 5]]);
  coverage.addBytes(5);
  expect(coverage.bytes).toBe(65);
  expect(coverage.remove(2)).toEqual([]);
  expect(coverage.remove(3)).toEqual([3]);
  expect([coverage.count, coverage.bytes, coverage.numbers]).toEqual([2, 55, [4, 5]]);
  expect(coverage.remove(9)).toEqual([4]);
  expect(coverage.remove(9)).toEqual([]);
  expect([coverage.count, coverage.bytes, coverage.numbers]).toEqual([1, 35, [5]]);
});

test('a checkpoint covers the partitions whose state it has, and not those with a promise alone', () => {
  const row = { snapshotBatch: 7, promised: 1, promiseBatch: 9 };
  const state = { ...emptySnapshot(), seq: 5 };
  expect(
    coveredBy(
      new Map([
        [1, { ...row, snapshot: state }],
        [2, { ...row, snapshot: null }],
      ]),
    ),
  ).toEqual(new Map([[1, at(7, 5)]]));
});
