import { Ewma, median } from './averages.js';
import { settings } from './settings.js';
import type { NodeLoad } from './types.js';

/** A node's weight as measured: how much of it is used, how slow it is, how much it owes. */
export class LiveWeight {
  /** 1 for a node like the others. */
  value = 1;
  readonly #use = new Ewma(settings.weightTauMs);
  readonly #latency = new Ewma(settings.weightTauMs);
  readonly #inflight = new Ewma(settings.inflightTauMs);
  /** In-flight × ms since the last interval began, so that its mean over the interval is exact. */
  #area = 0;
  #since: number;
  #begun: number;

  constructor(now: number) {
    this.#since = now;
    this.#begun = now;
  }

  reported(load: NodeLoad, now: number): void {
    this.#use.sample(Math.max(load.cpu, load.loop), now);
  }

  answered(ms: number, now: number): void {
    this.#latency.sample(ms, now);
  }

  /** It took at least so long and did not end; that counts where it is worse than what is known. */
  unanswered(ms: number, now: number): void {
    if (ms > this.#latency.mean) this.#latency.sample(ms, now);
  }

  /** Call before the number in flight changes. */
  held(inflight: number, now: number): void {
    this.#area += inflight * Math.max(0, now - this.#since);
    this.#since = Math.max(this.#since, now);
  }

  /** Ends an interval. */
  close(inflight: number, now: number): void {
    this.held(inflight, now);
    if (now > this.#begun) this.#inflight.sample(this.#area / (now - this.#begun), now);
    this.#area = 0;
    this.#begun = now;
  }

  use(now: number): number | null {
    return this.#use.read(now);
  }

  latency(now: number): number | null {
    return this.#latency.read(now);
  }

  get inflight(): number {
    return this.#inflight.mean;
  }
}

/**
 * Measures all weights anew: 1 / max(ε, use of CPU or event loop, (latency / median)³, in-flight / median), a step at most
 * an interval. Who did not report lately counts as the median of the others. All must be closed at `now`.
 */
export function measure(nodes: readonly LiveWeight[], intervals: number, now: number): void {
  const known = (of: (n: LiveWeight) => number | null): number[] =>
    nodes.map(of).filter((x): x is number => x !== null);
  const middleUse = median(known((n) => n.use(now))) ?? 0;
  const middleLatency = Math.max(median(known((n) => n.latency(now))) ?? 0, settings.leastMs);
  const middleInflight = median(nodes.map((n) => n.inflight)) ?? 0;
  const fall = (1 - settings.weightStep) ** intervals;
  const rise = (1 + settings.weightStep) ** intervals;
  for (const node of nodes) {
    const worst = Math.max(
      settings.leastUse,
      node.use(now) ?? middleUse,
      ((node.latency(now) ?? middleLatency) / middleLatency) ** settings.latencyPower,
      // One more each: with hardly anything under way a single request must not halve a weight.
      (node.inflight + 1) / (middleInflight + 1),
    );
    const wanted = Math.max(settings.leastWeight, 1 / worst);
    node.value = Math.min(node.value * rise, Math.max(node.value * fall, wanted));
  }
}
