import { describe, expect, test } from 'vitest';
import {
  countMoves,
  countPrimaryChanges,
  heldOf,
  idealsOf,
  leastMoves,
  type PlaceMember,
  quotasOf,
} from '../../../src/core/ring/quotas.js';

const members = (...given: readonly (readonly [weight: number, zone?: string])[]): PlaceMember[] =>
  given.map(([weight, zone = ''], i) => ({ id: `n${i + 1}`, weight, zone }));
const rounded = (numbers: Iterable<number>): number[] => [...numbers].map((x) => Math.round(x * 1e6) / 1e6);

describe('the ideals', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('are of whole numbers, not %s', (bad) => {
    const input = { partitions: 4, replicas: 2, members: members([1], [1]) };
    for (const name of ['partitions', 'replicas'] as const)
      expect(() => idealsOf({ ...input, [name]: bad })).toThrow(
        `${name} must be a whole number of 1 or more, not ${bad}`,
      );
    expect(() => idealsOf({ ...input, partitions: 1, replicas: 1 })).not.toThrow();
  });

  test('are of the members with a weight, by id, each without a zone in one of its own', () => {
    const given = [
      { id: 'd', weight: 1, zone: 'x' },
      { id: 'b', weight: 2, zone: '' },
      { id: 'c', weight: 0, zone: 'y' },
      { id: 'a', weight: 3, zone: 'x' },
      { id: 'e', weight: 1, zone: '' },
    ];
    const ideals = idealsOf({ partitions: 14, replicas: 1, members: given });
    expect(ideals).toMatchObject({
      ids: ['a', 'b', 'd', 'e'],
      weights: [3, 2, 1, 1],
      replicas: 1,
      zoneCount: 3,
    });
    expect([...ideals.index]).toEqual([
      ['a', 0],
      ['b', 1],
      ['d', 2],
      ['e', 3],
    ]);
    expect([...ideals.zones]).toEqual([0, 1, 0, 2]);
    expect([rounded(ideals.replicaIdeal), rounded(ideals.primaryIdeal)]).toEqual([
      [6, 4, 2, 2],
      [6, 4, 2, 2],
    ]);
  });

  test('give a zone the name of no member', () => {
    const given = [
      { id: 'a', weight: 1, zone: '' },
      { id: 'b', weight: 1, zone: 'a' },
    ];
    expect(idealsOf({ partitions: 1, replicas: 1, members: given }).zoneCount).toBe(2);
  });

  test.each<[what: string, members: PlaceMember[], replicas: number, perZone: number, ideal: number[]]>([
    ['equal weights', members([1], [1], [1], [1]), 2, 1, [6, 6, 6, 6]],
    ['by weight', members([1], [2], [3]), 1, 1, [2, 4, 6]],
    ['one that reaches its cap exactly', members([3], [1], [1], [1]), 2, 1, [12, 4, 4, 4]],
    ['one beyond its cap: the others share the rest', members([9], [1], [2]), 2, 1, [12, 4, 8]],
    ['two beyond their cap, one after the other', members([90], [5], [1], [1]), 3, 1, [12, 12, 6, 6]],
    ['fewer members than replicas', members([9], [1]), 3, 1, [12, 12]],
    ['a zone beyond its cap', members([1, 'a'], [1, 'a'], [1, 'a'], [1], [1]), 2, 1, [4, 4, 4, 6, 6]],
    ['by weight within it', members([1, 'a'], [2, 'a'], [3, 'a'], [1], [1]), 2, 1, [2, 4, 6, 6, 6]],
    ['a zone that reaches its cap exactly', members([1, 'a'], [1, 'a'], [1], [1]), 2, 1, [6, 6, 6, 6]],
    ['two zones for three replicas', members([1, 'a'], [1, 'a'], [1, 'b'], [1, 'b']), 3, 2, [9, 9, 9, 9]],
    [
      'a zone of more members than it may have of a partition',
      members([1, 'a'], [1, 'a'], [1, 'a'], [1, 'b']),
      3,
      2,
      [8, 8, 8, 12],
    ],
    [
      'a zone beyond its cap, and in it a member beyond its own',
      members([9, 'a'], [1, 'a'], [1, 'a'], [1, 'b'], [1, 'b']),
      3,
      2,
      [12, 6, 6, 6, 6],
    ],
    [
      'a member beyond its cap in a zone that has room for as many as it has',
      members([9, 'a'], [1, 'a'], [1, 'b'], [1, 'b']),
      3,
      2,
      [12, 8, 8, 8],
    ],
    [
      'one after the other: a zone, then a member',
      members([4, 'a'], [4, 'a'], [3], [1], [1]),
      3,
      1,
      [6, 6, 12, 6, 6],
    ],
  ])('%s', (_, given, replicas, perZone, ideal) => {
    const ideals = idealsOf({ partitions: 12, replicas, members: given });
    expect(ideals.replicas).toBe(Math.min(replicas, given.length));
    expect([ideals.perZone, rounded(ideals.replicaIdeal)]).toEqual([perZone, ideal]);
    const all = given.reduce((sum, { weight }) => sum + weight, 0);
    expect(rounded(ideals.primaryIdeal)).toEqual(rounded(given.map(({ weight }) => (12 * weight) / all)));
  });
});

