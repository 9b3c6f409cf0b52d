import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/router/types.js';
import { routerOf, stateOf, strike } from './helpers.js';

describe('a node that owes an answer', () => {
  it('is silent after 500 ms, and not chosen', () => {
    const router = routerOf(3);
    router.sent('n2', 100);
    expect(stateOf(router, 'n2', 600)).toBe('up');
    expect(stateOf(router, 'n2', 601)).toBe('silent');
    for (let i = 0; i < 30; i += 1) expect(router.choose({ key: null }, 601)!.id).not.toBe('n2');
  });

  it('is out of use within a second of its end, however the requests come', () => {
    for (const strategy of ['random', 'round-robin', 'weighted', 'two-choices', 'hash'] as const) {
      const router = routerOf(3, { strategy });
      const late: number[] = [];
      for (let now = 0; now < 4000; now += 5) {
        const { id } = router.choose({ key: `k${now}` }, now)!;
        const ticket = router.sent(id, now);
        // n1 dies at 1000.
        if (id !== 'n1' || now < 1000) router.done(ticket, 'ok', now + 2);
        else if (now >= 2000) late.push(now);
      }
      // But for one probe a second.
      expect(late.length, strategy).toBeGreaterThanOrEqual(1);
      expect(late.length, strategy).toBeLessThanOrEqual(2);
    }
  });

  it.each(['ok', 'app-error', 'busy', 'error'] as const)(
    'is not silent when %s was heard since',
    (outcome) => {
      const router = routerOf(3);
      router.sent('n2', 0);
      strike(router, 'n2', outcome, 100);
      expect(stateOf(router, 'n2', 10_000)).toBe('up');
      // But of a request sent later, nothing was heard.
      router.sent('n2', 10_000);
      expect(stateOf(router, 'n2', 10_501)).toBe('silent');
    },
  );

  it.each(['lost', 'timeout'] as const)('is silent also when the request ended as %s', (outcome: Outcome) => {
    const router = routerOf(3);
    router.done(router.sent('n2', 0), outcome, 200);
    expect(stateOf(router, 'n2', 501)).toBe('silent');
  });

  it('is back at once when it is heard again', () => {
    const router = routerOf(2);
    const ticket = router.sent('n1', 0);
    expect(stateOf(router, 'n1', 5000)).toBe('silent');
    router.done(ticket, 'ok', 5000);
    expect(router.view(5000).nodes[0]).toMatchObject({ state: 'up', weight: 1 });
    expect([1, 2].map(() => router.choose({ key: null }, 5000)!.id).sort()).toEqual(['n1', 'n2']);
  });

  it('is probed once a second, the first time a second after it fell silent', () => {
    const router = routerOf(3);
    router.sent('n2', 0);
    const probes: number[] = [];
    for (let now = 510; now <= 4600; now += 10) {
      const choice = router.choose({ key: null }, now)!;
      if (choice.id === 'n2') {
        probes.push(now);
        expect(choice.why).toContain('silent');
      }
    }
    expect(probes).toEqual([1500, 2500, 3500, 4500]);
  });

  it('does not get every request where there are few', () => {
    const router = routerOf(2);
    router.sent('n1', 0);
    const chosen = [10, 20, 30, 40, 50, 60].map((s) => router.choose({ key: null }, s * 1000)!.id);
    expect(chosen).toEqual(['n1', 'n2', 'n1', 'n2', 'n1', 'n2']);
  });

  it('is not probed by a retry, nor while it is ejected', () => {
    const router = routerOf(3);
    router.sent('n2', 0);
    expect(router.choose({ key: null, exclude: new Set(['n1']) }, 5000)!.id).toBe('n3');
    const other = routerOf(3);
    strike(other, 'n2', 'lost', 0, 5);
    for (let now = 5000; now < 30_000; now += 500)
      expect(other.choose({ key: null }, now)!.id).not.toBe('n2');
    expect(other.choose({ key: null }, 30_001)!.id).toBe('n2');
  });

  it('is chosen when all others are silent or gone, too', () => {
    const router = routerOf(2);
    router.sent('n1', 0);
    router.sent('n2', 0);
    const choices = [1, 2].map(() => router.choose({ key: null }, 600)!);
    expect(choices.map((c) => c.id).sort()).toEqual(['n1', 'n2']);
    expect(choices[0]!.why).toContain('all remaining nodes are silent');
  });
});
