import { Random } from '../../src/core/random.js';
import type { StrategyName } from '../../src/router/types.js';
import { type Job, p99Of, Stations } from './stations.js';

export interface ClosedLoop {
  readonly strategy: StrategyName;
  /** How many times slower than the others each node is. */
  readonly slowness: readonly number[];
  readonly seed: number;
  /** After half of the requests the last node is gone for good, and everything else stands still for so long, in ms. */
  readonly stallMs?: number;
}

const [callers, workers, serviceMs, jitterMs, learning, measured, retryMs] = [32, 4, 20, 3, 6000, 6000, 5];

/** Virtual time: callers that each ask again as soon as they are answered, as `benchmarks/balance.ts` does on real processes. */
export function closedLoop({ strategy, slowness, seed, stallMs }: ClosedLoop): { p99: number; slow: number } {
  const random = new Random(seed);
  const nodes = slowness.length;
  const takes = (node: number): number => (serviceMs + random.next() * jitterMs) * slowness[node]!;
  const stations = new Stations({ strategy, seed, nodes, workers, takes, use: () => 0.1 });
  const again: { at: number; born: number }[] = [];
  const latencies: number[] = [];
  let now = 0;
  let done = 0;
  let gone = -1;
  let atSlow = 0;

  const lose = ({ ticket, born }: Job): void => {
    stations.router.done(ticket, 'lost', now);
    again.push({ at: now + retryMs, born });
  };
  const send = (born: number): void => {
    const job = stations.send(now, born);
    if (job.node === gone) {
      lose(job);
      return;
    }
    if (job.node === 0 && done >= learning) atSlow += 1;
    stations.take(job, now);
  };
  const end = (job: Job): void => {
    now = job.end;
    stations.finish(job);
    if (done++ >= learning) latencies.push(now - job.born);
    if (stallMs !== undefined && done === learning + measured / 2) {
      gone = nodes - 1;
      for (const lost of stations.empty(gone)) lose(lost);
      stations.stall(stallMs);
    }
    send(now);
  };

  for (let i = 0; i < callers; i += 1) send(0);
  while (done < learning + measured) {
    const next = stations.next()!;
    const retry = again[0];
    if (retry !== undefined && retry.at <= next.end) {
      again.shift();
      now = retry.at;
      send(retry.born);
    } else end(next);
  }
  return { p99: p99Of(latencies), slow: atSlow / measured };
}
