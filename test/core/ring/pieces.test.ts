import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { murmur3, RING, startOf } from '../../../src/core/ring/hash.js';
import { NOBODY, PlacementState } from '../../../src/core/ring/placement-state.js';
import { type Ideals, idealsOf, type PlaceInput } from '../../../src/core/ring/quotas.js';
import { checkMembers, Ring, type RingMember } from '../../../src/core/ring/ring.js';
import { Rounding } from '../../../src/core/ring/rounding.js';
import { Seats } from '../../../src/core/ring/seats.js';

/** The points of a ring in the plainest way: by hash, then by id. */
function pointsOf(members: readonly RingMember[], per: number): { hash: number; id: string }[] {
  return members
    .flatMap(({ id, weight }) =>
      Array.from({ length: weight === 0 ? 0 : Math.max(1, Math.round(per * weight)) }, (_, n) => ({
        hash: murmur3(id, n),
        id,
      })),
    )
    .sort((a, b) => a.hash - b.hash || (a.id < b.id ? -1 : 1));
}

describe('a ring', () => {
  test('has the points, the owners and the shares that a search through all points finds', () => {
    const random = new Random(1);
    for (let round = 0; round < 25; round++) {
      const count = 1 + random.below(7);
      const members = Array.from({ length: count }, (_, i) => ({
        id: `m${random.below(1000)}.${i}`,
        weight: i > 0 && random.chance(0.2) ? 0 : 1 + random.below(4) / 2,
      }));
      const per = random.pick([0.1, 1, 2, 5]);
      const points = pointsOf(members, per);
      const ring = new Ring(members, { points: per });
      expect(ring.size).toBe(points.length);
      expect(points.map((_, i) => ring.ids[ring.memberAt(i)])).toEqual(points.map(({ id }) => id));
      const hashes = points.flatMap(({ hash }) => [hash - 1, hash, hash + 1]);
      const asked = [0, RING - 1, ...hashes].filter((hash) => hash >= 0 && hash < RING);
      const expected = asked.map((hash) => {
        const at = points.filter((point) => point.hash < hash).length;
        const after = [...points.slice(at), ...points.slice(0, at)].map(({ id }) => id);
        return [at, ...new Set(after)].join();
      });
      expect(asked.map((hash) => [ring.indexAt(hash), ...ring.walk(hash)].join())).toEqual(expected);
      const shares = new Map(ring.ids.map((id) => [id, 0]));
      for (const [i, { hash, id }] of points.entries()) {
        const before = points.at(i - 1)!.hash - (i === 0 ? RING : 0);
        shares.set(id, shares.get(id)! + (hash - before) / RING);
      }
      const found = [...ring.shares()];
      expect(found.map(([id]) => id)).toEqual([...shares.keys()]);
      for (const [id, share] of found) expect(share).toBeCloseTo(shares.get(id)!, 12);
      const key = `key${round}`;
      expect(ring.ownerOf(key)).toBe([...ring.walk(murmur3(key))][0]);
    }
  });

  test('finds points that lie exactly where a part of the ring begins', () => {
    // So many that some do: each of the parts, as many as the points, begins at one of 2^16 hashes.
    const ring = new Ring([{ id: 'n1', weight: 1 }], { points: 65_536 });
    const points = pointsOf([{ id: 'n1', weight: 1 }], 65_536).map(({ hash }) => hash);
    expect(points.filter((hash) => hash % 65_536 === 0).length).toBeGreaterThan(0);
    const misplaced = points.filter(
      (hash, i) => points[ring.indexAt(hash)] !== hash || points[i + 1]! < hash,
    );
    expect(misplaced).toEqual([]);
  });

  test.each<[weight: number, points: number | undefined, size: number]>([
    [1, undefined, 512],
    [2, undefined, 1024],
    [1.4, 1, 1],
    [1.5, 1, 2],
    [1e-9, 64, 1],
    [127, 512, 65_024],
    [129, 512, 65_536],
    [1e12, 1, 65_536],
  ])('gives a member of weight %d, at %s for each, %d points', (weight, points, size) => {
    expect(new Ring([{ id: 'n1', weight }], points === undefined ? {} : { points }).size).toBe(size);
  });

  test('sorts its members, and says what is wrong with one', () => {
    const ids = ['b', 'a', 'c', 'B', 'a1'];
    expect(checkMembers(ids.map((id) => ({ id, weight: 0 }))).map(({ id }) => id)).toEqual([...ids].sort());
    expect(checkMembers([])).toEqual([]);
    for (const [members, message] of [
      [
        [
          ['a', 1],
          ['b', 1],
          ['a', 2],
        ],
        'two members are called a',
      ],
      [[['a', -0.1]], 'the weight of a is -0.1; it must be a number, 0 or more'],
      [[['a', Number.NaN]], 'the weight of a is NaN; it must be a number, 0 or more'],
      [[['a', Number.POSITIVE_INFINITY]], 'the weight of a is Infinity; it must be a number, 0 or more'],
    ] as const)
      expect(() => checkMembers(members.map(([id, weight]) => ({ id, weight })))).toThrow(message);
    expect(() => new Ring([{ id: 'a', weight: 0 }])).toThrow('a ring needs a member with a weight above 0');
  });
});

