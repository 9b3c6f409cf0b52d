import { limits } from '../../limits.js';
import type { Stream } from './stream.js';

/**
 * What a node sends to learners, over all its partitions: a few at a time, and no more than so many bytes a second, so
 * that clients do not notice. Repair (a partition that lacks replicas) goes before moves.
 */
export class Copies {
  readonly #active = new Set<Stream>();
  /** Bytes that may be sent now; below 0: wait. */
  #allowance: number = limits.copyBytesPerSecond / 10;
  #filledAt: number | null = null;
  /** Sent to learners by this process, in bytes. */
  sentBytes = 0;

  /** May this learner be caught up now? If so it keeps its place until `release`. */
  admit(stream: Stream, repair: boolean): boolean {
    if (this.#active.has(stream)) return true;
    if (this.#active.size >= (repair ? limits.repairsAtOnce : limits.movesAtOnce)) return false;
    this.#active.add(stream);
    return true;
  }

  admitted(stream: Stream): boolean {
    return this.#active.has(stream);
  }

  release(stream: Stream): void {
    this.#active.delete(stream);
  }

  /** Is there allowance to send some more at `now`? */
  open(now: number): boolean {
    const most = limits.copyBytesPerSecond / 10;
    const elapsed = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = now;
    this.#allowance = Math.min(most, this.#allowance + (elapsed * limits.copyBytesPerSecond) / 1000);
    return this.#allowance > 0;
  }

  spend(bytes: number): void {
    this.#allowance -= bytes;
    this.sentBytes += bytes;
  }
}
