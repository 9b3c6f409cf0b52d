/**
 * What production code takes from the machine besides disk and network: clocks, timers, turns of the event loop, randomness. A process
 * passes `systemRuntime`. The simulator passes virtual time, which it can stop, delay and end.
 */
export interface Runtime {
  /** The monotonic clock, in ms. */
  now(): number;
  /** The wall clock, in ms since 1970. It may jump. */
  wall(): number;
  /** A random number from 0 to below 1. */
  random(): number;
  /** Calls `run` once, `ms` from now or a little later. */
  after(ms: number, run: () => void): Timer;
  /** Calls `run` every `ms`. */
  every(ms: number, run: () => void): Timer;
  /** Calls `run` after this event has been handled and before the next one. */
  afterEvent(run: () => void): void;
  /** Calls `run` at the end of this turn of the event loop: after the events of other sockets. */
  endOfTurn(run: () => void): void;
  /** Should the code take the rare path at this point? Always false outside the simulator. */
  buggify(point: BuggifyPoint): boolean;
}

export interface Timer {
  cancel(): void;
  /** The process may end before it is due. */
  unref(): void;
}

/**
 * Failure points: places where the simulator makes production code take a path that is correct but rare (as in FoundationDB: Zhou et
 * al., SIGMOD 2021), each with its effect.
 */
export const buggifyPoints = {
  'checkpoint-skipped': 'a checkpoint that is due is skipped',
  'checkpoint-small': 'a checkpoint writes two cells at a time',
  'turn-late': 'events wait up to 20 ms for their turn',
  'frame-alone': 'a message is sent in a frame of its own',
  'frame-late': 'messages wait up to 20 ms for their frame',
  'link-dropped': 'a node closes the connection on which a message has just arrived',
  'dial-late': 'a node waits for the maximum time before it reconnects',
} as const satisfies Record<string, string>;
export type BuggifyPoint = keyof typeof buggifyPoints;

const timer = (handle: NodeJS.Timeout, clear: (handle: NodeJS.Timeout) => void): Timer => ({
  cancel: () => clear(handle),
  unref: () => void handle.unref(),
});

/** The machine that this process runs on. */
export const systemRuntime: Runtime = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => timer(setTimeout(run, ms), clearTimeout),
  every: (ms, run) => timer(setInterval(run, ms), clearInterval),
  afterEvent: (run) => process.nextTick(run),
  endOfTurn: (run) => void setImmediate(run),
  buggify: () => false,
};