describe('seats', () => {
  test('are taken as by a walk that looks at every point', () => {
    const random = new Random(2);
    for (let round = 0; round < 40; round++) {
      const members = Array.from({ length: 1 + random.below(6) }, (_, i) => ({ id: `n${i}`, weight: 1 }));
      const ring = new Ring(members, { points: 1 + random.below(6) });
      const partitions = 1 + random.below(20);
      const left = Int32Array.from(members, () => random.below(6));
      const seats = new Seats(ring, partitions, Int32Array.from(left));
      for (let turn = 0; turn < 20; turn++) {
        const p = random.below(partitions);
        const fitting = new Set(members.map((_, i) => i).filter(() => random.chance(0.6)));
        const order = Array.from({ length: ring.size }, (_, i) =>
          ring.memberAt((ring.indexAt(startOf(p, partitions)) + i) % ring.size),
        );
        const expected = order.find((m) => left[m]! > 0 && fitting.has(m)) ?? NOBODY;
        const asked: number[] = [];
        const taken = seats.take(p, (m) => {
          asked.push(m);
          return fitting.has(m);
        });
        // Nobody is asked twice, nor anybody who has no room.
        const inVain = asked.filter((m, i) => left[m] === 0 || asked.indexOf(m) !== i);
        expect([taken, inVain]).toEqual([expected, []]);
        if (taken !== NOBODY) left[taken]! -= 1;
      }
    }
  });
});

describe('roundings', () => {
  // Two zones: members 0 and 1 with 2.5 each, and member 2 with 3.3; nodes 3 and 4 are the zones, 5 the root.
  const made = (quota: readonly number[], beyond?: number): Rounding =>
    new Rounding(
      Float64Array.from([2.5, 2.5, 3.3]),
      Int32Array.from([0, 0, 1]),
      2,
      Int32Array.from(quota),
      beyond,
    );

  test('are a tree of members, zones and a root', () => {
    const rounding = made([3, 2, 3]);
    expect([rounding.root, [...rounding.level]]).toEqual([5, [3, 2, 3, 5, 3]]);
    const beside = [0, 1, 2, 3, 4, 5].map((node) => [...rounding.beside(node)]);
    expect(beside).toEqual([[3], [3], [4], [5, 0, 1], [5, 2], [3, 4]]);
  });

  test.each<[from: number, to: number, quota: number[], price: number]>([
    // Up: the level of the member rises.
    [0, 3, [2, 3, 3], 0],
    [0, 3, [3, 2, 3], 9],
    [0, 3, [4, 2, 3], 9],
    [0, 3, [1, 3, 3], -9],
    [2, 4, [3, 2, 3], 0],
    [2, 4, [3, 2, 4], 9],
    // Down: it falls.
    [3, 0, [3, 2, 3], 0],
    [3, 0, [2, 3, 3], 9],
    [3, 0, [1, 3, 3], 9],
    [3, 0, [4, 2, 3], -9],
    // The first zone has a whole number: it neither rises nor falls; the second may.
    [3, 5, [3, 2, 3], 9],
    [5, 3, [3, 2, 3], 9],
    [3, 5, [2, 2, 3], -9],
    [5, 3, [3, 3, 3], -9],
    [4, 5, [3, 2, 3], 0],
    [5, 4, [3, 2, 3], 9],
    [5, 4, [3, 2, 4], 0],
    [4, 5, [3, 2, 4], 9],
  ])('passed from %d to %d at %j cost %d', (from, to, quota, price) => {
    expect(made(quota, 9).price(from, to)).toBe(price);
    expect(made(quota).price(from, to)).toBe(price === 0 ? 0 : price * Number.POSITIVE_INFINITY);
  });

  test('change the level of the node below', () => {
    const rounding = made([3, 2, 3]);
    rounding.pass(1, 3);
    rounding.pass(3, 0);
    expect([...rounding.level]).toEqual([2, 3, 3, 5, 3]);
    rounding.pass(4, 5);
    rounding.pass(5, 3);
    expect([...rounding.level]).toEqual([2, 3, 3, 4, 4]);
  });
});

