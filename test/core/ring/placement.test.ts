import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOf } from '../../../src/core/ring/hash.js';
import {
  countMoves,
  countPrimaryChanges,
  leastMoves,
  type PlaceInput,
  type PlaceMember,
  place,
} from '../../../src/core/ring/placement.js';
import { idealsOf } from '../../../src/core/ring/quotas.js';
import { Ring } from '../../../src/core/ring/ring.js';
import { MusterError } from '../../../src/errors.js';
import { exactLeastMoves } from './oracle.js';

const members = (n: number, more: (i: number) => Partial<PlaceMember> = () => ({})): PlaceMember[] =>
  Array.from({ length: n }, (_, i) => ({ id: `n${i + 1}`, weight: 1, zone: '', ...more(i) }));

/** Random clusters: 1 to `most` members, weights 1 to 8 (one now and then 0), zones or none. */
const clusters = (most: number, zones: boolean): fc.Arbitrary<PlaceInput> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 300 }),
    replicas: fc.integer({ min: 1, max: 5 }),
    members: fc
      .array(
        fc.record({
          weight: fc.oneof(
            { weight: 12, arbitrary: fc.integer({ min: 1, max: 8 }) },
            { weight: 1, arbitrary: fc.constant(0) },
          ),
          zone: zones ? fc.constantFrom('', 'a', 'b', 'c', 'd') : fc.constant(''),
        }),
        { minLength: 1, maxLength: most },
      )
      .map((list) => list.map((m, i) => ({ id: `n${i + 1}`, ...m }))),
  });

/** One member joins, leaves or changes its weight. */
function changed(input: PlaceInput, what: number, weight: number): PlaceInput {
  const list = [...input.members];
  const at = what % list.length;
  if (what % 3 === 0) list.push({ id: `n${list.length + 1}`, weight, zone: '' });
  else if (what % 3 === 1 && list.length > 1) list.splice(at, 1);
  else list[at] = { ...list[at]!, weight };
  return { ...input, members: list, previous: place(input) };
}

function tally(placed: string[][]): { held: Map<string, number>; led: Map<string, number> } {
  const held = new Map<string, number>();
  const led = new Map<string, number>();
  for (const list of placed) {
    for (const id of list) held.set(id, (held.get(id) ?? 0) + 1);
    if (list.length > 0) led.set(list[0]!, (led.get(list[0]!) ?? 0) + 1);
  }
  return { held, led };
}

/** Everything that holds of every placement. */
function judge(input: PlaceInput, placed: string[][]): void {
  const ideals = idealsOf(input);
  const { held, led } = tally(placed);
  expect(placed.length).toBe(input.partitions);
  for (const list of placed) {
    if (new Set(list).size !== list.length || list.length !== ideals.replicas)
      expect.fail(`wrong replicas: ${list}`);
    const zones = list.map((id) => ideals.zones[ideals.index.get(id)!]!);
    for (const zone of zones) {
      if (zones.filter((z) => z === zone).length > ideals.perZone) expect.fail(`a crowded zone: ${list}`);
    }
  }
  for (const [i, id] of ideals.ids.entries()) {
    expect(Math.abs((held.get(id) ?? 0) - ideals.replicaIdeal[i]!)).toBeLessThan(1 + 1e-6);
    expect(Math.abs((led.get(id) ?? 0) - ideals.primaryIdeal[i]!)).toBeLessThanOrEqual(1 + 1e-6);
  }
}

