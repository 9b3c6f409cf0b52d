import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Latencies in ms, to three digits. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How long things took, in ms, to three digits. */
export class Latency {
  readonly #micros: RecordableHistogram = createHistogram({ figures: 3 });

  get count(): number {
    return this.#micros.count;
  }

  record(ms: number): void {
    this.#micros.record(Math.max(1, Math.round(ms * 1000)));
  }

  /** The percentile, 0 to 100; null: nothing was recorded. */
  at(percentile: number): number | null {
    return this.count === 0 ? null : this.#micros.percentile(percentile) / 1000;
  }

  get summary(): Latencies | null {
    if (this.count === 0) return null;
    const at = (percentile: number): number => this.#micros.percentile(percentile) / 1000;
    return { p50: at(50), p95: at(95), p99: at(99), max: this.#micros.max / 1000 };
  }
}
