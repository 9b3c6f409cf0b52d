import { Random } from '../../src/core/random.js';
import type { Pick, StrategyName } from '../../src/router/types.js';
import { p99Of, Stations } from './stations.js';

export interface SimulationOptions {
  readonly strategy: StrategyName | Pick;
  /** How many times slower than the others each node is. */
  readonly slowness: readonly number[];
  readonly seed: number;
  /** Mean service time of a node of slowness 1, in ms; exponential. */
  readonly serviceMs?: number;
  /** Requests that a node works on at a time; more are queued. */
  readonly workers?: number;
  /** Requests a second, of a Poisson process, as a share of what nodes of slowness 1 could do together. */
  readonly use: number;
  /** What is measured begins after this and ends after that, in ms. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface SimulationResult {
  readonly p99: number;
  /** The share of the requests that each node got. */
  readonly shares: readonly number[];
}

/** Virtual time: requests that a router gives to nodes with a queue and several workers. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { strategy, seed, slowness, serviceMs = 20, workers = 8, use, fromMs, untilMs } = options;
  const nodes = slowness.length;
  const random = new Random(seed);
  const exponential = (mean: number): number => -Math.log(1 - random.next()) * mean;
  const takes = (node: number): number => exponential(serviceMs * slowness[node]!);
  const stations = new Stations({ strategy, seed, nodes, workers, takes, use: (busy) => busy / workers });
  const gapMs = serviceMs / (nodes * workers * use);
  const latencies: number[] = [];
  const counts = new Array<number>(nodes).fill(0);

  let arrival = exponential(gapMs);
  for (;;) {
    const next = stations.next();
    if (next !== null && next.end <= arrival) {
      stations.finish(next);
      if (next.born >= fromMs) latencies.push(next.end - next.born);
      continue;
    }
    // Those that are still under way are waited for: a queue that only grows must show.
    if (arrival > untilMs) {
      if (next === null) break;
      arrival = Number.POSITIVE_INFINITY;
      continue;
    }
    const job = stations.send(arrival);
    if (arrival >= fromMs) counts[job.node]! += 1;
    stations.take(job, arrival);
    arrival += exponential(gapMs);
  }
  const total = counts.reduce((a, b) => a + b, 0);
  return { p99: p99Of(latencies), shares: counts.map((c) => c / total) };
}
