import { describe, expect, it } from 'vitest';
import { bucketOf, RequestMeter } from '../../src/host/request-meter.js';
import { latencyBoundsMs } from '../../src/limits.js';

describe('the meter of a node’s requests', () => {
  it('puts a latency into the first bucket whose bound is not below it', () => {
    for (const [i, bound] of latencyBoundsMs.entries()) {
      expect(bucketOf(bound)).toBe(i);
      expect(bucketOf(bound * 1.001)).toBe(i + 1);
    }
    expect(bucketOf(0)).toBe(0);
    expect(bucketOf(Number.NaN)).toBe(0);
    expect(bucketOf(1e9)).toBe(latencyBoundsMs.length);
  });

  it('counts reads, writes and failures apart, and latencies of what was answered', () => {
    const meter = new RequestMeter();
    meter.answered('read', 0.05);
    meter.answered('write', 0.05);
    meter.answered('write', 60_000);
    meter.failed();
    const counts = meter.counts(7);
    expect(counts).toMatchObject({ reads: 1, writes: 2, failed: 1, inflight: 7 });
    expect(counts.latency).toHaveLength(latencyBoundsMs.length + 1);
    expect([counts.latency[0], counts.latency.at(-1)]).toEqual([2, 1]);
    meter.answered('read', 1);
    expect(counts.reads).toBe(1);
  });
});
