import { describe, expect, it } from 'vitest';
import { LiveWeight, measure } from '../../src/router/live-weight.js';
import { routerOf } from './helpers.js';

interface Told {
  readonly use?: number;
  readonly ms?: number;
  readonly inflight?: number;
}

/** Nodes that are like this for so many seconds, measured for the ten intervals of each. Returns their weights after each. */
function seconds(
  nodes: readonly LiveWeight[],
  told: readonly Told[],
  from: number,
  until: number,
): number[][] {
  const weights: number[][] = [];
  for (let s = from; s < until; s += 1) {
    const now = (s + 1) * 1000;
    for (const [i, { use, ms, inflight }] of told.entries()) {
      const node = nodes[i]!;
      if (use !== undefined)
        node.reported(
          { inflight: 0, queued: 0, maxInflight: 8, loop: use, cpu: use / 2, waitedMs: 0 },
          now - 10,
        );
      if (ms !== undefined) node.answered(ms, now - 10);
      node.close(inflight ?? 1, now);
    }
    measure(nodes, 10, now);
    weights.push(nodes.map((node) => node.value));
  }
  return weights;
}
const fresh = (n: number): LiveWeight[] => Array.from({ length: n }, () => new LiveWeight(0));

describe('measured weights', () => {
  it('are 1 / the third power of latency relative to the median', () => {
    const last = seconds(fresh(3), [{ ms: 40 }, { ms: 10 }, { ms: 10 }], 0, 30).at(-1)!;
    expect(last[0]).toBeCloseTo(1 / 64, 4);
    expect(last[1]).toBeCloseTo(1);
  });

  it('change by a tenth each 100 ms at most, down and up', () => {
    const nodes = fresh(3);
    const down = seconds(nodes, [{ ms: 100 }, { ms: 10 }, { ms: 10 }], 0, 4).map((w) => w[0]!);
    for (const [i, w] of down.entries()) expect(w).toBeCloseTo(Math.max(0.01, 0.9 ** (10 * (i + 1))));
    const up = seconds(nodes, [{ ms: 10 }, { ms: 10 }, { ms: 10 }], 4, 40).map((w) => w[0]!);
    for (let i = 1; i < up.length; i += 1) expect(up[i]! / up[i - 1]!).toBeLessThanOrEqual(1.1 ** 10 + 1e-9);
    expect(up.at(-1)).toBeCloseTo(1, 1);
  });

  it('fall with what is under way, even when nothing is answered any more', () => {
    const last = seconds(fresh(3), [{ inflight: 19 }, { inflight: 1 }, { inflight: 1 }], 0, 30).at(-1)!;
    expect(last[0]).toBeLessThan(0.15);
    expect(last[1]).toBeCloseTo(1);
  });

  it('fall with the use of CPU or event loop, where the others are quicker and idle', () => {
    // The second is quick: what limits it is how much of it is used.
    const busy = seconds(
      fresh(3),
      [
        { ms: 10, use: 0.5 },
        { ms: 5, use: 0.9, inflight: 0 },
        { ms: 10, use: 0.5 },
      ],
      0,
      30,
    ).at(-1)!;
    const idle = seconds(
      fresh(3),
      [
        { ms: 10, use: 0.5 },
        { ms: 5, use: 0.1, inflight: 0 },
        { ms: 10, use: 0.5 },
      ],
      0,
      30,
    ).at(-1)!;
    expect(busy[1]).toBeCloseTo(1 / 0.9);
    expect(idle[1]).toBeCloseTo(2);
  });

  it('go back to the median when a node has said nothing for long', () => {
    const nodes = fresh(3);
    seconds(nodes, [{ ms: 40 }, { ms: 10 }, { ms: 10 }], 0, 30);
    expect(nodes[0]!.value).toBeCloseTo(1 / 64, 4);
    seconds(nodes, [{}, { ms: 10 }, { ms: 10 }], 30, 34);
    expect(nodes[0]!.value).toBeCloseTo(1 / 64, 4);
    seconds(nodes, [{}, { ms: 10 }, { ms: 10 }], 34, 50);
    expect(nodes[0]!.value).toBeCloseTo(1);
  });

  it('stay above nothing', () => {
    expect(seconds(fresh(3), [{ ms: 1e9 }, { ms: 1 }, { ms: 1 }], 0, 60).at(-1)![0]).toBe(0.01);
  });

  it('are used by weighted without given weights, and by nothing else', () => {
    const run = (options: Parameters<typeof routerOf>[1]): number => {
      const router = routerOf(3, options);
      for (let now = 0; now < 20_000; now += 20) {
        const { id } = router.choose({ key: null }, now)!;
        router.done(router.sent(id, now), 'ok', now + (id === 'n1' ? 40 : 10));
      }
      return router.view(20_000).nodes[0]!.weight;
    };
    expect(run({ strategy: 'weighted' })).toBeCloseTo(1 / 64, 2);
    expect(run({ strategy: 'weighted', weights: { n2: 1 } })).toBe(1);
    expect(run({ strategy: 'random' })).toBe(1);
  });

  it('catch up with the intervals in which nobody asked', () => {
    const router = routerOf(3, { strategy: 'weighted' });
    for (const id of ['n1', 'n2', 'n3']) router.done(router.sent(id, 0), 'ok', id === 'n1' ? 100 : 10);
    router.choose({ key: null }, 3500);
    expect(router.view(3500).nodes[0]!.weight).toBeCloseTo(0.9 ** 35);
  });
});
