import { describe, expect, it } from 'vitest';
import { DigestSum, digestOf } from '../../../src/core/machine/digest.js';
import { Sessions } from '../../../src/core/machine/sessions.js';
import type { OpResult, SessionId } from '../../../src/core/machine/types.js';

/** 32 units, and those of the text. */
const text = (value: string): OpResult => ({ ok: true, value });
const [one, two, three] = [text('a'), text('bb'), text('ccc')];

function sessions(...ids: SessionId[]) {
  const sum = new DigestSum();
  const all = new Sessions(sum);
  for (const id of ids) all.begin(id);
  /** The sum of what is there now, made anew. */
  const expected = (): string => digestOf({ cells: [], sessions: all.sorted(), rows: [] }).hash;
  return { all, sum, expected };
}

const counts = (all: Sessions): number[] => [all.size, all.results, all.units];

describe('the sessions of a partition', () => {
  it('are counted with what they take', () => {
    const { all, sum, expected } = sessions();
    expect(counts(all)).toEqual([0, 0, 0]);
    const steps: [() => void, number[], unitsOfFirst: number | undefined][] = [
      [() => all.begin('1.1'), [1, 0, 64], 0],
      [() => all.begin('1.2'), [2, 0, 128], 0],
      [() => all.remember('1.1', 1, one), [2, 1, 128 + 33], 33],
      [() => all.remember('1.1', 2, two), [2, 2, 128 + 33 + 34], 67],
      [() => all.remember('1.2', 1, three), [2, 3, 128 + 33 + 34 + 35], 67],
      [() => all.acknowledge('1.1', 2), [2, 2, 128 + 34 + 35], 34],
      [() => all.end('1.1'), [1, 1, 64 + 35], undefined],
      [() => all.end('1.1'), [1, 1, 64 + 35], undefined],
      [() => all.remember('1.1', 3, one), [1, 1, 64 + 35], undefined],
      [() => all.acknowledge('1.1', 3), [1, 1, 64 + 35], undefined],
      [() => all.end('1.2'), [0, 0, 0], undefined],
    ];
    for (const [run, after, units] of steps) {
      run();
      expect(counts(all)).toEqual(after);
      expect(all.get('1.1')?.units).toBe(units);
      expect(sum.with()).toBe(expected());
    }
  });

  it('forget the results before the first that is wanted, and no other', () => {
    const few: readonly number[] = [1, 2, 3, 4];
    const sparse: readonly number[] = [1, 900];
    for (const [held, first, left] of [
      [few, 1, few],
      [few, 0, few],
      [few, 2, [2, 3, 4]],
      [few, 4, [4]],
      [few, 5, []],
      [few, 6, []],
      [sparse, 2, [900]],
      [sparse, 900, [900]],
      [sparse, 901, []],
      [sparse, Number.MAX_SAFE_INTEGER, []],
    ] as const) {
      const { all, sum, expected } = sessions('1.1');
      for (const n of held) all.remember('1.1', n, one);
      all.acknowledge('1.1', first);
      expect(all.sorted()).toEqual([
        ['1.1', { first: Math.max(first, 1), results: left.map((n) => [n, one]) }],
      ]);
      expect(all.get('1.1')?.first).toBe(Math.max(first, 1));
      expect(counts(all)).toEqual([1, left.length, 64 + 33 * left.length]);
      expect(sum.with()).toBe(expected());
    }
  });

  it('replace a result that is there', () => {
    const { all, sum, expected } = sessions('1.1');
    all.remember('1.1', 1, one);
    all.takeDirty(false);
    all.remember('1.1', 1, three);
    expect([all.get('1.1')?.results.get(1), counts(all)]).toEqual([three, [1, 1, 64 + 35]]);
    expect(sum.with()).toBe(expected());
    expect(all.takeDirty(false).results).toEqual([['1.1', 1, three]]);
  });

  it('are in the order of their ids, and their results in that of their numbers', () => {
    const { all } = sessions('1.2', '1.10', '1.1', '1.3');
    for (const n of [10, 9, 2, 11]) all.remember('1.2', n, one);
    expect([...all.ids()].sort()).toEqual(['1.1', '1.10', '1.2', '1.3']);
    expect(all.sorted().map(([id, { results }]) => [id, results.map(([n]) => n)])).toEqual([
      ['1.1', []],
      ['1.10', []],
      ['1.2', [2, 9, 10, 11]],
      ['1.3', []],
    ]);
  });
});

