import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastLoaded } from '../../src/router/balancers/least-loaded.js';
import { random } from '../../src/router/balancers/random.js';
import { roundRobin } from '../../src/router/balancers/round-robin.js';
import { twoChoices } from '../../src/router/balancers/two-choices.js';
import { weighted } from '../../src/router/balancers/weighted.js';
import type { Candidate, Strategy } from '../../src/router/types.js';
import { anyCandidates, candidate, chiSquare, ids, requests } from './helpers.js';

const one = (): number => 1;

function count(strategy: Strategy, candidates: readonly Candidate[], times: number, seed = 1): number[] {
  const request = requests(seed);
  const counts = new Map(candidates.map((c) => [c.id, 0]));
  for (let i = 0; i < times; i += 1) {
    const id = strategy.pick(candidates, request);
    counts.set(id, counts.get(id)! + 1);
  }
  return candidates.map((c) => counts.get(c.id)!);
}

describe('random', () => {
  it('gives each node the same share when weights are the same', () => {
    const counts = count(
      random(),
      ids(5).map((id) => candidate(id)),
      20_000,
    );
    // χ² with 4 degrees of freedom is above 18.5 once in a thousand; and a die is never exact.
    const chi = chiSquare(counts, new Array(5).fill(4000));
    expect(chi).toBeLessThan(18.5);
    expect(chi).toBeGreaterThan(0.05);
  });

  it('gives each node the share of its weight', () => {
    const weights = [1, 2, 3, 0.5];
    const counts = count(
      random(),
      weights.map((weight, i) => candidate(`n${i}`, { weight })),
      26_000,
    );
    expect(
      chiSquare(
        counts,
        weights.map((w) => w * 4000),
      ),
    ).toBeLessThan(16.3);
  });
});

describe('round-robin', () => {
  it('takes one after the other, exactly', () => {
    const strategy = roundRobin(one);
    const request = requests(3);
    const all = ids(4).map((id) => candidate(id));
    const picked = Array.from({ length: 12 }, () => strategy.pick(all, request));
    const start = ids(4).indexOf(picked[0]!);
    expect(picked).toEqual(picked.map((_, i) => `n${((start + i) % 4) + 1}`));
  });

  it('starts with any of them', () => {
    const all = ids(4).map((id) => candidate(id));
    const starts = Array.from({ length: 60 }, (_, seed) => roundRobin(one).pick(all, requests(seed)));
    expect(new Set(starts)).toEqual(new Set(ids(4)));
  });

  it('goes on with the next when nodes come and go', () => {
    const strategy = roundRobin(one);
    const request = requests(1);
    const pick = (...of: string[]): string =>
      strategy.pick(
        of.map((id) => candidate(id)),
        request,
      );
    pick('n2');
    expect(pick('n1', 'n2', 'n3', 'n4')).toBe('n3');
    expect(pick('n1', 'n2')).toBe('n1');
    expect(pick('n2', 'n1', 'n0')).toBe('n2');
    expect(pick('n2', 'n1', 'n0')).toBe('n0');
  });

  it('sends a node in slow start its share of a turn', () => {
    const all = [
      ...ids(3).map((id) => candidate(id)),
      candidate('n4', { weight: 0.25, state: 'slow-start' }),
    ];
    const [a, b, c, d] = count(roundRobin(one), all, 13_000) as [number, number, number, number];
    expect(d / a).toBeGreaterThan(0.22);
    expect(d / a).toBeLessThan(0.28);
    expect(Math.abs(b - c)).toBeLessThan(300);
  });
});

