import { settings } from './settings.js';

const BUCKET_MS = 1000;
const BUCKETS = settings.retryWindowMs / BUCKET_MS;

/**
 * Retries may be a share of the requests and a few a second besides, over a window that moves in steps of one second
 * (after Finagle's `RetryBudget`). It bounds what retries add only where one layer alone retries.
 */
export class RetryBudget {
  readonly #sent = new Float64Array(BUCKETS);
  readonly #used = new Float64Array(BUCKETS);
  #bucket: number;

  constructor(now: number) {
    this.#bucket = Math.floor(now / BUCKET_MS);
  }

  sent(now: number): void {
    this.#sent[this.#at(now)]! += 1;
  }

  /** True: one retry was taken from the budget. */
  spend(now: number): boolean {
    const at = this.#at(now);
    if (this.used(now) + 1 > this.budget(now)) return false;
    this.#used[at]! += 1;
    return true;
  }

  used(now: number): number {
    this.#at(now);
    return this.#used.reduce((sum, n) => sum + n, 0);
  }

  /** Of the window, with what was used of it. Retries are no requests: they must not earn retries. */
  budget(now: number): number {
    const requests = Math.max(0, this.#sent.reduce((sum, n) => sum + n, 0) - this.used(now));
    return Math.floor(
      settings.retryShare * requests + (settings.retriesPerSecond * settings.retryWindowMs) / 1000,
    );
  }

  /** The present bucket, after those that fell out of the window were emptied. */
  #at(now: number): number {
    const bucket = Math.max(this.#bucket, Math.floor(now / BUCKET_MS));
    for (let n = Math.min(BUCKETS, bucket - this.#bucket), b = bucket; n > 0; n -= 1, b -= 1) {
      this.#sent[b % BUCKETS] = 0;
      this.#used[b % BUCKETS] = 0;
    }
    this.#bucket = bucket;
    return bucket % BUCKETS;
  }
}
