import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/router/types.js';
import { ids, routerOf, shares, stateOf, strike } from './helpers.js';

/** Who is out, of all that the router knows. */
const out = (router: ReturnType<typeof routerOf>, now: number): string[] =>
  router
    .view(now)
    .nodes.filter((node) => node.state === 'ejected')
    .map((node) => node.id);

describe('ejection', () => {
  it.each(['error', 'lost'] as const)('follows the fifth %s in a row, not the fourth', (outcome) => {
    const router = routerOf(3);
    strike(router, 'n2', outcome, 0, 4);
    expect(stateOf(router, 'n2', 10)).toBe('up');
    strike(router, 'n2', outcome, 10);
    expect(stateOf(router, 'n2', 20)).toBe('ejected');
    expect([...shares(router, 90, 20).keys()].sort()).toEqual(['n1', 'n3']);
  });

  it.each(['ok', 'app-error', 'busy'] as const)('does not follow when %s came between', (outcome) => {
    const router = routerOf(3);
    strike(router, 'n2', 'error', 0, 4);
    strike(router, 'n2', outcome, 5);
    strike(router, 'n2', 'error', 10, 4);
    expect(out(router, 20)).toEqual([]);
    strike(router, 'n2', 'error', 20);
    expect(out(router, 30)).toEqual(['n2']);
  });

  it.each(['app-error', 'busy', 'timeout'] as const)('never follows %s', (outcome: Outcome) => {
    const router = routerOf(3);
    strike(router, 'n2', outcome, 0, 100);
    expect(out(router, 10)).toEqual([]);
    expect(router.view(10).nodes[1]).toMatchObject({ requests: 100, errors: 0, ejections: 0 });
  });

  it('lasts 30 s the first time, then 60 s, and never more than 5 min', () => {
    const router = routerOf(3);
    let now = 0;
    const lengths: number[] = [];
    for (let time = 1; time <= 12; time += 1) {
      strike(router, 'n1', 'error', now, 5);
      const until = router.view(now + 1).nodes[0]!.untilMs!;
      expect([stateOf(router, 'n1', until - 1), stateOf(router, 'n1', until)]).toEqual([
        'ejected',
        'slow-start',
      ]);
      lengths.push((until - now - 1) / 1000);
      now = until;
    }
    expect(lengths).toEqual([30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
    expect(router.view(now).nodes[0]).toMatchObject({ ejections: 12, errors: 60 });
  });

  it('is forgotten after ten good minutes', () => {
    const router = routerOf(3);
    strike(router, 'n1', 'error', 0, 5);
    strike(router, 'n1', 'error', 30_001 + 600_001, 5);
    expect(router.view(640_000).nodes[0]!.untilMs).toBe(30_001 + 600_001 + 1 + 30_000);
  });

  it('is not made longer by errors of requests that were under way', () => {
    // Two of twenty may be out, so that no lack of room hides it.
    const router = routerOf(20);
    const tickets = Array.from({ length: 20 }, () => router.sent('n1', 0));
    for (const ticket of tickets) router.done(ticket, 'error', 1);
    expect(router.view(2).nodes[0]).toMatchObject({ ejections: 1, untilMs: 30_001, errors: 20 });
  });

  it('ends slowly: a tenth of the weight, then all of it after 10 s', () => {
    const weightAt = (now: number): number => {
      const router = routerOf(3, { strategy: 'random' });
      strike(router, 'n1', 'error', 0, 5);
      return router.view(now).nodes[0]!.weight;
    };
    expect(weightAt(30_001)).toBeCloseTo(0.1);
    expect(weightAt(35_001)).toBeCloseTo(0.55);
    expect(weightAt(40_001)).toBe(1);
    for (const strategy of ['random', 'round-robin', 'weighted', 'two-choices'] as const) {
      const router = routerOf(3, { strategy });
      strike(router, 'n1', 'error', 0, 5);
      const first = shares(router, 6000, 30_001).get('n1')! / 6000;
      expect(first, strategy).toBeGreaterThan(0.02);
      expect(first, strategy).toBeLessThan(0.12);
    }
  });

  it('takes at most a tenth of the nodes, and at least one', () => {
    for (const [nodes, most] of [
      [2, 1],
      [9, 1],
      [19, 1],
      [20, 2],
      [35, 3],
    ] as const) {
      const router = routerOf(nodes);
      for (const id of ids(nodes)) strike(router, id, 'error', 0, 5);
      expect(out(router, 10).length).toBe(most);
    }
  });

  it('takes the next one as soon as there is room again', () => {
    const router = routerOf(4);
    strike(router, 'n1', 'error', 0, 5);
    strike(router, 'n2', 'error', 0, 7);
    expect(out(router, 10)).toEqual(['n1']);
    strike(router, 'n2', 'error', 30_001);
    expect(out(router, 30_002)).toEqual(['n2']);
  });

  it('counts for nothing when fewer than half of the nodes are healthy', () => {
    const router = routerOf(3);
    strike(router, 'n1', 'error', 0, 5);
    expect(router.choose({ key: null }, 10)!.id).not.toBe('n1');
    // A second of three is silent now: one is healthy.
    router.sent('n2', 10);
    const chosen = shares(router, 20, 900);
    expect(chosen.get('n1')).toBe(10);
    expect(chosen.get('n3')).toBe(10);
    expect(router.choose({ key: null }, 900)!.why).toContain('half');
  });

  it('leaves the only node there is in use', () => {
    const router = routerOf(1);
    strike(router, 'n1', 'error', 0, 5);
    expect(stateOf(router, 'n1', 10)).toBe('ejected');
    expect(router.choose({ key: null }, 10)!.id).toBe('n1');
  });

  it('gives way before nobody is chosen, but not to a node that was excluded', () => {
    const router = routerOf(2);
    strike(router, 'n1', 'error', 0, 5);
    expect(router.choose({ key: null, exclude: new Set(['n2']) }, 10)!.id).toBe('n1');
    expect(router.choose({ key: null, exclude: new Set(['n1', 'n2']) }, 10)).toBeNull();
  });
});
