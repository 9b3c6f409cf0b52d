import { settings } from './settings.js';

/**
 * A moving average that takes a peak at once, as Finagle's `PeakEwma` does, in ms. There only time takes a peak away; here each
 * lower sample takes an eighth of the difference (the gain of Jacobson and Karels, "Congestion Avoidance and Control", 1988), and time takes
 * what nobody has confirmed. Else a moment in which all stood still makes all look slow for seconds, and the one that always is slow no slower.
 */
export class PeakEwma {
  #cost = 0;
  #at = Number.NEGATIVE_INFINITY;

  sample(ms: number, now: number): void {
    const cost = this.#decayed(now);
    this.#cost = ms >= cost ? ms : cost + (ms - cost) * settings.peakGain;
    this.#at = Math.max(this.#at, now);
  }

  /** Null before the first sample. */
  read(now: number): number | null {
    return this.#at === Number.NEGATIVE_INFINITY ? null : this.#decayed(now);
  }

  #decayed(now: number): number {
    return this.#cost * Math.exp(-Math.max(0, now - this.#at) / settings.forgetMs);
  }
}

/** A mean over about the last `tauMs`, however irregular its samples; the first one is taken as it is. */
export class Ewma {
  readonly #tauMs: number;
  #mean = 0;
  #at: number | null = null;

  constructor(tauMs: number) {
    this.#tauMs = tauMs;
  }

  sample(value: number, now: number): void {
    if (this.#at === null) this.#mean = value;
    else {
      const age = Math.max(0, now - this.#at);
      // Several within one ms still count.
      this.#mean += (value - this.#mean) * (1 - Math.exp(-Math.max(1, age) / this.#tauMs));
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
