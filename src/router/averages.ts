import { settings } from './settings.js';

/**
 * Peak-EWMA as in Finagle (`com.twitter.finagle.loadbalancer.PeakEwma`): a higher sample is taken at once, then it
 * decays by e^(−Δ/τ). As a read there is an observation of 0, and each sample comes after one, all that remains of
 * `cost·w + rtt·(1 − w)` is the larger of the decayed cost and the sample; so looking changes nothing. In ms.
 */
export class PeakEwma {
  #cost = 0;
  #at = Number.NEGATIVE_INFINITY;

  sample(ms: number, now: number): void {
    this.#cost = Math.max(ms, this.#decayed(now));
    this.#at = Math.max(this.#at, now);
  }

  /** Null before the first sample. */
  read(now: number): number | null {
    return this.#at === Number.NEGATIVE_INFINITY ? null : this.#decayed(now);
  }

  #decayed(now: number): number {
    return this.#cost * Math.exp(-Math.max(0, now - this.#at) / settings.peakMs);
  }
}

/** A mean over about the last τ ms, however irregular its samples; the first one is taken as it is. */
export class Ewma {
  #mean = 0;
  #at: number | null = null;

  sample(value: number, now: number): void {
    if (this.#at === null) this.#mean = value;
    else {
      const age = Math.max(0, now - this.#at);
      // Several within one ms still count.
      this.#mean += (value - this.#mean) * (1 - Math.exp(-Math.max(1, age) / settings.weightTauMs));
    }
    this.#at = now;
  }

  get mean(): number {
    return this.#mean;
  }

  /** Null without a sample that is young enough. */
  read(now: number): number | null {
    return this.#at === null || now - this.#at > settings.staleMs ? null : this.#mean;
  }
}

/** The middle one, or the mean of the two middle ones; null of nothing. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
