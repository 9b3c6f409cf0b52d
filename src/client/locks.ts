import type { AcquireResult } from '../core/machine/locks.js';
import type { Operation, OpResult, QueryResult, Row } from '../core/machine/types.js';
import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { Runtime, Timer } from '../os/runtime.js';
import { writeDuration } from '../text/duration.js';
import type { CallOptions, HeldLock, LockOptions, LockView } from './api.js';
import { checkKey } from './checks.js';
import { listRows, type RowsQuery } from './rows.js';

/** What locks need of the client. */
export interface LockCalls {
  readonly timeoutMs: number;
  readonly runtime: Runtime;
  /** Rejects as every call does; `outcome-unknown` with `details.operation`. */
  write(op: Operation, options: CallOptions): Promise<OpResult & { ok: true }>;
  read(
    where: string | number,
    query: { type: 'lock'; key: string } | { type: 'await'; key: string; ticket: string } | RowsQuery,
    options: CallOptions,
  ): Promise<QueryResult>;
  partitions(): Promise<number>;
}

type LockRow = Extract<Row, { kind: 'lock' }>;

const lockOf = (result: QueryResult): LockRow | null => {
  const row = result.type === 'rows' ? result.rows[0]?.[1] : undefined;
  return row?.kind === 'lock' ? row : null;
};

const viewOf = (name: string, row: LockRow): LockView => ({
  name,
  permits: row.permits,
  holders: row.holders.map(({ token, ttl }) => ({ token, ttlMs: ttl })),
  waiting: row.queue.length,
});

export async function showLock(
  calls: LockCalls,
  name: string,
  options: CallOptions = {},
): Promise<LockView | null> {
  checkKey(name);
  const row = lockOf(await calls.read(name, { type: 'lock', key: name }, options));
  return row === null ? null : viewOf(name, row);
}

