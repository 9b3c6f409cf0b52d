import { Random } from '../../src/core/random.js';
import { Router } from '../../src/router/router.js';
import type { Pick, StrategyName } from '../../src/router/types.js';
import { ids } from './helpers.js';

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

interface Job {
  readonly ticket: number;
  readonly node: number;
  readonly born: number;
  /** When a worker takes it, and when it ends. */
  begun: number;
  end: number;
}

/** Virtual time: requests that a router gives to nodes with a queue and several workers. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { slowness, serviceMs = 20, workers = 8, use, fromMs, untilMs } = options;
  const n = slowness.length;
  const names = ids(n);
  const random = new Random(options.seed);
  const exponential = (mean: number): number => -Math.log(1 - random.next()) * mean;
  const router = new Router({ strategy: options.strategy, seed: options.seed, now: 0 });
  router.members(
    names.map((id) => ({ id, state: 'up' })),
    0,
  );
  const gapMs = serviceMs / (n * workers * use);
  const queues: Job[][] = names.map(() => []);
  const busy: Job[][] = names.map(() => []);
  const latencies: number[] = [];
  const counts = new Array<number>(n).fill(0);

  const begin = (node: number, now: number): void => {
    while (busy[node]!.length < workers && queues[node]!.length > 0) {
      const job = queues[node]!.shift()!;
      job.begun = now;
      job.end = now + exponential(serviceMs * slowness[node]!);
      busy[node]!.push(job);
    }
  };
  let arrival = exponential(gapMs);
  for (;;) {
    let next: Job | null = null;
    for (const jobs of busy) for (const job of jobs) if (next === null || job.end < next.end) next = job;
    if (next !== null && next.end <= arrival) {
      const { node, end, born } = next;
      busy[node]!.splice(busy[node]!.indexOf(next), 1);
      begin(node, end);
      const working = busy[node]!.length;
      const share = working / workers;
      router.done(next.ticket, 'ok', end, {
        inflight: working,
        queued: queues[node]!.length,
        maxInflight: workers,
        loop: share,
        cpu: share,
        waitedMs: next.begun - next.born,
      });
      if (born >= fromMs) latencies.push(end - born);
      continue;
    }
    // Those that are still under way are waited for: a queue that only grows must show.
    if (arrival > untilMs) {
      if (next === null) break;
      arrival = Number.POSITIVE_INFINITY;
      continue;
    }
    const { id } = router.choose({ key: null }, arrival)!;
    const node = names.indexOf(id);
    queues[node]!.push({ ticket: router.sent(id, arrival), node, born: arrival, begun: 0, end: 0 });
    if (arrival >= fromMs) counts[node]! += 1;
    begin(node, arrival);
    arrival += exponential(gapMs);
  }
  latencies.sort((a, b) => a - b);
  const total = counts.reduce((a, b) => a + b, 0);
  return {
    p99: latencies[Math.ceil(latencies.length * 0.99) - 1]!,
    shares: counts.map((c) => c / total),
  };
}
