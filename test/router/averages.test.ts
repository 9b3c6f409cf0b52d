import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { Ewma, median, PeakEwma } from '../../src/router/averages.js';
import { Latencies } from '../../src/router/latencies.js';

describe('the average that takes a peak at once', () => {
  it('stays between the least and the most of its samples, and is forgotten by a factor of e in 10 s', () => {
    const samples = fc.array(fc.double({ min: 1, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, (all) => {
        const peak = new PeakEwma();
        expect(peak.read(5)).toBeNull();
        for (const ms of all) {
          peak.sample(ms, 0);
          expect(peak.read(0)!).toBeGreaterThanOrEqual(ms);
        }
        expect(peak.read(0)!).toBeLessThanOrEqual(Math.max(...all));
        expect(peak.read(10_000)!).toBeCloseTo(peak.read(0)! / Math.E);
      }),
    );
  });

  it('goes back to the usual within some twenty samples, be they quick or slow to come', () => {
    for (const everyMs of [1, 100]) {
      const peak = new PeakEwma();
      for (let i = 1; i <= 20; i += 1) peak.sample(20, i * everyMs);
      peak.sample(200, 20 * everyMs);
      expect(peak.read(20 * everyMs)).toBe(200);
      for (let i = 21; i <= 40; i += 1) peak.sample(20, i * everyMs);
      expect(peak.read(40 * everyMs)!).toBeLessThan(35);
    }
  });
});

describe('the mean', () => {
  it('follows what it is given, over about 3 s', () => {
    const mean = new Ewma(3000);
    for (let now = 0; now <= 1000; now += 10) mean.sample(5, now);
    expect(mean.read(1000)).toBe(5);
    for (let now = 1010; now <= 4000; now += 10) mean.sample(15, now);
    expect(mean.read(4000)!).toBeCloseTo(15 - 10 / Math.E, 1);
  });

  it('says nothing when its last sample is old', () => {
    const mean = new Ewma(3000);
    mean.sample(5, 0);
    expect([mean.read(5000), mean.read(5001)]).toEqual([5, null]);
  });
});

describe('the median', () => {
  it('is the middle, or between the two middle ones', () => {
    expect([median([]), median([3]), median([10, 2]), median([10, 9, 100])]).toEqual([null, 3, 6, 10]);
  });
});

describe('percentiles', () => {
  it('are unknown with fewer than 20 samples', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 19; i += 1) latencies.add(i);
    expect(latencies.percentile(0.5)).toBeNull();
    latencies.add(19);
    expect([0, 0.5, 0.95, 1].map((q) => latencies.percentile(q))).toEqual([0, 9, 18, 19]);
  });

  it('are of the recent ones', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 2000; i += 1) latencies.add(1);
    expect(latencies.percentile(1)).toBe(1);
    for (let i = 0; i < 512; i += 1) latencies.add(100 + i);
    expect(latencies.percentile(0)).toBe(100);
    expect(latencies.percentile(1)).toBe(611);
  });

  it('lag behind by a sixteenth at most', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 512; i += 1) latencies.add(1);
    latencies.percentile(1);
    for (let i = 0; i < 32; i += 1) latencies.add(9);
    expect(latencies.percentile(1)).toBe(9);
  });

  it.each([-0.1, 1.1, 99, Number.NaN])('refuse %d', (q) => {
    expect(() => new Latencies().percentile(q)).toThrow(MusterError);
  });
});
