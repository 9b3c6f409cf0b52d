import type { Look, Observer } from '../cluster/observe/observer.js';
import type { Overview } from '../cluster/observe/overview.js';
import { PlainLog } from './plain.js';

/** Events that wait for a slow reader, at most. */
const EVENTS = 10_000;

export interface StreamOptions {
  readonly observer: Observer;
  /** Ends after this many refreshes; null: runs until `signal`. */
  readonly count: number | null;
  readonly signal: AbortSignal;
  readonly take: (look: Look) => Promise<void>;
}

/** Gives look after look to `take`, waiting for it; looks made meanwhile become one, with all that happened. Gives the last. */
async function eachLook({ observer, count, signal, take }: StreamOptions): Promise<Look | null> {
  let last: Look | null = null;
  let taken = 0;
  await new Promise<void>((resolve, reject) => {
    let busy = false;
    let waiting: Look | null = null;
    const next = (look: Look): void => {
      if (count !== null && taken >= count) return;
      busy = true;
      last = look;
      waiting = null;
      take(look).then(() => {
        busy = false;
        if (++taken === count) resolve();
        if (waiting !== null) next(waiting);
      }, reject);
    };
    observer.subscribe((look) => {
      const missed = waiting?.events ?? [];
      if (busy) waiting = { ...look, events: [...missed, ...look.events].slice(-EVENTS) };
      else next(look);
    });
    signal.addEventListener('abort', () => resolve(), { once: true });
    observer.start();
  });
  return last;
}

type Shared = Omit<StreamOptions, 'take'> & { readonly write: (text: string) => Promise<void> };

/** A plain log, for a pipe or a file. */
export async function watchPlain(options: Shared & { readonly everyMs: number }): Promise<void> {
  const log = new PlainLog(options.everyMs);
  await eachLook({
    ...options,
    take: async (look) => {
      for (const line of log.lines(look)) await options.write(`${line}\n`);
    },
  });
}

/** What a line of `--ndjson` holds. */
export type WatchLine = Pick<Look, 'at' | 'state' | 'problem' | 'events'> & {
  readonly overview: Overview | null;
};

const lineOf = ({ at, state, problem, events, overview }: Look): WatchLine => ({
  at,
  state,
  problem,
  events,
  overview,
});

/** Each look as a line of JSON. */
export async function watchNdjson(options: Shared): Promise<void> {
  await eachLook({ ...options, take: (look) => options.write(`${JSON.stringify(lineOf(look))}\n`) });
}

/** The last of `count` looks. */
export async function watchLast(options: Omit<StreamOptions, 'take'>): Promise<WatchLine | null> {
  const last = await eachLook({ ...options, take: async () => {} });
  return last === null ? null : lineOf(last);
}