describe('a placement', () => {
  it('gives every member its share of replicas and primaries to within one partition, zones apart', () => {
    fc.assert(
      fc.property(fc.oneof(clusters(12, false), clusters(30, true)), (input) => judge(input, place(input))),
      { numRuns: 300 },
    );
  });

  it('stays balanced after any one change', () => {
    fc.assert(
      fc.property(
        fc.oneof(clusters(10, false), clusters(20, true)),
        fc.nat(),
        fc.integer({ min: 0, max: 8 }),
        (input, what, weight) => {
          const next = changed(input, what, weight);
          judge(next, place(next));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(
        clusters(15, true).chain((input) =>
          fc.tuple(
            fc.constant(input),
            fc.shuffledSubarray([...input.members], { minLength: input.members.length }),
            fc.nat(),
          ),
        ),
        ([input, shuffled, what]) => {
          expect(place({ ...input, members: shuffled })).toEqual(place(input));
          const next = changed(input, what, 3);
          expect(place({ ...next, members: [...next.members].reverse() })).toEqual(place(next));
        },
      ),
    );
  });

  it('from scratch takes the first members clockwise that have room, primaries first', () => {
    const input = { partitions: 240, replicas: 3, members: members(8) };
    const ring = new Ring(input.members, { points: 64 });
    const seats = (room: number) => new Map(input.members.map(({ id }) => [id, room]));
    const expected: string[][] = Array.from({ length: input.partitions }, () => []);
    for (const [wanted, left] of [
      [1, seats(30)],
      [2, seats(60)],
    ] as const) {
      for (const [p, list] of expected.entries()) {
        for (let n = 0; n < wanted; n += 1) {
          const walk = ring.walk(startOf(p, input.partitions));
          const id = [...walk].find((one) => left.get(one)! > 0 && !list.includes(one));
          if (id === undefined) continue;
          left.set(id, left.get(id)! - 1);
          list.push(id);
        }
      }
    }
    const placed = place(input);
    const same = placed.filter((list, p) => list.join() === expected[p]!.join()).length;
    // The last few find only members that they have already, and others make room for them.
    expect(same).toBeGreaterThan(0.95 * input.partitions);
  });

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(clusters(15, true), (input) => {
        const previous = place(input);
        expect(place({ ...input, previous })).toEqual(previous);
      }),
    );
  });

  it('copies at most 1.1 times (or two more than) what an exact flow of least cost would', () => {
    const small = clusters(8, false).map((input) => ({
      ...input,
      partitions: Math.min(input.partitions, 48),
    }));
    fc.assert(
      fc.property(small, fc.nat(), fc.integer({ min: 1, max: 8 }), (input, what, weight) => {
        const next = changed(input, what, weight);
        const exact = exactLeastMoves(next);
        const moves = countMoves(next.previous, place(next));
        expect(leastMoves(next)).toBeLessThanOrEqual(exact);
        expect(moves).toBeGreaterThanOrEqual(exact);
        expect(moves).toBeLessThanOrEqual(Math.max(1.1 * exact, exact + 2));
      }),
      { numRuns: 60 },
    );
  });

  it('copies at most 1.1 times the least when one of several members joins, leaves or is reweighted', () => {
    for (const [partitions, count] of [
      [64, 5],
      [64, 10],
      [256, 10],
      [1024, 50],
      [16_384, 1000],
    ] as const) {
      for (const weight of [() => 1, (i: number) => 1 + ((i * 7) % 8)]) {
        const all = members(count + 1, (i) => ({ weight: weight(i) }));
        const base = { partitions, replicas: 3, members: all.slice(0, count) };
        const previous = place(base);
        judge(base, previous);
        for (const next of [
          { ...base, members: all, previous },
          { ...base, members: all.slice(1, count), previous },
          { ...base, members: base.members.map((m, i) => (i === 1 ? { ...m, weight: 4 } : m)), previous },
        ]) {
          const placed = place(next);
          judge(next, placed);
          const moves = countMoves(previous, placed);
          expect(moves).toBeLessThanOrEqual(Math.max(1.1 * leastMoves(next), leastMoves(next) + 1));
        }
      }
    }
  });

  it('moves close to 1/n of the primaries when one of n equal members joins or leaves', () => {
    for (const [partitions, n] of [
      [64, 4],
      [256, 10],
      [4096, 100],
    ] as const) {
      const all = members(n + 1);
      const base = { partitions, replicas: 3, members: all.slice(0, n) };
      const previous = place(base);
      const joined = place({ ...base, members: all, previous });
      expect(countPrimaryChanges(previous, joined)).toBeLessThanOrEqual(
        Math.ceil((1.3 * partitions) / (n + 1)),
      );
      const left = place({ ...base, members: all.slice(1, n), previous });
      expect(countPrimaryChanges(previous, left)).toBeLessThanOrEqual(Math.ceil((1.3 * partitions) / n));
    }
  });

  it('prefers for a lost primary a member that has the data already', () => {
    const base = { partitions: 256, replicas: 3, members: members(10) };
    const previous = place(base);
    const next = place({ ...base, members: members(10).slice(1), previous });
    const fresh = next.filter((list, p) => previous[p]![0] === 'n1' && !previous[p]!.includes(list[0]!));
    expect(fresh.length).toBe(0);
  });

  it('puts the replicas of a partition into different zones and loads small zones as their cap allows', () => {
    const zones = ['a', 'a', 'b', 'c'];
    const input = { partitions: 64, replicas: 3, members: members(4, (i) => ({ zone: zones[i]! })) };
    const placed = place(input);
    judge(input, placed);
    for (const list of placed) expect(new Set(list.map((id) => zones[Number(id.slice(1)) - 1])).size).toBe(3);
    const { held, led } = tally(placed);
    expect(Object.fromEntries(held)).toEqual({ n1: 32, n2: 32, n3: 64, n4: 64 });
    expect(Object.fromEntries(led)).toEqual({ n1: 16, n2: 16, n3: 16, n4: 16 });
  });

  it('spreads over all zones when they are fewer than the replicas', () => {
    const input = { partitions: 60, replicas: 3, members: members(6, (i) => ({ zone: i < 3 ? 'a' : 'b' })) };
    for (const list of place(input)) expect(new Set(list.map((id) => Number(id.slice(1)) <= 3)).size).toBe(2);
  });

  it('caps a heavy member at one replica of each partition and gives the rest to the others', () => {
    const input = {
      partitions: 100,
      replicas: 3,
      members: members(6, (i) => ({ weight: i === 0 ? 100 : 1 })),
    };
    const placed = place(input);
    judge(input, placed);
    const { held } = tally(placed);
    expect(held.get('n1')).toBe(100);
    for (const id of ['n2', 'n3', 'n4', 'n5', 'n6']) expect(held.get(id)).toBe(40);
  });

  it('puts everything everywhere when members are fewer than replicas, and nothing on weight 0', () => {
    expect(
      place({ partitions: 4, replicas: 3, members: members(2) }).every((list) => list.length === 2),
    ).toBe(true);
    expect(place({ partitions: 2, replicas: 3, members: [] })).toEqual([[], []]);
    const drained = { partitions: 8, replicas: 1, members: members(2, (i) => ({ weight: i })) };
    expect(place(drained)).toEqual(Array.from({ length: 8 }, () => ['n2']));
  });

  it('drops and adds only what a change of the number of replicas asks for', () => {
    const three = { partitions: 64, replicas: 3, members: members(8) };
    const previous = place(three);
    const two = place({ ...three, replicas: 2, previous });
    judge({ ...three, replicas: 2 }, two);
    expect(countMoves(previous, two)).toBeLessThanOrEqual(3);
    const four = place({ ...three, replicas: 4, previous });
    judge({ ...three, replicas: 4 }, four);
    expect(countMoves(previous, four)).toBe(64);
  });

  it('separates the replicas of a partition when members are told their zones later', () => {
    const before = { partitions: 64, replicas: 3, members: members(6) };
    const after = { ...before, members: members(6, (i) => ({ zone: 'abc'[i % 3]! })) };
    const next = { ...after, previous: place(before) };
    judge(next, place(next));
  });

  it('puts 16,384 partitions on 1,000 members of mixed weights and zones in balance', () => {
    const list = members(1000, (i) => ({ weight: 1 + ((i * 7) % 8), zone: `z${i % 4}` }));
    const input = { partitions: 16_384, replicas: 3, members: list };
    const started = performance.now();
    const placed = place(input);
    // Some 0.1 s; the bound leaves room for a busy machine and would still catch anything quadratic.
    expect(performance.now() - started).toBeLessThan(5000);
    judge(input, placed);
  });

  it('refuses impossible numbers', () => {
    const good = { partitions: 8, replicas: 1, members: members(2) };
    for (const bad of [
      { ...good, partitions: 0 },
      { ...good, replicas: 0 },
      { ...good, partitions: 1.5 },
      { ...good, members: [...members(2), ...members(1)] },
      { ...good, members: members(2, () => ({ weight: -1 })) },
      { ...good, members: members(2, () => ({ weight: Number.POSITIVE_INFINITY })) },
    ]) {
      expect(() => place(bad)).toThrow(MusterError);
    }
  });
});
