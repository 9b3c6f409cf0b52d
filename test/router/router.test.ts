import { describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { Router } from '../../src/router/router.js';
import type { Candidate, StrategyName } from '../../src/router/types.js';
import { ids, routerOf, shares, stateOf, strike } from './helpers.js';

function usage(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError);
    expect((error as MusterError).code).toBe('usage');
    return (error as MusterError).message;
  }
  throw new Error('nothing was thrown');
}

describe('the router', () => {
  it('refuses an unknown strategy and says which there are', () => {
    for (const name of ['best', 'toString', '']) {
      const said = usage(() => routerOf(2, { strategy: name as StrategyName }));
      for (const known of ['random', 'round-robin', 'weighted', 'least-loaded', 'two-choices', 'hash'])
        expect(said).toContain(known);
    }
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a weight of %d and says whose',
    (weight) => {
      expect(usage(() => routerOf(2, { strategy: 'weighted', weights: { n1: 1, n2: weight } }))).toContain(
        'n2',
      );
    },
  );

  it('knows nobody at first, and nobody when all are draining or excluded', () => {
    const router = new Router({ strategy: 'random', seed: 1, now: 0 });
    expect(router.choose({ key: null }, 0)).toBeNull();
    router.members(
      [
        { id: 'n1', state: 'draining' },
        { id: 'n2', state: 'up' },
      ],
      0,
    );
    expect(router.choose({ key: null }, 0)!.id).toBe('n2');
    expect(router.choose({ key: null, exclude: new Set(['n2']) }, 0)).toBeNull();
  });

  it('makes the sequence of nginx by given weights', () => {
    const router = routerOf(3, { strategy: 'weighted', weights: { n1: 5 } });
    const picked = Array.from({ length: 7 }, () => {
      const { id } = router.choose({ key: null }, 0)!;
      router.done(router.sent(id, 0), 'ok', 1);
      return id;
    });
    expect(picked).toEqual(['n1', 'n1', 'n2', 'n1', 'n3', 'n1', 'n1']);
  });

  it.each(['random', 'round-robin', 'weighted', 'least-loaded', 'two-choices', 'hash'] as const)(
    'is the same with %s for the same seed, and spreads what comes',
    (strategy) => {
      const run = (seed: number): string[] => {
        const router = routerOf(4, { strategy, seed });
        return Array.from({ length: 200 }, (_, i) => {
          const { id } = router.choose({ key: strategy === 'hash' ? `k${i}` : null }, i)!;
          router.done(router.sent(id, i), 'ok', i + 3);
          return id;
        });
      };
      expect(run(7)).toEqual(run(7));
      expect(new Set(run(7)).size).toBe(4);
    },
  );

  it('counts what is under way until it ends, once', () => {
    const router = routerOf(2, { strategy: 'least-loaded' });
    const a = router.sent('n1', 0);
    const b = router.sent('n1', 0);
    const inflight = (): number => router.view(0).nodes[0]!.inflight;
    expect(inflight()).toBe(2);
    router.done(a, 'ok', 1);
    router.done(a, 'ok', 1);
    expect(inflight()).toBe(1);
    router.done(b, 'timeout', 1);
    router.done(999, 'ok', 1);
    expect(inflight()).toBe(0);
  });

  it('takes a redirect to a node that it does not know', () => {
    const router = routerOf(1);
    router.done(router.sent('elsewhere', 0), 'lost', 5);
    expect(router.view(5).nodes.map((n) => n.id)).toEqual(['n1']);
  });

  it('begins slowly with a node that comes later or comes back, not with the first ones', () => {
    const router = routerOf(2, { strategy: 'random' });
    expect(router.view(0).nodes.map((n) => n.state)).toEqual(['up', 'up']);
    const all = ids(3).map((id) => ({ id, state: 'up' as const }));
    router.members(all, 1000);
    expect(router.view(1000).nodes[2]).toMatchObject({ state: 'slow-start', untilMs: 11_000 });
    expect(router.view(1000).nodes[2]!.weight).toBeCloseTo(0.1);
    expect(stateOf(router, 'n3', 11_000)).toBe('up');
    const few = shares(router, 5000, 1000).get('n3')!;
    expect(few).toBeGreaterThan(150);
    expect(few).toBeLessThan(330);
    router.members(all.slice(1), 20_000);
    router.members(all, 21_000);
    expect(router.view(21_000).nodes.map((n) => n.state)).toEqual(['slow-start', 'up', 'up']);
  });

  it('forgets what a node was that went and came back, also what ends only then', () => {
    const router = routerOf(2);
    const two = ids(2).map((id) => ({ id, state: 'up' as const }));
    const old = router.sent('n2', 0);
    strike(router, 'n2', 'error', 0, 4);
    router.members(two.slice(0, 1), 100);
    router.members(two, 200);
    router.done(old, 'error', 300);
    expect(router.view(300).nodes[1]).toMatchObject({ inflight: 0, requests: 0, errors: 0, ejections: 0 });
    strike(router, 'n2', 'error', 300, 4);
    expect(stateOf(router, 'n2', 400)).toBe('slow-start');
  });

  it('tells what it considered', () => {
    const router = new Router({ strategy: 'least-loaded', weights: { n1: 2 }, seed: 1, now: 0 });
    router.members(
      ids(6).map((id) => ({ id, state: id === 'n3' ? 'draining' : 'up' })),
      0,
    );
    strike(router, 'n4', 'error', 0, 5);
    strike(router, 'n1', 'ok', 2);
    router.sent('n5', 2);
    const load = { inflight: 3, queued: 1, maxInflight: 8, loop: 0.5, cpu: 0.2, waitedMs: 0 };
    router.done(router.sent('n6', 500), 'ok', 520, load);
    const choice = router.choose({ key: null, exclude: new Set(['n2']) }, 520)!;
    expect(choice.id).toBe('n1');
    const considered = choice.considered();
    expect(considered.map(({ id, state, score }) => [id, state, score])).toEqual([
      ['n1', 'up', 0.5],
      ['n2', 'excluded', null],
      ['n3', 'draining', null],
      ['n4', 'ejected', null],
      ['n5', 'silent', null],
      ['n6', 'up', 1],
    ]);
    expect(considered[5]).toMatchObject({ load, ewmaMs: 20, inflight: 0, weight: 1 });
    expect(considered[0]!.ewmaMs).toBeCloseTo(Math.exp(-0.0517));
    expect(considered[1]!.ewmaMs).toBeNull();
    expect(choice.why).not.toBe('');
  });

  it('is not changed by looking', () => {
    const run = (look: boolean): string[] => {
      const router = routerOf(3, { strategy: 'two-choices' });
      return Array.from({ length: 300 }, (_, i) => {
        const choice = router.choose({ key: null }, i * 10)!;
        if (look) {
          choice.considered();
          router.view(i * 10 + 5000);
        }
        router.done(router.sent(choice.id, i * 10), 'ok', i * 10 + (i % 7));
        return choice.id;
      });
    };
    expect(run(true)).toEqual(run(false));
  });

  it('measures latency by ok replies for percentiles', () => {
    const router = routerOf(2);
    for (let i = 0; i < 20; i += 1) router.done(router.sent('n1', 0), 'app-error', 900);
    expect(router.percentile(0.5)).toBeNull();
    for (let i = 1; i <= 100; i += 1) router.done(router.sent('n1', 1000), 'ok', 1000 + i);
    expect(router.percentile(0.95)).toBe(95);
  });

  it('does not take a quick refusal or error for a quick node', () => {
    const router = routerOf(2);
    strike(router, 'n1', 'busy', 0, 3);
    strike(router, 'n1', 'error', 0, 3);
    expect(router.view(1).nodes[0]!.ewmaMs).toBeNull();
    router.done(router.sent('n1', 0), 'timeout', 300);
    expect(router.view(300).nodes[0]!.ewmaMs).toBe(300);
  });
});

describe('a strategy of one’s own', () => {
  it('chooses among the candidates by what they are', () => {
    const seen: (readonly Candidate[])[] = [];
    const router = routerOf(3, {
      strategy: (candidates, request) => {
        seen.push(candidates.map((c) => ({ ...c })));
        expect(request.random()).toBeLessThan(1);
        return candidates.find((c) => c.id === request.key)!.id;
      },
    });
    strike(router, 'n1', 'error', 0, 5);
    expect(router.choose({ key: 'n3' }, 10)!.id).toBe('n3');
    expect(seen[0]!.map((c) => c.id)).toEqual(['n2', 'n3']);
    expect(seen[0]![0]).toEqual({
      id: 'n2',
      weight: 1,
      inflight: 0,
      others: 0,
      load: null,
      ewmaMs: null,
      state: 'up',
    });
    expect(router.view(10).strategy).toBe('custom');
  });

  it.each([
    ['an unknown id', () => 'n9', 'n9'],
    ['a node that is no candidate', () => 'n1', 'n1'],
    ['nothing', () => undefined as unknown as string, 'undefined'],
    ['a symbol', () => Symbol('x') as unknown as string, 'Symbol'],
  ])('that returns %s is an error that says so', (_, strategy, said) => {
    const router = routerOf(3, { strategy });
    const message = usage(() => router.choose({ key: null, exclude: new Set(['n1']) }, 0));
    expect(message).toContain(said);
    expect(message).toContain('n2, n3');
  });

  it('that throws is an error that says what', () => {
    const router = routerOf(2, {
      strategy: () => {
        throw new TypeError('no such thing');
      },
    });
    expect(usage(() => router.choose({ key: null }, 0))).toContain('no such thing');
  });

  it('may sort and empty the list that it is given', () => {
    const router = routerOf(3, { strategy: (candidates) => (candidates as Candidate[]).pop()!.id });
    expect([1, 2].map(() => router.choose({ key: null }, 0)!.id)).toEqual(['n3', 'n3']);
  });
});
