import { Router } from '../../src/router/router.js';
import type { Pick, StrategyName } from '../../src/router/types.js';
import { ids } from './helpers.js';

/** One attempt at a request, at one node. */
export interface Job {
  readonly ticket: number;
  readonly node: number;
  readonly sentAt: number;
  /** When its caller began to wait, perhaps for another node. */
  readonly born: number;
  /** When a worker takes it, and when it ends. */
  begun: number;
  end: number;
}

export interface StationsOptions {
  readonly strategy: StrategyName | Pick;
  readonly seed: number;
  readonly nodes: number;
  /** Requests that a node works on at a time; more are queued. */
  readonly workers: number;
  /** How long a node takes for a request, in ms. */
  readonly takes: (node: number) => number;
  /** What a node of which so many workers are busy says of its use. */
  readonly use: (busy: number) => number;
}

/** Nodes in virtual time, with a queue and several workers each, and a router that gives requests to them. */
export class Stations {
  readonly router: Router;
  readonly #options: StationsOptions;
  readonly #names: readonly string[];
  readonly #queues: Job[][];
  readonly #busy: Job[][];

  constructor(options: StationsOptions) {
    const { strategy, seed, nodes } = options;
    this.#options = options;
    this.#names = ids(nodes);
    this.#queues = this.#names.map(() => []);
    this.#busy = this.#names.map(() => []);
    this.router = new Router({ strategy, seed, now: 0 });
    this.router.members(
      this.#names.map((id) => ({ id, state: 'up' })),
      0,
    );
  }

  /** Chooses a node; nothing is with it before `take`. */
  send(now: number, born = now): Job {
    const { id } = this.router.choose({ key: null }, now)!;
    const ticket = this.router.sent(id, now);
    return { ticket, node: this.#names.indexOf(id), sentAt: now, born, begun: 0, end: 0 };
  }

  take(job: Job, now: number): void {
    this.#queues[job.node]!.push(job);
    this.#work(job.node, now);
  }

  #work(node: number, now: number): void {
    const { workers, takes } = this.#options;
    const [queue, busy] = [this.#queues[node]!, this.#busy[node]!];
    while (busy.length < workers && queue.length > 0) {
      const job = queue.shift()!;
      job.begun = now;
      job.end = now + takes(node);
      busy.push(job);
    }
  }

  /** The one that ends first; null: none is worked on. */
  next(): Job | null {
    let next: Job | null = null;
    for (const jobs of this.#busy)
      for (const job of jobs) if (next === null || job.end < next.end) next = job;
    return next;
  }

  /** It is done, and the next in the queue begins; the router is told. */
  finish(job: Job): void {
    const { node, end, begun, sentAt, ticket } = job;
    const busy = this.#busy[node]!;
    busy.splice(busy.indexOf(job), 1);
    this.#work(node, end);
    const use = this.#options.use(busy.length);
    this.router.done(ticket, 'ok', end, {
      inflight: busy.length,
      queued: this.#queues[node]!.length,
      maxInflight: this.#options.workers,
      loop: use,
      cpu: use,
      waitedMs: begun - sentAt,
    });
  }

  /** Takes away all that a node has. */
  empty(node: number): Job[] {
    return [...this.#busy[node]!.splice(0), ...this.#queues[node]!.splice(0)];
  }

  /** All that is worked on ends later by so much. */
  stall(ms: number): void {
    for (const jobs of this.#busy) for (const job of jobs) job.end += ms;
  }
}

/** The 99th percentile. */
export function p99Of(latencies: number[]): number {
  latencies.sort((a, b) => a - b);
  return latencies[Math.ceil(latencies.length * 0.99) - 1]!;
}
