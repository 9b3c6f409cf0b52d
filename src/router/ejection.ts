import { settings } from './settings.js';

/**
 * Outlier ejection (after Envoy's consecutive errors): who fails five times in a row is out for 30 s × times ejected.
 * How many may be out at a time the caller decides.
 */
export class Ejection {
  /** Errors in a row, none while it is out. */
  #row = 0;
  /** Ejections that lengthen the next one. */
  #times = 0;
  /** When the last one ends, or ended. */
  #until = Number.NEGATIVE_INFINITY;
  /** All there were. */
  count = 0;

  out(now: number): boolean {
    return now < this.#until;
  }

  get until(): number {
    return this.#until;
  }

  replied(): void {
    this.#row = 0;
  }

  /** True: it is to be ejected. */
  failed(now: number): boolean {
    if (this.out(now)) return false;
    this.#row += 1;
    return this.#row >= settings.ejectAfter;
  }

  eject(now: number): void {
    if (now - this.#until > settings.ejectForgetMs) this.#times = 0;
    this.#times += 1;
    this.count += 1;
    this.#row = 0;
    this.#until = now + Math.min(settings.ejectMostMs, settings.ejectMs * this.#times);
  }
}

/** How many of so many nodes may be out at a time. */
export function mostOut(nodes: number): number {
  return Math.max(1, Math.floor(nodes * settings.ejectShare));
}
