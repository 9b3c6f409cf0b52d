import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { Ewma, median, PeakEwma } from '../../src/router/averages.js';
import { Latencies } from '../../src/router/latencies.js';

/** Finagle's `PeakEwma.Metric`, line by line. */
class Finagle {
  #stamp = 0;
  #cost = 0;
  observe(rtt: number, t: number): void {
    const td = Math.max(t - this.#stamp, 0);
    const w = Math.exp(-td / 10_000);
    this.#cost = rtt > this.#cost ? rtt : this.#cost * w + rtt * (1 - w);
    this.#stamp = t;
  }
  get(t: number): number {
    this.observe(0, t);
    return this.#cost;
  }
}

describe('the peak-EWMA', () => {
  it('says what Finagle’s says that is read before each sample', () => {
    const steps = fc.array(
      fc.record({ wait: fc.nat(5000), rtt: fc.double({ min: 0, max: 1000, noNaN: true }) }),
      { maxLength: 50 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const ours = new PeakEwma();
        const theirs = new Finagle();
        let now = 0;
        for (const { wait, rtt } of all) {
          now += wait;
          theirs.get(now);
          theirs.observe(rtt, now);
          ours.sample(rtt, now);
          expect(ours.read(now)!).toBeCloseTo(theirs.get(now), 6);
        }
        if (all.length > 0) expect(ours.read(now + 3000)!).toBeCloseTo(theirs.get(now + 3000), 6);
      }),
    );
  });

  it('takes a higher sample at once, and forgets it by a factor of e in 10 s', () => {
    const peak = new PeakEwma();
    expect(peak.read(5)).toBeNull();
    peak.sample(10, 0);
    peak.sample(1000, 0);
    peak.sample(10, 0);
    expect(peak.read(0)).toBe(1000);
    expect(peak.read(10_000)).toBeCloseTo(1000 / Math.E);
  });
});

describe('the mean', () => {
  it('follows what it is given, over about 3 s', () => {
    const mean = new Ewma();
    for (let now = 0; now <= 1000; now += 10) mean.sample(5, now);
    expect(mean.read(1000)).toBe(5);
    for (let now = 1010; now <= 4000; now += 10) mean.sample(15, now);
    expect(mean.read(4000)!).toBeCloseTo(15 - 10 / Math.E, 1);
  });

  it('says nothing when its last sample is old', () => {
    const mean = new Ewma();
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
