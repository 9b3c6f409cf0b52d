import { invalid } from '../errors.js';
import { settings } from './settings.js';

/** The last latencies, in ms, for percentiles. */
export class Latencies {
  readonly #samples = new Float64Array(settings.samples);
  #sorted = new Float64Array(0);
  #count = 0;
  #sortedAt = 0;

  add(ms: number): void {
    this.#samples[this.#count % settings.samples] = ms;
    this.#count += 1;
  }

  /** The q-quantile (nearest rank), q in [0, 1]; null with fewer than 20 samples. At most 1/16 of them may be too new for it. */
  percentile(q: number): number | null {
    if (!(q >= 0 && q <= 1)) throw invalid('quantile', String(q), 'a number from 0 to 1');
    const length = Math.min(this.#count, settings.samples);
    if (length < settings.samplesLeast) return null;
    // Sorting costs some ten µs, and hedging asks with every request.
    if (this.#sorted.length === 0 || this.#count - this.#sortedAt >= length / 16) {
      this.#sorted = this.#samples.slice(0, length).sort();
      this.#sortedAt = this.#count;
    }
    return this.#sorted[Math.max(0, Math.ceil(q * this.#sorted.length) - 1)]!;
  }
}
