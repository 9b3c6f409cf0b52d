import type { Random } from '../core/random.js';
import { type BuggifyPoint, buggifyPoints, type Runtime, type Timer } from '../os/runtime.js';
import type { Gate } from './gate.js';
import type { EventQueue } from './queue.js';

/** The wall clock when virtual time begins, in ms since 1970. */
const beginning = 1_700_000_000_000;

/** How often a point strikes that is armed in a run. */
const strikes: Readonly<Record<BuggifyPoint, number>> = {
  'checkpoint-skipped': 0.5,
  'checkpoint-small': 0.5,
  'turn-late': 0.05,
  'frame-alone': 0.5,
  'frame-late': 0.05,
  'link-dropped': 0.001,
  'dial-late': 0.2,
};

export interface SimRuntimeOptions {
  readonly queue: EventQueue;
  readonly gate: Gate;
  readonly random: Random;
  /** The monotonic clock runs so much faster than virtual time: 1 is as fast. */
  readonly rate: number;
  /** The points at which rare cases are taken in this run. */
  readonly buggify: ReadonlySet<BuggifyPoint>;
  /** Told of each rare case that is taken. */
  readonly struck: (point: BuggifyPoint) => void;
}

/** The machine of one process in virtual time. */
export class SimRuntime implements Runtime {
  readonly #options: SimRuntimeOptions;
  #offset: number;

  constructor(options: SimRuntimeOptions) {
    this.#options = options;
    this.#offset = options.random.between(0, 1e6);
  }

  now(): number {
    return this.#offset + this.#options.queue.now * this.#options.rate;
  }

  wall(): number {
    return beginning + this.#options.queue.now;
  }

  random(): number {
    return this.#options.random.next();
  }

  /** The machine was suspended for so long: both clocks stood still, and the wall clock has been set right since. */
  suspended(ms: number): void {
    this.#offset -= ms * this.#options.rate;
  }

  after(ms: number, run: () => void): Timer {
    const { queue, gate, rate } = this.#options;
    let cancelled = false;
    const go = (): void => {
      if (!cancelled) run();
    };
    queue.after(ms / rate, () => gate.run('timers', go));
    return {
      cancel: () => {
        cancelled = true;
      },
      unref: () => {},
    };
  }

  every(ms: number, run: () => void): Timer {
    const { queue, gate, rate } = this.#options;
    let cancelled = false;
    let due = false;
    const go = (): void => {
      due = false;
      if (!cancelled) run();
    };
    const next = (): void =>
      queue.after(ms / rate, () => {
        if (cancelled || !gate.alive) return;
        // A process that stands still for several periods finds the timer due once.
        if (!due) {
          due = true;
          gate.run('timers', go);
        }
        next();
      });
    next();
    return {
      cancel: () => {
        cancelled = true;
      },
      unref: () => {},
    };
  }

  afterEvent(run: () => void): void {
    const { queue, gate } = this.#options;
    queue.after(0, () => gate.run('turns', run));
  }

  endOfTurn(run: () => void): void {
    const { queue, gate, random } = this.#options;
    queue.after(random.next() * 0.2, () => gate.run('turns', run));
  }

  buggify(point: BuggifyPoint): boolean {
    const { buggify, random, struck } = this.#options;
    if (!buggify.has(point) || !random.chance(strikes[point])) return false;
    struck(point);
    return true;
  }
}

/** The points that are armed in a run: each in every fourth. */
export function armedPoints(random: Random): ReadonlySet<BuggifyPoint> {
  const points = Object.keys(buggifyPoints) as BuggifyPoint[];
  return new Set(points.filter(() => random.chance(0.25)));
}