describe('a checkpoint of sessions', () => {
  const nothing = { sessions: [], results: [] };

  it('has what is new since the last, and what has gone', () => {
    const { all } = sessions('1.1', '1.2');
    all.remember('1.1', 1, one);
    expect(all.takeDirty(false)).toEqual({
      sessions: [
        ['1.1', 1],
        ['1.2', 1],
      ],
      results: [['1.1', 1, one]],
    });
    expect(all.takeDirty(false)).toEqual(nothing);
    all.remember('1.1', 2, two);
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.1', 1]], results: [['1.1', 2, two]] });
    all.acknowledge('1.1', 1);
    expect(all.takeDirty(false)).toEqual(nothing);
    all.acknowledge('1.1', 2);
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.1', 2]], results: [['1.1', 1, null]] });
    // What came and went since the last is in neither.
    all.remember('1.1', 3, three);
    all.acknowledge('1.1', 4);
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.1', 4]], results: [['1.1', 2, null]] });
    all.acknowledge('1.1', 5);
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.1', 5]], results: [] });
    all.remember('1.2', 1, one);
    all.takeDirty(false);
    all.remember('1.2', 2, two);
    all.end('1.2');
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.2', null]], results: [['1.2', 1, null]] });
    all.end('1.1');
    expect(all.takeDirty(false)).toEqual({ sessions: [['1.1', null]], results: [] });
    expect(all.takeDirty(false)).toEqual(nothing);
  });

  it('has all there is when it is a full one, and nothing of what has gone', () => {
    const { all } = sessions('1.1', '1.2');
    all.remember('1.1', 1, one);
    all.takeDirty(false);
    all.remember('1.1', 2, two);
    all.end('1.2');
    const everything = {
      sessions: [['1.1', 1]],
      results: [
        ['1.1', 1, one],
        ['1.1', 2, two],
      ],
    };
    expect(all.takeDirty(true)).toEqual(everything);
    expect(all.takeDirty(false)).toEqual(nothing);
    expect(all.takeDirty(true)).toEqual(everything);
    all.acknowledge('1.1', 3);
    expect(all.takeDirty(false).results).toEqual([
      ['1.1', 1, null],
      ['1.1', 2, null],
    ]);
  });

  it('is where a start goes on from', () => {
    const sum = new DigestSum();
    const stored: [SessionId, { first: number; results: [number, OpResult][] }][] = [
      [
        '1.1',
        {
          first: 2,
          results: [
            [2, one],
            [3, two],
          ],
        },
      ],
      ['1.2', { first: 1, results: [] }],
    ];
    const all = new Sessions(sum, stored);
    expect(counts(all)).toEqual([2, 2, 128 + 33 + 34]);
    expect(all.sorted()).toEqual(stored);
    expect(sum.with()).toBe(digestOf({ cells: [], sessions: stored, rows: [] }).hash);
    expect(all.takeDirty(false)).toEqual(nothing);
    all.remember('1.1', 4, three);
    all.remember('1.2', 1, one);
    all.acknowledge('1.1', 3);
    expect(all.takeDirty(false)).toEqual({
      sessions: [
        ['1.1', 3],
        ['1.2', 1],
      ],
      results: [
        ['1.1', 2, null],
        ['1.1', 4, three],
        ['1.2', 1, one],
      ],
    });
    all.end('1.1');
    expect(all.takeDirty(false)).toEqual({
      sessions: [['1.1', null]],
      results: [
        ['1.1', 3, null],
        ['1.1', 4, null],
      ],
    });
  });
});