describe('what members hold', () => {
  test('is counted once a partition, and only of members and partitions that there are', () => {
    const input = { partitions: 3, replicas: 2, members: members([1], [1], [0]) };
    const previous = [['n1', 'n2', 'n1'], ['n3', 'gone'], ['n2'], ['n1', 'n2']];
    expect([...heldOf(idealsOf(input), { ...input, previous })]).toEqual([1, 2]);
    expect([...heldOf(idealsOf(input), input)]).toEqual([0, 0]);
  });
});

describe('quotas', () => {
  test.each<[what: string, ideal: number[], zones: number[], held: number[], quota: number[]]>([
    ['whole ideals', [2, 3, 1], [0, 1, 2], [9, 0, 0], [2, 3, 1]],
    ['whole but for the last bits', [2.99999999, 1.00000001], [0, 1], [0, 0], [3, 1]],
    ['the largest remainder is rounded up', [1.2, 1.5, 1.3], [0, 1, 2], [0, 0, 0], [1, 2, 1]],
    ['the two largest', [1.5, 1.9, 1.6], [0, 1, 2], [0, 0, 0], [1, 2, 2]],
    ['of equal ones the first', [1.5, 1.5], [0, 1], [0, 0], [2, 1]],
    ['first who holds as many already', [1.5, 1.5], [0, 1], [0, 2], [1, 2]],
    ['even with the smallest remainder', [1.2, 1.5, 1.3], [0, 1, 2], [2, 1, 1], [2, 1, 1]],
    [
      'who holds what it is rounded down to counts as others',
      [1.2, 1.5, 1.3],
      [0, 1, 2],
      [1, 0, 0],
      [1, 2, 1],
    ],
    ['of those that hold as many the largest remainder', [1.2, 1.5, 1.3], [0, 1, 2], [2, 2, 9], [1, 2, 1]],
    ['who holds more cannot have more than one more', [1.4, 1.6], [0, 1], [9, 0], [2, 1]],
    ['a whole zone has what is its', [1.5, 1.5, 1.9, 1.1], [0, 0, 1, 1], [0, 0, 0, 0], [2, 1, 2, 1]],
    ['though one of another zone holds more', [1.5, 1.5, 1.5, 1.5], [0, 0, 1, 1], [2, 2, 0, 0], [2, 1, 2, 1]],
    ['a zone is rounded up once', [1.4, 1.4, 1.2], [0, 0, 1], [2, 2, 0], [2, 1, 1]],
    ['a zone is rounded down at least', [1.6, 1.6, 1.8], [0, 0, 1], [0, 0, 2], [2, 1, 2]],
    [
      'a zone that must have one more comes first',
      [1.9, 1.5, 1.5, 1.1],
      [0, 1, 1, 2],
      [0, 0, 0, 0],
      [2, 2, 1, 1],
    ],
  ])('%s', (_, ideal, zones, held, quota) => {
    const count = Math.max(...zones) + 1;
    const found = quotasOf(Float64Array.from(ideal), Int32Array.from(zones), count, Int32Array.from(held));
    expect([...found]).toEqual(quota);
  });
});

describe('what has to move', () => {
  test('is at least what members lack of their quota', () => {
    const input = { partitions: 6, replicas: 2, members: members([1], [1], [1]) };
    const two = Array.from({ length: 6 }, () => ['n1', 'n2']);
    expect(leastMoves({ ...input, previous: two })).toBe(4);
    expect(leastMoves(input)).toBe(12);
    expect(leastMoves({ ...input, previous: two.map(([one]) => [one as string]) })).toBe(8);
    const even = [0, 1, 2, 3, 4, 5].map((p) => [`n${(p % 3) + 1}`, `n${((p + 1) % 3) + 1}`]);
    expect(leastMoves({ ...input, previous: even })).toBe(0);
  });

  test('is counted by replicas and by primaries', () => {
    const previous = [['a', 'b'], ['b', 'a'], ['c']];
    const next = [['b', 'a'], ['c', 'd'], ['c', 'a'], ['a']];
    expect([countMoves(previous, next), countPrimaryChanges(previous, next)]).toEqual([4, 3]);
    expect([countMoves(undefined, next), countPrimaryChanges(undefined, next)]).toEqual([7, 4]);
    expect([countMoves(previous, previous), countPrimaryChanges(previous, previous)]).toEqual([0, 0]);
    expect(countPrimaryChanges([[]], [[]])).toBe(0);
  });
});
