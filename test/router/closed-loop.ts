import { Random } from '../../src/core/random.js';
import { Router } from '../../src/router/router.js';
import type { StrategyName } from '../../src/router/types.js';
import { ids } from './helpers.js';

export interface ClosedLoop {
  readonly strategy: StrategyName;
  /** How many times slower than the others each node is. */
  readonly slowness: readonly number[];
  readonly seed: number;
  /** After half of the requests the last node is gone for good, and everything else stands still for so long, in ms. */
  readonly stallMs?: number;
}

interface Job {
  readonly ticket: number;
  readonly sentAt: number;
  /** When its caller began to wait, perhaps for another node. */
  readonly born: number;
  begun: number;
  end: number;
}

const [callers, workers, serviceMs, jitterMs, learning, measured, retryMs] = [32, 4, 20, 3, 6000, 6000, 5];

/** Virtual time: callers that each ask again as soon as they are answered, as `benchmarks/balance.ts` does on real processes. */
export function closedLoop({ strategy, slowness, seed, stallMs }: ClosedLoop): { p99: number; slow: number } {
  const names = ids(slowness.length);
  const random = new Random(seed);
  const router = new Router({ strategy, seed, now: 0 });
  router.members(
    names.map((id) => ({ id, state: 'up' })),
    0,
  );
  const queues: Job[][] = names.map(() => []);
  const busy: Job[][] = names.map(() => []);
  const again: { at: number; born: number }[] = [];
  const latencies: number[] = [];
  let now = 0;
  let done = 0;
  let gone = -1;
  let atSlow = 0;

  const work = (node: number): void => {
    while (busy[node]!.length < workers && queues[node]!.length > 0) {
      const job = queues[node]!.shift()!;
      job.begun = now;
      job.end = now + (serviceMs + random.next() * jitterMs) * slowness[node]!;
      busy[node]!.push(job);
    }
  };
  const lose = ({ ticket, born }: Job): void => {
    router.done(ticket, 'lost', now);
    again.push({ at: now + retryMs, born });
  };
  const send = (born: number): void => {
    const { id } = router.choose({ key: null }, now)!;
    const node = names.indexOf(id);
    const job = { ticket: router.sent(id, now), sentAt: now, born, begun: 0, end: 0 };
    if (node === gone) {
      lose(job);
      return;
    }
    if (node === 0 && done >= learning) atSlow += 1;
    queues[node]!.push(job);
    work(node);
  };
  const end = (job: Job, node: number): void => {
    now = job.end;
    busy[node]!.splice(busy[node]!.indexOf(job), 1);
    work(node);
    const load = { inflight: busy[node]!.length, queued: queues[node]!.length, maxInflight: workers };
    router.done(job.ticket, 'ok', now, { ...load, loop: 0.1, cpu: 0.1, waitedMs: job.begun - job.sentAt });
    if (done++ >= learning) latencies.push(now - job.born);
    if (stallMs !== undefined && done === learning + measured / 2) {
      gone = names.length - 1;
      for (const lost of [...busy[gone]!.splice(0), ...queues[gone]!.splice(0)]) lose(lost);
      for (const jobs of busy) for (const other of jobs) other.end += stallMs;
    }
    send(now);
  };

  for (let i = 0; i < callers; i += 1) send(0);
  while (done < learning + measured) {
    let next: Job | null = null;
    let at = -1;
    for (const [node, jobs] of busy.entries())
      for (const job of jobs)
        if (next === null || job.end < next.end) {
          next = job;
          at = node;
        }
    const retry = again[0];
    if (retry !== undefined && retry.at <= next!.end) {
      again.shift();
      now = retry.at;
      send(retry.born);
    } else end(next!, at);
  }
  latencies.sort((a, b) => a - b);
  return { p99: latencies[Math.ceil(latencies.length * 0.99) - 1]!, slow: atSlow / measured };
}