describe('the state of a placement', () => {
  const members = (zones: readonly string[]) => zones.map((zone, i) => ({ id: `n${i}`, weight: 1, zone }));
  const made = (change: Partial<PlaceInput>): { state: PlacementState; ideals: Ideals } => {
    const input = { partitions: 2, replicas: 2, members: members(['', '', '', '']), ...change };
    const ideals = idealsOf(input);
    return { state: new PlacementState(input, ideals), ideals };
  };

  test('without a placement before has nothing to stay close to', () => {
    const { state } = made({});
    expect([state.hasBefore, [...state.before(0)], state.heldBefore(0, 0)]).toEqual([false, [], false]);
    expect([[...state.slots], [...state.load], state.width]).toEqual([[-1, -1, -1, -1], [0, 0, 0, 0], 2]);
    expect(state.keepBefore(Int32Array.from([1, 1, 1, 1]), new Int32Array(4))).toBe(false);
  });

  test('knows who held a partition before, once each, and forgets who is gone', () => {
    const { state } = made({ partitions: 3, previous: [['n3', 'gone', 'n1', 'n3'], []] });
    expect(state.hasBefore).toBe(true);
    expect([0, 1, 2].map((p) => [...state.before(p)])).toEqual([[3, 1], [], []]);
    expect([0, 1, 2, 3].map((m) => state.heldBefore(0, m))).toEqual([false, true, false, true]);
    expect(state.heldBefore(1, 3)).toBe(false);
  });

  test('puts members into empty slots, or in the place of others', () => {
    const { state } = made({});
    state.put(1, 2, NOBODY);
    state.put(1, 0, NOBODY);
    state.put(0, 2, NOBODY);
    expect([[...state.slots], [...state.load]]).toEqual([
      [2, -1, 2, 0],
      [1, 0, 2, 0],
    ]);
    expect([[...state.members(0)], [...state.members(1)]]).toEqual([
      [2, -1],
      [2, 0],
    ]);
    expect([0, 2, NOBODY].map((m) => state.has(0, m))).toEqual([false, true, true]);
    expect([0, 2, NOBODY].map((m) => state.has(1, m))).toEqual([true, true, false]);
    state.put(1, 3, 2);
    expect([[...state.slots], [...state.load]]).toEqual([
      [2, -1, 3, 0],
      [1, 0, 1, 1],
    ]);
    expect(state.has(0, 3)).toBe(false);
    expect(state.holds.map((held) => [...held])).toEqual([[1], [], [0], [1]]);
    expect([0, 1, 2, 3].map((m) => [state.fits(1, m, NOBODY), state.fits(1, m, 3)])).toEqual([
      [false, false],
      [true, true],
      [true, true],
      [false, false],
    ]);
  });

  test('lets no zone have more of a partition than it must', () => {
    // Three replicas in two zones: two of them in one.
    const { state, ideals } = made({ replicas: 3, members: members(['a', 'a', 'a', 'b', 'b']) });
    expect(ideals.perZone).toBe(2);
    expect([state.openIn(0, 0, NOBODY), state.openIn(0, 1, NOBODY)]).toEqual([2, 2]);
    state.put(0, 0, NOBODY);
    expect([state.openIn(0, 0, NOBODY), state.openIn(0, 1, NOBODY), state.fits(0, 1, NOBODY)]).toEqual([
      1,
      2,
      true,
    ]);
    state.put(0, 1, NOBODY);
    state.put(0, 3, NOBODY);
    expect([state.openIn(0, 0, NOBODY), state.openIn(0, 0, 1), state.openIn(0, 0, 3)]).toEqual([0, 1, 0]);
    expect([state.fits(0, 2, NOBODY), state.fits(0, 2, 1), state.fits(0, 2, 3), state.fits(0, 4, 3)]).toEqual(
      [false, true, false, true],
    );
    expect([state.openIn(1, 0, NOBODY), state.fits(1, 2, NOBODY)]).toEqual([2, true]);
    state.put(1, 2, NOBODY);
    expect([state.openIn(0, 0, NOBODY), state.openIn(1, 0, NOBODY)]).toEqual([0, 1]);
  });

  const zoned = members(['a', 'a', 'b', 'b']);
  const plain = members(['', '', '', '']);
  test.each<
    [what: string, previous: string[], replicas: number, at: typeof plain, quota: number[], kept: number[]]
  >([
    ['as many as are wanted', ['n2', 'n0'], 2, plain, [1, 1, 1, 1], [2, 0]],
    ['fewer than are wanted', ['n2'], 2, plain, [1, 1, 1, 1], [2]],
    ['too many: the one furthest above its quota leaves', ['n0', 'n1', 'n2'], 2, plain, [1, 0, 1, 1], [0, 2]],
    ['the last of several that are as far above', ['n0', 'n1', 'n2'], 2, plain, [0, 0, 0, 0], [0, 1]],
    ['several that leave, and the primary stays', ['n0', 'n1', 'n2'], 1, plain, [0, 1, 1, 1], [0]],
    ['two of one zone: the one above its quota leaves', ['n2', 'n0', 'n1'], 2, zoned, [0, 1, 1, 1], [2, 1]],
    ['two of one zone: the primary stays', ['n0', 'n1'], 2, zoned, [0, 1, 1, 1], [0]],
    ['two of one zone before too many of all', ['n0', 'n2', 'n3'], 2, zoned, [0, 1, 1, 0], [0, 2]],
  ])('keeps of %s', (_, previous, replicas, at, quota, kept) => {
    const { state, ideals } = made({ partitions: 1, replicas, members: at, previous: [previous] });
    const held = Int32Array.from(ideals.ids, (id) => (previous.includes(id) ? 1 : 0));
    expect(state.keepBefore(Int32Array.from(quota), held)).toBe(kept.length < previous.length);
    expect([...state.slots].filter((m) => m !== NOBODY)).toEqual(kept);
    expect([...state.load]).toEqual(ideals.ids.map((_id, m) => (kept.includes(m) ? 1 : 0)));
    expect([...held]).toEqual(ideals.ids.map((id) => (previous.includes(id) ? 1 : 0)));
  });

  test('counts, partition by partition, who has left already', () => {
    const previous = [
      ['n0', 'n1', 'n2'],
      ['n0', 'n1', 'n2'],
      ['n3', 'n1', 'n2'],
    ];
    const { state } = made({ partitions: 3, previous });
    // n1 and n2 hold three each; n2 may keep two, n1 one.
    expect(state.keepBefore(Int32Array.from([2, 1, 2, 1]), Int32Array.from([2, 3, 3, 1]))).toBe(true);
    expect([0, 1, 2].map((p) => [...state.members(p)])).toEqual([
      [0, 2],
      [0, 1],
      [3, 2],
    ]);
  });
});
