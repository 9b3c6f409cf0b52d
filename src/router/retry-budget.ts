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
  /** Retries that were granted and not yet sent. */
  #granted = 0;
  #bucket: number;

  constructor(now: number) {
    this.#bucket = Math.floor(now / BUCKET_MS);
  }

  /** A granted retry does not count as a request: it must not add to the budget. */
  sent(now: number): void {
    if (this.#granted > 0) this.#granted -= 1;
    else this.#sent[this.#at(now)]! += 1;
  }

  /** True: one retry was taken from the budget, and what is sent next is it. */
  spend(now: number): boolean {
    if (this.used(now) + 1 > this.budget(now)) return false;
    this.#used[this.#at(now)]! += 1;
    this.#granted += 1;
    return true;
  }

  used(now: number): number {
    this.#at(now);
    return sum(this.#used);
  }

  /** Of the window, with what was used of it. */
  budget(now: number): number {
    this.#at(now);
    const always = (settings.retriesPerSecond * settings.retryWindowMs) / 1000;
    return Math.floor(settings.retryShare * sum(this.#sent) + always);
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

const sum = (numbers: Float64Array): number => numbers.reduce((total, n) => total + n, 0);
