import { pause } from '../util/pause.js';
import { type Latencies, Latency } from './latency.js';

/** One kind of operation that a load consists of. */
export interface LoadOperation {
  readonly name: string;
  /** Its share of all operations, beside the others'. */
  readonly weight: number;
  /** Performs it once, for the caller of that number (0, 1, …). Rejects when it fails. */
  readonly run: (caller: number) => Promise<unknown>;
}

export interface LoadOptions {
  readonly operations: readonly LoadOperation[];
  /** How many callers there are; each begins its next operation when its last has ended. */
  readonly callers: number;
  /** How long is measured, in ms. */
  readonly forMs: number;
  /** How long the load runs before that, unmeasured, in ms. */
  readonly warmUpMs: number;
  /** A monotonic clock, in ms with fractions. */
  readonly clock: () => number;
  /** Aborted: the measurement ends early, and the figures are of the time until then. */
  readonly signal?: AbortSignal;
  /** Told four times a second how it goes. */
  readonly progress?: (soFar: LoadSoFar) => void;
}

export interface LoadSoFar {
  readonly phase: 'warm-up' | 'measuring';
  /** Of this phase. */
  readonly elapsedMs: number;
  /** Operations a second, over the time since the last report. */
  readonly perSecond: number;
  readonly errors: number;
}

export interface OperationFigures {
  readonly name: string;
  /** Operations that ended well while it was measured. */
  readonly count: number;
  readonly perSecond: number;
  /** Of every operation begun while it was measured, those that ended later included; null: there was none. */
  readonly latencyMs: Latencies | null;
}

export interface LoadFigures {
  readonly callers: number;
  /** How long was measured, in ms. */
  readonly elapsedMs: number;
  readonly perSecond: number;
  readonly operations: readonly OperationFigures[];
  /** Failed operations by the code (or else the name) of their error, warm-up included. */
  readonly errors: Readonly<Record<string, number>>;
  /** The first of these errors, for whoever wants to know more; null: there was none. */
  readonly firstError: unknown;
}

const REPORT_MS = 250;
/** A caller whose operation failed waits this long, in ms, lest a cluster that is down be asked in a tight loop. */
const PAUSE_AFTER_ERROR_MS = 10;

interface Tally {
  readonly operation: LoadOperation;
  readonly latency: Latency;
  count: number;
}

/**
 * Runs a closed loop of callers and says how fast it went. Resolves when every operation begun has ended; never
 * rejects for one that failed: those are counted.
 */
export async function measureLoad(options: LoadOptions): Promise<LoadFigures> {
  const { callers, forMs, warmUpMs, clock, signal, progress } = options;
  const tallies = options.operations.map(
    (operation): Tally => ({ operation, latency: new Latency(), count: 0 }),
  );
  const errors: Record<string, number> = {};
  let failed = 0;
  let ended = 0;
  let firstError: unknown = null;
  const begin = clock();
  const from = begin + warmUpMs;
  let until = from + forMs;

  const one = async (caller: number, tally: Tally): Promise<void> => {
    const start = clock();
    try {
      await tally.operation.run(caller);
    } catch (error) {
      if (failed++ === 0) firstError = error;
      const name = nameOf(error);
      errors[name] = (errors[name] ?? 0) + 1;
      await pause(PAUSE_AFTER_ERROR_MS);
      return;
    }
    const end = clock();
    ended++;
    if (end >= from && end < until) tally.count++;
    if (start >= from) tally.latency.record(end - start);
  };
  const caller = async (number: number): Promise<void> => {
    const next = inTurn(tallies, number);
    while (clock() < until && signal?.aborted !== true) await one(number, next());
  };

  const onAbort = (): void => {
    until = Math.min(until, clock());
  };
  signal?.addEventListener('abort', onAbort);
  let seen = 0;
  let seenAt = begin;
  const reporter = setInterval(() => {
    const now = clock();
    if (now >= until) return;
    const warming = now < from;
    const perSecond = ((ended - seen) * 1000) / (now - seenAt);
    seen = ended;
    seenAt = now;
    progress?.({
      phase: warming ? 'warm-up' : 'measuring',
      elapsedMs: now - (warming ? begin : from),
      perSecond,
      errors: failed,
    });
  }, REPORT_MS);
  try {
    await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  } finally {
    clearInterval(reporter);
    signal?.removeEventListener('abort', onAbort);
  }

  const elapsedMs = Math.round(Math.max(0, until - from));
  // To a tenth: more digits would only pretend.
  const rate = (count: number): number =>
    elapsedMs === 0 ? 0 : Math.round((count * 10_000) / elapsedMs) / 10;
  const operations = tallies.map(
    ({ operation, latency, count }): OperationFigures => ({
      name: operation.name,
      count,
      perSecond: rate(count),
      latencyMs: latency.summary,
    }),
  );
  const perSecond = rate(operations.reduce((sum, { count }) => sum + count, 0));
  return { callers, elapsedMs, perSecond, operations, errors, firstError };
}

/** Deals the operations out by their weights, evenly, each caller beginning elsewhere so that they do not march in step. */
function inTurn(tallies: readonly Tally[], caller: number): () => Tally {
  const total = tallies.reduce((sum, { operation }) => sum + operation.weight, 0);
  const credit = tallies.map(({ operation }, i) => (operation.weight * (caller + i)) % total);
  return () => {
    let richest = 0;
    for (let i = 0; i < tallies.length; i++) {
      credit[i]! += tallies[i]!.operation.weight;
      if (credit[i]! > credit[richest]!) richest = i;
    }
    credit[richest]! -= total;
    return tallies[richest]!;
  };
}

function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'error';
}