export async function listLocks(calls: LockCalls, options: CallOptions = {}): Promise<LockView[]> {
  const found = await listRows(calls, 'lock', options, (_, name, row) =>
    row.kind === 'lock' ? viewOf(name, row) : null,
  );
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** Clocks of holder and primary may differ by so much of a time to live. */
const DRIFT = 0.02;

function checkOptions({ ttlMs, waitMs = 0, permits = 1 }: LockOptions): void {
  const { lockTtlLeastMs: least, lockTtlMostMs: most } = limits;
  if (!Number.isFinite(ttlMs) || ttlMs < least || ttlMs > most)
    throw invalid(
      'lock TTL',
      `${ttlMs}ms`,
      `a duration from ${writeDuration(least)} to ${writeDuration(most)}`,
    );
  if (!(waitMs >= 0)) throw invalid('wait', `${waitMs}ms`, 'a duration of 0 or more');
  if (!Number.isSafeInteger(permits) || permits < 1 || permits > limits.lockPermits)
    throw invalid('permit count', String(permits), `a whole number from 1 to ${limits.lockPermits}`);
}

/** A moment on both clocks: the monotonic one stands still while the machine sleeps, the other may be set back. */
interface Moment {
  readonly mono: number;
  readonly wall: number;
}

/** Taken at once: the start on one clock can not be reckoned from the other when the machine slept since. */
const moment = (runtime: Runtime): Moment => ({ mono: runtime.now(), wall: runtime.wall() });

/** Milliseconds since then, by the clock that says more. */
const since = (runtime: Runtime, { mono, wall }: Moment): number =>
  Math.max(runtime.now() - mono, runtime.wall() - wall);

const held = (name: string): MusterError =>
  new MusterError('lock-held', `timed out waiting for lock ${name}`, { details: { key: name } });

/**
 * Takes the lock, waiting in its queue for up to `waitMs`. Rejects with `lock-held`, `interrupted`, or as every call does. Whoever is
 * rejected does not hold it: what was got is given back, and only an `outcome-unknown` says that it may stay taken until its time is over.
 */
export async function acquireLock(calls: LockCalls, name: string, options: LockOptions): Promise<HeldLock> {
  checkKey(name);
  checkOptions(options);
  const { waitMs = 0, permits = 1, signal } = options;
  const ttlMs = Math.round(options.ttlMs);
  const begin = moment(calls.runtime);
  const callMs = Math.max(waitMs, options.timeoutMs ?? calls.timeoutMs);
  let ticket: string;
  let token: number | null;
  try {
    const op = { type: 'acquire', key: name, ttl: ttlMs, wait: waitMs > 0, permits } as const;
    const result = await calls.write(op, { timeoutMs: callMs });
    ({ ticket, token } = JSON.parse(result.value as string) as AcquireResult);
  } catch (error) {
    await leaveUnknown(calls, name, error);
    throw error;
  }
  // From the sending on: granted it was later.
  let certain = begin;
  while (token === null) {
    if (signal?.aborted || calls.runtime.now() - begin.mono >= waitMs) {
      await calls.write({ type: 'leave', key: name, ticket }, {}).catch(() => {});
      if (signal?.aborted)
        throw new MusterError('interrupted', 'interrupted while waiting for the lock', { tookEffect: 'no' });
      throw held(name);
    }
    const lock = await awaitTurn(calls, name, ticket).catch(async (error: unknown) => {
      await calls.write({ type: 'leave', key: name, ticket }, {}).catch(() => {});
      throw error;
    });
    if (lock === undefined) continue;
    const holder = lock?.holders.find((h) => h.ticket === ticket);
    if (holder === undefined) {
      if (lock?.queue.some((w) => w.ticket === ticket)) continue;
      throw held(name);
    }
    // When it was granted is not known; a renewal counts from its own sending.
    certain = moment(calls.runtime);
    const timeoutMs = Math.min(ttlMs, options.timeoutMs ?? calls.timeoutMs);
    try {
      await calls.write({ type: 'renew', key: name, token: holder.token }, { timeoutMs });
    } catch (error) {
      throw await unconfirmed(calls, name, { token: holder.token, ttlMs, timeoutMs }, error);
    }
    token = holder.token;
  }
  return new Held(calls, name, token, ttlMs, certain);
}

/**
 * The error for a lock that was granted in the queue, and whose renewal failed. Nobody would know of it until its time is over, so
 * it is given back, for as long as `timeoutMs`; if even that fails, the error says so.
 */
async function unconfirmed(
  calls: LockCalls,
  name: string,
  { token, ttlMs, timeoutMs }: { token: number; ttlMs: number; timeoutMs: number },
  cause: unknown,
): Promise<MusterError> {
  const details = { key: name, granted: true };
  const lost = (error: unknown): boolean => error instanceof MusterError && error.code === 'lock-lost';
  const why = cause instanceof Error ? cause.message : String(cause);
  if (lost(cause)) {
    const message = `lock ${name} was granted but expired before the grant could be confirmed`;
    return new MusterError('lock-held', message, { details, cause });
  }
  const back = await calls
    .write({ type: 'release', key: name, token }, { timeoutMs })
    // Not held any more is as good as given back.
    .then(() => true, lost);
  const granted = `lock ${name} was granted but the grant could not be confirmed`;
  if (!back) {
    const message = `${granted} (${why}), and its release failed: it may stay held for ${ttlMs} ms`;
    return new MusterError('outcome-unknown', message, { details, cause });
  }
  // Whether it was renewed is not known; that it is not held any more is.
  const code = cause instanceof MusterError && cause.code !== 'outcome-unknown' ? cause.code : 'unavailable';
  return new MusterError(code, `${granted} (${why}); it was released`, {
    details,
    tookEffect: 'no',
    cause,
  });
}

/** The lock as it is when there is news of the ticket, or after a while; undefined: nobody could say. */
async function awaitTurn(
  calls: LockCalls,
  name: string,
  ticket: string,
): Promise<LockRow | null | undefined> {
  try {
    return lockOf(await calls.read(name, { type: 'await', key: name, ticket }, { timeoutMs: 2000 }));
  } catch (error) {
    if (!(error instanceof MusterError) || !error.retryable) throw error;
    return undefined;
  }
}

/** An acquire of unknown outcome may have got the lock: it is given back. */
async function leaveUnknown(calls: LockCalls, name: string, error: unknown): Promise<void> {
  if (!(error instanceof MusterError) || error.code !== 'outcome-unknown') return;
  const [, session, n] = String(error.details.operation ?? '').split(':');
  if (session === undefined || n === undefined) return;
  await calls.write({ type: 'leave', key: name, ticket: `${session}.${n}` }, {}).catch(() => {});
}

class Held implements HeldLock {
  readonly #calls: LockCalls;
  readonly #abort = new AbortController();
  readonly #ttlMs: number;
  /** When what is certain of the lock began. */
  #certain: Moment;
  #timer: Timer | null = null;
  #keeping = false;
  #renewing = false;
  /** When a renewal was last sent, answered or not. */
  #renewed: Moment;

  constructor(
    calls: LockCalls,
    readonly name: string,
    readonly token: number,
    ttlMs: number,
    certain: Moment,
  ) {
    this.#calls = calls;
    this.#ttlMs = ttlMs;
    this.#certain = certain;
    this.#renewed = certain;
    this.#watch();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get validUntil(): number {
    return this.#calls.runtime.now() + this.#left;
  }

  keep(): void {
    this.#keeping = true;
    this.#watch();
  }

  async renew(options: CallOptions = {}): Promise<void> {
    const sent = moment(this.#calls.runtime);
    this.#renewed = sent;
    try {
      await this.#calls.write({ type: 'renew', key: this.name, token: this.token }, options);
      if (!this.signal.aborted) this.#certain = sent;
      this.#watch();
    } catch (error) {
      if ((error as MusterError).code === 'lock-lost') this.#lose((error as Error).message);
      throw error;
    }
  }

  async release(options: CallOptions = {}): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#keeping = false;
    if (!this.signal.aborted) this.#abort.abort(new MusterError('lock-lost', 'released'));
    await this.#calls.write({ type: 'release', key: this.name, token: this.token }, options);
  }

  #lose(why: string): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (!this.signal.aborted)
      this.#abort.abort(
        new MusterError('lock-lost', `lock ${this.name}: ${why}`, { details: { key: this.name } }),
      );
  }

  /** Milliseconds for which it is still certain, by the clock that says less. */
  get #left(): number {
    return this.#ttlMs * (1 - DRIFT) - since(this.#calls.runtime, this.#certain);
  }

  #watch(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.signal.aborted) return;
    const left = this.#left;
    if (left <= 0) {
      this.#lose('not renewed in time');
      return;
    }
    const due = this.#ttlMs / 3 - since(this.#calls.runtime, this.#renewed);
    if (this.#keeping && due <= 0 && !this.#renewing) {
      this.#renewing = true;
      // Not answered: the next third tries again, and the deadline stands.
      this.renew({ timeoutMs: Math.max(1, left) })
        .catch(() => {})
        .finally(() => {
          this.#renewing = false;
          this.#watch();
        });
    }
    const next = this.#keeping && !this.#renewing ? Math.min(left, Math.max(1, due)) : left;
    // Short steps: after a sleep of the machine the wall clock has to be looked at.
    this.#timer = this.#calls.runtime.after(Math.min(next, 1000), () => this.#watch());
    if (!this.#keeping) this.#timer.unref();
  }
}
