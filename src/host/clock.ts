import { type Runtime, systemRuntime } from '../os/runtime.js';

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
  readonly #runtime: Runtime;
  #lead: number;
  #basedAt: number;

  constructor(runtime: Runtime = systemRuntime) {
    this.#runtime = runtime;
    this.#basedAt = runtime.now();
    this.#lead = runtime.wall() - this.#basedAt;
  }

  now(): number {
    return this.#runtime.now();
  }

  /** True when the machine slept since the last call. */
  slept(): boolean {
    const now = this.#runtime.now();
    const lead = this.#runtime.wall() - now;
    const slept = lead - this.#lead > sleepMs;
    // Many short sleeps add up: the base moves on only now and then.
    if (slept || lead < this.#lead || now - this.#basedAt > baseMs) {
      this.#lead = lead;
      this.#basedAt = now;
    }
    return slept;
  }
}
