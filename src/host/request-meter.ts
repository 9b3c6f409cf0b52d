import type { RequestCounts } from '../client/api.js';
import { latencyBoundsMs } from '../limits.js';

/** Of the bounds, so that the bucket of a latency is found without a search: `latencyBoundsMs[i] = first × 2^(i / perDoubling)`. */
const first = latencyBoundsMs[0]!;
const perDoubling = Math.round(1 / Math.log2(latencyBoundsMs[1]! / first));

/** The index of the bucket of a latency: the first whose bound is not below it; the last has no bound. */
export function bucketOf(ms: number): number {
  if (!(ms > first)) return 0;
  // A hair less, so that a bound itself counts as within its bucket whatever the logarithm rounds to.
  const index = Math.ceil(Math.log2(ms / first) * perDoubling - 1e-9);
  return Math.min(index, latencyBoundsMs.length);
}

/** Counts what a node answered since it started. Nothing is allocated for a request. */
export class RequestMeter {
  #reads = 0;
  #writes = 0;
  #failed = 0;
  readonly #latency: number[] = new Array<number>(latencyBoundsMs.length + 1).fill(0);

  /** A request was answered, `ms` after it was decoded. */
  answered(kind: 'read' | 'write', ms: number): void {
    if (kind === 'read') this.#reads++;
    else this.#writes++;
    this.#latency[bucketOf(ms)]!++;
  }

  /** A request was refused or failed. */
  failed(): void {
    this.#failed++;
  }

  counts(inflight: number): RequestCounts {
    return {
      reads: this.#reads,
      writes: this.#writes,
      failed: this.#failed,
      inflight,
      latency: [...this.#latency],
    };
  }
}
