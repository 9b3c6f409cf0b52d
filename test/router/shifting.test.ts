import { describe, expect, it } from 'vitest';
import type { StrategyName } from '../../src/router/types.js';
import { closedLoop } from './closed-loop.js';
import { type SimulationResult, simulate } from './simulation.js';

const run = (strategy: StrategyName, slowness: readonly number[], seed: number): SimulationResult =>
  simulate({ strategy, slowness, seed, use: 0.4, fromMs: 15_000, untilMs: 40_000 });

/** One of n is four times slower than the others, which is too slow for an equal share. */
const oneSlow = (n: number): number[] => [4, ...new Array<number>(n - 1).fill(1)];
const allFast = (n: number): number[] => new Array<number>(n).fill(1);

describe('a node four times slower than the others', () => {
  it.each([4, 5])('of %i makes the slowest requests of round-robin worse without end', (n) => {
    expect(run('round-robin', oneSlow(n), 1).p99).toBeGreaterThan(10 * run('round-robin', allFast(n), 1).p99);
  });

  it.each([
    ['two-choices', 4, 1],
    ['two-choices', 5, 2],
    ['weighted', 4, 3],
    ['weighted', 5, 4],
  ] as const)(
    'gets so little from %s, of %i nodes, that p99 stays within twice that of fast ones',
    (strategy, n, seed) => {
      const slow = run(strategy, oneSlow(n), seed);
      expect(slow.p99).toBeLessThan(2 * run(strategy, allFast(n), seed).p99);
      // A tenth of what each of the others gets at most, and yet it is not forgotten.
      expect(slow.shares[0]!).toBeLessThan(0.1 * slow.shares[n - 1]!);
      expect(slow.shares[0]!).toBeGreaterThan(0.001);
    },
  );

  it('gets less from least-loaded and two-choices of three nodes, too', () => {
    for (const strategy of ['least-loaded', 'two-choices', 'weighted'] as const)
      expect(run(strategy, oneSlow(3), 5).shares[0]!).toBeLessThan(0.17);
  });

  it('is not imagined: measured weights leave equal nodes equal', () => {
    for (const share of run('weighted', allFast(4), 6).shares) {
      expect(share).toBeGreaterThan(0.23);
      expect(share).toBeLessThan(0.27);
    }
  });
});

describe('a slow node, one that is killed, and a moment in which all stand still', () => {
  const ratio = (strategy: StrategyName, seed: number): number => {
    const healthy = closedLoop({ strategy, slowness: allFast(5), seed });
    const broken = closedLoop({ strategy, slowness: oneSlow(5), seed, stallMs: 60 });
    if (strategy !== 'round-robin') expect(broken.slow).toBeLessThan(0.01);
    return broken.p99 / healthy.p99;
  };

  it.each([1, 2, 3])(
    'leave p99 within twice that of five equal nodes, but for round-robin (seed %i)',
    (seed) => {
      expect(ratio('two-choices', seed)).toBeLessThan(2);
      expect(ratio('weighted', seed)).toBeLessThan(2);
      expect(ratio('round-robin', seed)).toBeGreaterThan(10);
    },
  );
});
