import { beforeEach, describe, expect, test } from 'vitest';
import { Liveness } from '../../src/core/liveness.js';
import { Random } from '../../src/core/random.js';
import { provenAnswers, Reachability } from '../../src/core/reachability.js';
import { limits } from '../../src/limits.js';

describe('a link', () => {
  let links: Reachability;
  /** So many heartbeats, of which these are answered. */
  const beat = (count: number, answered: (n: number) => boolean, at = 0): void => {
    for (let n = 0; n < count; n++) {
      links.sent('n2');
      if (answered(n)) links.answered('n2', at);
    }
  };
  const isGood = (now = 0, least = 1): boolean => links.isGood('n2', now, 400, least);
  beforeEach(() => {
    links = new Reachability();
  });

  test('that answered its first heartbeat is good, and proven only after several', () => {
    expect([isGood(), links.answeredAt('n2')]).toEqual([false, Number.NEGATIVE_INFINITY]);
    for (let n = 1; n <= provenAnswers; n++) {
      expect(isGood(0, provenAnswers)).toBe(false);
      beat(1, () => true);
      expect([n, isGood()]).toEqual([n, true]);
    }
    expect(isGood(0, provenAnswers)).toBe(true);
  });

  test('is good for as long as its last answer is new, and what counts is when that came', () => {
    beat(6, () => true, 100);
    expect([isGood(499), isGood(500), links.answeredAt('n2')]).toEqual([true, false, 100]);
    beat(1, () => true, 450);
    expect([isGood(849), isGood(850), links.answeredAt('n2')]).toEqual([true, false, 450]);
  });

  test('that loses one heartbeat in twenty is good; one that loses half is not, and recovers', () => {
    beat(100, (n) => n % 20 !== 0);
    expect(isGood()).toBe(true);
    beat(100, (n) => n % 2 === 0);
    expect(isGood()).toBe(false);
    beat(20, () => true);
    expect(isGood()).toBe(true);
    // What was good for long is lost as fast as what was good for a while.
    beat(1000, () => true);
    beat(6, () => false);
    expect(isGood()).toBe(false);
  });

  test('counts nothing of an earlier connection', () => {
    beat(10, () => true);
    links.forget('n2');
    expect([isGood(), links.answeredAt('n2')]).toEqual([false, Number.NEGATIVE_INFINITY]);
    beat(1, () => true);
    expect([isGood(), isGood(0, 2)]).toEqual([true, false]);
  });
});

describe('the liveness of a node', () => {
  const lossMs = 300;
  const opinion = { silent: ['n9'], back: [] };
  test('grows while it is heard, ends when it is silent, and begins anew', () => {
    const liveness = new Liveness();
    let now = 1000;
    const tick = (ms: number): void => {
      now += ms;
      liveness.tick(now, ['n2'], lossMs);
    };
    const state = (): unknown => [liveness.silentMs('n2'), liveness.heardMs('n2')];
    liveness.told('n2', opinion);
    expect([...(state() as number[]), liveness.opinionFrom('n2')]).toEqual([0, 0, null]);
    // One that was never heard is not heard for the time of grace before.
    tick(0);
    expect(state()).toEqual([lossMs, 0]);
    liveness.heard('n2');
    tick(1);
    expect([...(state() as number[]), liveness.opinionFrom('n2')]).toEqual([1, 1, opinion]);
    liveness.tick(now, ['n2'], 1);
    expect([...(state() as number[]), liveness.opinionFrom('n2')]).toEqual([1, 0, null]);
    liveness.heard('n2');
    tick(50);
    expect([...(state() as number[]), liveness.opinionFrom('n2')]).toEqual([50, 50, opinion]);
    tick(100);
    tick(100);
    expect(state()).toEqual([250, 250]);
    tick(50);
    expect([...(state() as number[]), liveness.opinionFrom('n2')]).toEqual([300, 0, null]);
    tick(100);
    expect(state()).toEqual([400, 0]);
    liveness.heard('n2');
    tick(10);
    expect(state()).toEqual([10, 10]);
    // A clock that went back, and one that stood still.
    tick(-500);
    expect(state()).toEqual([10, 10]);
    tick(10_000);
    expect(state()).toEqual([10 + limits.livenessStepMs, 10 + limits.livenessStepMs]);
  });
});

describe('the generator of random numbers', () => {
  test('gives the same numbers for the same seed everywhere, and others for another', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 4 }, () => random.uint32());
    };
    expect(draw(1)).toEqual(reference(1));
    expect(draw(2 ** 40 + 7)).toEqual(reference(2 ** 40 + 7));
    expect(draw(7)).not.toEqual(draw(2 ** 40 + 7));
    const random = new Random(1);
    const fork = random.fork();
    const [first, second] = reference(1) as [number, number];
    expect(fork.uint32()).toBe(new Random(first + second * 2 ** 20).uint32());
  });

  test('draws evenly from the range that is asked for', () => {
    const random = new Random(3);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[random.below(4)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    const between = Array.from({ length: 1000 }, () => random.between(10, 20));
    expect(Math.min(...between)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...between)).toBeLessThan(20);
    expect(between.reduce((a, b) => a + b) / 1000).toBeCloseTo(15, 0);
    const hits = Array.from({ length: 1000 }, () => random.chance(0.2)).filter(Boolean).length;
    expect(Math.abs(hits - 200)).toBeLessThan(50);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    class Least extends Random {
      override next(): number {
        return 0;
      }
    }
    expect([new Least(1).chance(0), new Least(1).chance(1e-9)]).toEqual([false, true]);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])))).toEqual(
      new Set(['a', 'b', 'c']),
    );
  });
});

/** The first four numbers of sfc32 from this seed, by big integers: slow, and written apart from the generator. */
function reference(seed: number): number[] {
  const mask = 0xffff_ffffn;
  let [a, b, c, counter] = [BigInt(seed) & mask, BigInt(seed) >> 32n, 0x9e37_79b9n, 1n];
  const numbers: number[] = [];
  for (let i = 0; i < 16; i++) {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) & mask) | (c >> 11n)) + sum;
    c &= mask;
    if (i >= 12) numbers.push(Number(sum));
  }
  return numbers;
}
