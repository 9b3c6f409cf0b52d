import { limits } from '../../limits.js';
import type { Stream } from './stream.js';

/**
 * What a node sends to learners, over all its partitions: a few at a time, and no more than so many bytes a second, so
 * that clients do not notice. Repair (a partition that lacks replicas) goes before moves.
 *
 * The rate adapts as TCP's does (additive increase, multiplicative decrease: Jacobson, SIGCOMM '88): ticks that come late
 * say that processes wait for the processor, and clients with them.
 */
export class Copies {
  readonly #active = new Set<Stream>();
  /** In bytes a second. */
  #rate: number = limits.copyBytesPerSecond / 4;
  /** Bytes that may be sent now; below 0: wait. */
  #allowance: number = limits.copyBytesLeast / 10;
  #tickedAt: number | null = null;
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

  /** To be called about every `every` ms. */
  tick(now: number, every: number): void {
    const late = this.#tickedAt === null ? 0 : now - this.#tickedAt - every;
    this.#tickedAt = now;
    this.#rate =
      late > every / 2
        ? Math.max(limits.copyBytesLeast, this.#rate / 2)
        : Math.min(limits.copyBytesPerSecond, this.#rate + limits.copyBytesPerSecond / 100);
  }

  /** Is there allowance to send some more at `now`? */
  open(now: number): boolean {
    const elapsed = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = now;
    this.#allowance = Math.min(this.#rate / 10, this.#allowance + (elapsed * this.#rate) / 1000);
    return this.#allowance > 0;
  }

  spend(bytes: number): void {
    this.#allowance -= bytes;
    this.sentBytes += bytes;
  }
}
