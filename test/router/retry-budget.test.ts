import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../src/router/retry-budget.js';
import { routerOf } from './helpers.js';

const spendAll = (budget: RetryBudget, now: number): number => {
  let n = 0;
  while (budget.spend(now)) n += 1;
  return n;
};

describe('the retry budget', () => {
  it('is 10 a second over 10 s without any request', () => {
    const budget = new RetryBudget(5);
    expect(spendAll(budget, 5)).toBe(100);
    expect(spendAll(budget, 9000)).toBe(0);
    expect(spendAll(budget, 10_000)).toBe(100);
  });

  it('is a fifth of the requests more', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 1000; i += 1) budget.sent(i);
    expect(spendAll(budget, 1000)).toBe(300);
  });

  it('does not grow by retries, which are sent as well', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 500; i += 1) budget.sent(0);
    let retries = 0;
    while (budget.spend(0)) {
      budget.sent(0);
      retries += 1;
    }
    expect(retries).toBe(200);
  });

  it('forgets requests and retries after 10 s', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 1000; i += 1) budget.sent(500);
    expect(budget.budget(9999)).toBe(300);
    expect(budget.budget(10_000)).toBe(100);
    for (let now = 10_000; now < 20_000; now += 100) {
      budget.sent(now);
      budget.spend(now);
      budget.sent(now);
    }
    expect([budget.used(19_999), budget.budget(19_999)]).toEqual([100, 120]);
    expect([budget.used(60_000), budget.budget(60_000)]).toEqual([0, 100]);
  });

  it('never lets more through in any window of ten seconds', () => {
    const steps = fc.array(fc.record({ wait: fc.nat(700), requests: fc.nat(30), retries: fc.nat(60) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const budget = new RetryBudget(0);
        const spent: number[] = [];
        const sent: number[] = [];
        let now = 0;
        for (const { wait, requests, retries } of all) {
          now += wait;
          for (let i = 0; i < requests; i += 1) {
            budget.sent(now);
            sent.push(now);
          }
          for (let i = 0; i < retries; i += 1) if (budget.spend(now)) spent.push(now);
          // The window moves in steps of a second: what it surely covers are the last nine.
          const within = (times: readonly number[], ms: number): number =>
            times.filter((at) => at > now - ms).length;
          expect(within(spent, 9000)).toBeLessThanOrEqual(100 + 0.2 * within(sent, 10_000));
        }
      }),
    );
  });

  it('is shown and spent by the router', () => {
    const router = routerOf(2);
    for (let i = 0; i < 50; i += 1) router.sent('n1', 0);
    for (let i = 0; i < 7; i += 1) expect(router.mayRetry(10)).toBe(true);
    expect(router.view(10).retries).toEqual({ used: 7, budget: 110 });
    let more = 0;
    while (router.mayRetry(10)) more += 1;
    expect(more).toBe(103);
    expect(router.view(10).retries).toEqual({ used: 110, budget: 110 });
  });
});