describe('weighted', () => {
  const abc = [candidate('a', { weight: 5 }), candidate('b'), candidate('c')];
  const run = (strategy: Strategy, times: number): string =>
    Array.from({ length: times }, () => strategy.pick(abc, requests(1))).join(' ');

  it('makes the sequence of nginx, again and again', () => {
    expect(run(weighted(true), 14)).toBe('a a b a c a a a a b a c a a');
  });

  it('gives every node exactly its weight in each round of the sum of all', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), (weights) => {
        const strategy = weighted(true);
        const all = weights.map((weight, i) => candidate(`n${i}`, { weight }));
        const sum = weights.reduce((a, b) => a + b, 0);
        for (let round = 0; round < 3; round += 1) expect(count(strategy, all, sum)).toEqual(weights);
      }),
    );
  });

  it('gives less to a node that fails, and all of it again when it has recovered', () => {
    const strategy = weighted(true);
    run(strategy, 7);
    for (let i = 0; i < 5; i += 1) strategy.done!('a', false, 0);
    const after = run(strategy, 7).split(' ');
    expect(after.filter((id) => id === 'a').length).toBe(4);
    run(strategy, 40);
    expect(
      run(strategy, 70)
        .split(' ')
        .filter((id) => id === 'a').length,
    ).toBe(50);
  });

  it('does not mind what goes well', () => {
    const strategy = weighted(true);
    run(strategy, 7);
    for (let i = 0; i < 5; i += 1) strategy.done!('a', true, 0);
    expect(run(strategy, 7)).toBe('a a b a c a a');
  });

  it('begins anywhere when weights are measured', () => {
    const all = ids(3).map((id) => candidate(id));
    const starts = Array.from({ length: 60 }, (_, seed) => weighted(false).pick(all, requests(seed)));
    expect(new Set(starts)).toEqual(new Set(ids(3)));
  });
});

describe('least-loaded', () => {
  it('never picks one with more (inflight + 1) / weight than another', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat(), (candidates, seed) => {
        const id = leastLoaded().pick(candidates, requests(seed));
        const of = (c: Candidate): number => (c.inflight + 1) / c.weight;
        const lowest = Math.min(...candidates.map(of));
        expect(of(candidates.find((c) => c.id === id)!)).toBe(lowest);
      }),
    );
  });

  it('picks any of those that are equal, as often', () => {
    const all = [candidate('n0', { inflight: 2 }), ...ids(4).map((id) => candidate(id))];
    const [more, ...equal] = count(leastLoaded(), all, 8000);
    expect(more).toBe(0);
    expect(chiSquare(equal, new Array(4).fill(2000))).toBeLessThan(16.3);
  });
});

describe('two-choices', () => {
  it('takes the lower by latency × (pending + 1) when there are two', () => {
    const slow = candidate('a', { ewmaMs: 30, inflight: 1 });
    const pick = (other: Partial<Candidate>): string =>
      twoChoices(one).pick([slow, candidate('b', other)], requests(1));
    expect(pick({ ewmaMs: 10, inflight: 4 })).toBe('b');
    expect(pick({ ewmaMs: 10, inflight: 6 })).toBe('a');
  });

  it('never takes the worst of three or more, and each of the others', () => {
    const all = [10, 20, 30, 40].map((ewmaMs) => candidate(`n${ewmaMs}`, { ewmaMs }));
    const counts = count(twoChoices(one), all, 12_000);
    // Of the six pairs, the best wins three, the next two, the third one.
    expect(chiSquare(counts.slice(0, 3), [6000, 4000, 2000])).toBeLessThan(13.8);
    expect(counts[3]).toBe(0);
  });

  it('tries one that has not answered yet, once', () => {
    const pick = (inflight: number): string =>
      twoChoices(one).pick([candidate('a', { ewmaMs: 1 }), candidate('new', { inflight })], requests(1));
    expect(pick(0)).toBe('new');
    expect(pick(1)).toBe('a');
  });

  it('counts pending requests also when latencies are nothing', () => {
    const all = [candidate('a', { ewmaMs: 0, inflight: 3 }), candidate('b', { ewmaMs: 0, inflight: 2 })];
    expect(count(twoChoices(one), all, 50)).toEqual([0, 50]);
  });

  it('lets a node in slow start stand aside, also of only two', () => {
    const all = [
      candidate('a', { ewmaMs: 10 }),
      candidate('b', { weight: 0.3, ewmaMs: 1, state: 'slow-start' }),
    ];
    const [, b] = count(twoChoices(one), all, 10_000) as [number, number];
    expect(b).toBeGreaterThan(2800);
    expect(b).toBeLessThan(3200);
  });
});

describe('every strategy', () => {
  const makers = {
    random,
    roundRobin: () => roundRobin(one),
    weighted: () => weighted(true),
    leastLoaded,
    twoChoices: () => twoChoices(one),
  };
  it.each(Object.entries(makers))('%s picks one of the candidates, and only them', (_, make) => {
    fc.assert(
      fc.property(fc.array(anyCandidates, { minLength: 1, maxLength: 5 }), fc.nat(), (lists, seed) => {
        const strategy = make();
        const request = requests(seed);
        for (const list of lists) expect(list.map((c) => c.id)).toContain(strategy.pick(list, request));
      }),
    );
  });
});
