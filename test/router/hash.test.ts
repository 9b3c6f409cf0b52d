import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash } from '../../src/router/balancers/hash.js';
import type { Candidate } from '../../src/router/types.js';
import { candidate, chiSquare, ids, requests, routerOf, strike } from './helpers.js';

const one = (_id: string): number => 1;
const keys = Array.from({ length: 3000 }, (_, i) => `key:${i}`);

/** Where each key goes while nothing is under way. */
function places(members: readonly string[], candidates: readonly Candidate[], base = one): string[] {
  const strategy = hash(base);
  strategy.members!(members);
  return keys.map((key) => strategy.pick(candidates, requests(1, key)));
}
const of = (names: readonly string[]): Candidate[] => names.map((id) => candidate(id));

/** Puts these keys on nodes, none of which ends. Returns where each went. */
function fill(
  names: readonly string[],
  some: readonly string[],
  weights: Readonly<Record<string, number>> = {},
): string[] {
  const base = (id: string): number => weights[id] ?? 1;
  const strategy = hash(base);
  strategy.members!(names);
  const inflight = new Map(names.map((id) => [id, 0]));
  return some.map((key) => {
    const all = names.map((id) => candidate(id, { inflight: inflight.get(id)!, weight: base(id) }));
    const id = strategy.pick(all, requests(1, key));
    inflight.set(id, inflight.get(id)! + 1);
    return id;
  });
}

describe('hash', () => {
  it('sends the same key to the same node, whatever the order of the candidates', () => {
    const first = places(ids(5), of(ids(5)));
    expect(places(ids(5).reverse(), of(ids(5)).reverse())).toEqual(first);
    expect(new Set(first).size).toBe(5);
  });

  it('moves only the keys of a node that is out or gone, and they come back with it', () => {
    const all = places(ids(5), of(ids(5)));
    const rest = ids(5).filter((id) => id !== 'n3');
    const out = places(ids(5), of(rest));
    const gone = places(rest, of(rest));
    for (const [i, id] of all.entries()) {
      if (id !== 'n3') expect([out[i], gone[i]]).toEqual([id, id]);
    }
    // Those that moved went to all of the others, not to one.
    expect(new Set(out.filter((_, i) => all[i] === 'n3')).size).toBe(4);
  });

  it('loads no node above (1 + ε) of its share, rounded up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(9),
        (n, much, kinds) => {
          // Few different keys are the worst for a hash: without the bound all would be on one node.
          const some = Array.from({ length: much }, (_, i) => `k${i % (kinds + 1)}`);
          const loads = new Map<string, number>();
          for (const [i, id] of fill(ids(n), some).entries()) {
            loads.set(id, (loads.get(id) ?? 0) + 1);
            expect(loads.get(id)!).toBeLessThanOrEqual((1.25 * (i + 1)) / n + 1);
          }
        },
      ),
    );
  });

  it('holds that bound for each weight', () => {
    const weights = { n1: 3, n2: 1, n3: 1 };
    const counts = new Map<string, number>();
    for (const id of fill(ids(3), new Array(500).fill('one key'), weights))
      counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(counts.get('n1')!).toBeLessThanOrEqual(1.25 * 300 + 1);
    expect(counts.get('n1')!).toBeGreaterThan(100);
    for (const id of ['n2', 'n3']) expect(counts.get(id) ?? 0).toBeLessThanOrEqual(1.25 * 100 + 1);
  });

  it('moves, of a full cluster, the keys of a node that goes and those over the bound', () => {
    const some = keys.slice(0, 400);
    const before = fill(ids(5), some);
    const after = fill(
      ids(5).filter((id) => id !== 'n5'),
      some,
    );
    const own = before.filter((id) => id === 'n5').length;
    const moved = before.filter((id, i) => id !== after[i]).length;
    expect(moved).toBeGreaterThanOrEqual(own);
    // Modulo hashing would move four fifths, 320.
    expect(moved).toBeLessThan(own + 0.25 * 400);
  });

  it('gives a node of twice the weight twice the keys', () => {
    const base = (id: string): number => (id === 'n1' ? 2 : 1);
    const at = places(
      ids(4),
      ids(4).map((id) => candidate(id, { weight: base(id) })),
      base,
    );
    const own = at.filter((id) => id === 'n1').length / keys.length;
    expect(own).toBeGreaterThan(0.32);
    expect(own).toBeLessThan(0.48);
  });

  it('gives a node in slow start more and more of its keys, and takes none of them back', () => {
    const rest = of(['n1', 'n2']);
    const at = (weight: number): string[] =>
      places(ids(3), [...rest, candidate('n3', { weight, state: weight < 1 ? 'slow-start' : 'up' })]);
    const stages = [0.1, 0.4, 0.7, 1].map(at);
    const own = stages.map((stage) => stage.filter((id) => id === 'n3').length);
    for (const [i, share] of [0.1, 0.4, 0.7].entries()) expect(own[i]! / own[3]!).toBeCloseTo(share, 1);
    for (let i = 1; i < stages.length; i += 1) {
      for (const [k, id] of stages[i - 1]!.entries()) if (id === 'n3') expect(stages[i]![k]).toBe('n3');
    }
  });

  it('takes any node for a request without a key', () => {
    const strategy = hash(one);
    const request = requests(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i += 1) {
      const id = strategy.pick(of(ids(3)), request);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(chiSquare([...counts.values()], [2000, 2000, 2000])).toBeLessThan(13.8);
  });

  it('asks a silent node by one of its own keys, so that no other key moves', () => {
    const router = routerOf(3, { strategy: 'hash' });
    const home = new Map(keys.slice(0, 200).map((key) => [key, router.choose({ key }, 0)!.id]));
    router.sent('n2', 0);
    strike(router, 'n1', 'ok', 1);
    strike(router, 'n3', 'ok', 1);
    const own: string[] = [];
    for (const [key, id] of home) {
      const now = router.choose({ key }, 5000)!.id;
      if (id === 'n2') own.push(now);
      else expect(now).toBe(id);
    }
    expect(own.filter((id) => id === 'n2').length).toBe(1);
    expect(own.length).toBeGreaterThan(20);
  });
});
