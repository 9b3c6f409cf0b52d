import fc from 'fast-check';
import { Random } from '../../src/core/random.js';
import { Router, type RouterOptions } from '../../src/router/router.js';
import type { Candidate, Considered, Outcome, RouteRequest } from '../../src/router/types.js';

export const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `n${i + 1}`);

export const candidate = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  id,
  weight: 1,
  inflight: 0,
  load: null,
  others: 0,
  ewmaMs: null,
  state: 'up',
  ...more,
});

export const requests = (seed: number, key: string | null = null): RouteRequest => {
  const random = new Random(seed);
  return { key, now: 0, random: () => random.next() };
};

/** A router that knows n1 to nN, all up, since time 0. */
export function routerOf(n: number, options: Partial<RouterOptions> = {}): Router {
  const router = new Router({ strategy: 'round-robin', seed: 1, now: 0, ...options });
  router.members(
    ids(n).map((id) => ({ id, state: 'up' })),
    0,
  );
  return router;
}

/** Sends `times` requests to one node, each ending 1 ms later. */
export function strike(router: Router, id: string, outcome: Outcome, now: number, times = 1): void {
  for (let i = 0; i < times; i += 1) router.done(router.sent(id, now), outcome, now + 1);
}

/** How often each node is chosen by this many requests, each of which is answered at once. */
export function shares(router: Router, times: number, now: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < times; i += 1) {
    const { id } = router.choose({ key: null }, now)!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    router.done(router.sent(id, now), 'ok', now);
  }
  return counts;
}

export const stateOf = (router: Router, id: string, now: number): Considered['state'] =>
  router.view(now).nodes.find((node) => node.id === id)!.state;

/** Pearson's χ² of counts against shares. */
export function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, n, i) => sum + (n - expected[i]!) ** 2 / expected[i]!, 0);
}

export const anyCandidates = fc
  .uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 6 }),
      weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
      inflight: fc.nat(50),
      ewmaMs: fc.option(fc.double({ min: 0, max: 500, noNaN: true })),
    }),
    { selector: (c) => c.id, minLength: 1, maxLength: 12 },
  )
  .map((all) => all.map((c) => candidate(c.id, c)));
