import type { Random } from '../core/random.js';

/** Something that is to happen within a process, and where it comes from. */
interface Arrival {
  readonly source: string;
  readonly run: () => void;
}

/** The life of a process: while it is paused, what comes to it waits; once it has ended, nothing reaches it any more. */
export class Gate {
  alive = true;
  readonly #random: Random;
  #paused = false;
  #backlog: Arrival[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Runs it immediately, after the process is resumed, or never if the process has ended. */
  run(source: string, run: () => void): void {
    if (!this.alive) return;
    if (this.#paused) this.#backlog.push({ source, run });
    else run();
  }

  pause(): void {
    this.#paused = true;
  }

  /** What waited runs now: in order what has one source, and the sources mixed at random, as timers and sockets come up in any order. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const sources = new Map<string, (() => void)[]>();
    for (const { source, run } of this.#backlog) {
      const runs = sources.get(source);
      if (runs === undefined) sources.set(source, [run]);
      else runs.push(run);
    }
    this.#backlog = [];
    let left = [...sources.entries()];
    while (left.length > 0) {
      const [source, runs] = this.#random.pick(left);
      this.run(source, runs.shift() as () => void);
      left = left.filter(([, waiting]) => waiting.length > 0);
    }
  }

  end(): void {
    this.alive = false;
    this.#backlog = [];
  }
}
