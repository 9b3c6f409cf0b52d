/**
 * What production code takes from the machine besides disk and network: clocks, timers, the turns of the event loop, chance.
 * A process passes `systemRuntime`; the simulator passes virtual time, and stops, stretches and kills it as it likes.
 */
export interface Runtime {
  /** The monotonic clock, in ms. */
  now(): number;
  /** The wall clock, in ms since 1970. It may jump. */
  wall(): number;
  /** A number from 0 up to 1. */
  random(): number;
  /** Calls `run` once, `ms` from now or a little later. */
  after(ms: number, run: () => void): Timer;
  /** Calls `run` every `ms`. */
  every(ms: number, run: () => void): Timer;
  /** Calls `run` when this event has been handled, before the next one. */
  afterEvent(run: () => void): void;
  /** Calls `run` at the end of this turn of the event loop: after what other sockets brought. */
  endOfTurn(run: () => void): void;
  /** Is the rare case to be taken at this point of the code? Never outside the simulator. */
  buggify(point: BuggifyPoint): boolean;
}

export interface Timer {
  cancel(): void;
  /** The process may end before it is due. */
  unref(): void;
}

/**
 * Points at which the simulator makes production code take a path that is right, but rare (the idea is FoundationDB's; Zhou et al.,
 * SIGMOD 2021): what each does when it strikes.
 */
export const buggifyPoints = {
  'checkpoint-skipped': 'a due checkpoint is skipped',
  'checkpoint-small': 'a checkpoint writes two cells at a time',
  'turn-late': 'events wait up to 20 ms for the turn that steps them',
  'frame-alone': 'a message is sent in a frame of its own',
  'frame-late': 'messages wait up to 20 ms for their frame',
  'link-dropped': 'a node closes the connection on which a message has just arrived',
  'dial-late': 'a node waits as long as it ever does before it connects again',
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
