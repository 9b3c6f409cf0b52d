import { settings } from './settings.js';

/**
 * Whether a node owes us a sign of life: a request sent more than 500 ms ago, and no reply of any kind since. A request
 * that its caller gave up is unanswered still.
 */
export class Silence {
  /** When the first request was sent that nothing was heard since; null: something was, or none was sent. */
  #waiting: number | null = null;
  #probed = Number.NEGATIVE_INFINITY;

  sent(now: number): void {
    this.#waiting ??= now;
  }

  heard(): void {
    this.#waiting = null;
  }

  /** Is it silent? */
  at(now: number): boolean {
    return this.#waiting !== null && now - this.#waiting > settings.silentMs;
  }

  /** Is it silent, and due one request to see whether it still is? The first a second after it fell silent. */
  due(now: number): boolean {
    if (this.#waiting === null) return false;
    const last = Math.max(this.#waiting + settings.silentMs, this.#probed);
    return now - last >= settings.probeMs;
  }

  probe(now: number): void {
    this.#probed = now;
  }
}
