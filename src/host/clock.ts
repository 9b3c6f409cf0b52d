import { performance } from 'node:perf_hooks';

/** How far wall time may run ahead of the monotonic clock between two looks before it counts as sleep, in ms. */
const sleepMs = 500;
/** For how long what the wall clock gains counts as one sleep, in ms: longer than any lease. */
const baseMs = 3000;

/**
 * The monotonic clock of a node, in ms; and a watch for the machine having slept, when that clock stands still while
 * time goes on and every lease looks fresher than it is (PROTOCOL R12). Setting the wall clock forward looks the same: it
 * costs one round of beacons.
 */
export class HostClock {
  #lead = Date.now() - performance.now();
  #basedAt = performance.now();

  now(): number {
    return performance.now();
  }

  /** True when the machine slept since the last call. */
  slept(): boolean {
    const now = performance.now();
    const lead = Date.now() - now;
    const slept = lead - this.#lead > sleepMs;
    // Many short sleeps add up: the base moves on only now and then.
    if (slept || lead < this.#lead || now - this.#basedAt > baseMs) {
      this.#lead = lead;
      this.#basedAt = now;
    }
    return slept;
  }
}
