/**
 * The sessions of a partition with the results of their operations (RIFL, SOSP'15): what exactly-once is decided by. Counts what they
 * take and keeps their part of the digest; that an operation is done once, is the state machine's business.
 */
import { TurnoverMap } from '../../util/turnover.js';
import { DigestSum, type Hash, prefixOf } from './digest.js';
import { unitsOfResult } from './size.js';
import type { CheckpointDelta, OpResult, SessionId, SessionState } from './types.js';

export interface Session {
  readonly id: SessionId;
  /** Results of operations before this one are forgotten. */
  readonly first: number;
  readonly results: Pick<TurnoverMap<number, OpResult>, 'get'>;
  /** What the results take, in UTF-16 code units. */
  readonly units: number;
}

interface Kept extends Session {
  readonly prefix: Hash;
  first: number;
  readonly results: TurnoverMap<number, OpResult>;
  units: number;
  /** The operations whose results the checkpoint has; null: of none. */
  kept: Set<number> | null;
}

/** What a session takes besides its results, in UTF-16 code units. */
const sessionUnits = 64;

export class Sessions {
  readonly #sessions = new Map<SessionId, Kept>();
  readonly #dirty = new Set<SessionId>();
  /** Those that have ended since the last checkpoint, with what it has of them. */
  #ended: (readonly [id: SessionId, kept: ReadonlySet<number> | null])[] = [];
  readonly #sum: DigestSum;
  /** Of all of them together. */
  results = 0;
  /** What they take, in UTF-16 code units. */
  units = 0;

  /** `stored`: what the checkpoint has. */
  constructor(sum = new DigestSum(), stored: Iterable<readonly [SessionId, SessionState]> = []) {
    this.#sum = sum;
    for (const [id, { first, results }] of stored) {
      const session = this.#add(id, first);
      for (const [n, result] of results) this.#set(session, n, result);
      session.kept = results.length > 0 ? new Set(results.map(([n]) => n)) : null;
    }
  }

  get size(): number {
    return this.#sessions.size;
  }

  ids(): Iterable<SessionId> {
    return this.#sessions.keys();
  }

  get(id: SessionId): Session | undefined {
    return this.#sessions.get(id);
  }

  begin(id: SessionId): void {
    this.#add(id, 1);
    this.#dirty.add(id);
  }

  #add(id: SessionId, first: number): Kept {
    const prefix = prefixOf(id);
    const session: Kept = { id, prefix, first, results: new TurnoverMap(), units: 0, kept: null };
    this.#sessions.set(id, session);
    this.#sum.session(prefix, first, 1);
    this.units += sessionUnits;
    return session;
  }

  end(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    for (const [n, result] of session.results) this.#sum.result(session.prefix, n, result, -1);
    this.results -= session.results.size;
    this.#sum.session(session.prefix, session.first, -1);
    this.units -= sessionUnits + session.units;
    this.#sessions.delete(id);
    this.#dirty.delete(id);
    this.#ended.push([id, session.kept]);
  }

  remember(id: SessionId, n: number, result: OpResult): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    // Only with the variant that does an operation twice is there one already.
    if (this.#forget(session, n)) session.kept?.delete(n);
    this.#set(session, n, result);
    this.#dirty.add(id);
  }

  /** The client has the results of all operations before `first`. */
  acknowledge(id: SessionId, first: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined || !(first > session.first)) return;
    // A hostile `first` may lie far ahead: never loop over numbers that hold nothing.
    if (first - session.first <= session.results.size)
      for (let n = session.first; n < first; n++) this.#forget(session, n);
    else for (const n of [...session.results.keys()]) if (n < first) this.#forget(session, n);
    this.#sum.session(session.prefix, session.first, -1);
    session.first = first;
    this.#sum.session(session.prefix, first, 1);
    this.#dirty.add(id);
  }

  #set(session: Kept, n: number, result: OpResult): void {
    session.results.set(n, result);
    this.#count(session, n, result, 1);
  }

  #forget(session: Kept, n: number): boolean {
    const result = session.results.get(n);
    if (result === undefined) return false;
    session.results.delete(n);
    this.#count(session, n, result, -1);
    return true;
  }

  #count(session: Kept, n: number, result: OpResult, by: 1 | -1): void {
    const units = by * unitsOfResult(result);
    session.units += units;
    this.units += units;
    this.results += by;
    this.#sum.result(session.prefix, n, result, by);
  }

  /** In the order of their ids, and each with its results in that of their numbers. */
  sorted(): (readonly [SessionId, SessionState])[] {
    return [...this.#sessions.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, first, results }) => [id, { first, results: [...results].sort((a, b) => a[0] - b[0]) }]);
  }

  /** What the checkpoint has not, or has no more to have, or everything. A result, once it is there, never changes. */
  takeDirty(full: boolean): Pick<CheckpointDelta, 'sessions' | 'results'> {
    const sessions: [SessionId, number | null][] = [];
    const results: [SessionId, number, OpResult | null][] = [];
    if (!full)
      for (const [id, kept] of this.#ended) {
        sessions.push([id, null]);
        for (const n of kept ?? []) results.push([id, n, null]);
      }
    this.#ended = [];
    for (const id of full ? this.#sessions.keys() : this.#dirty) {
      const session = this.#sessions.get(id) as Kept;
      sessions.push([id, session.first]);
      const kept = full ? null : session.kept;
      for (const n of kept ?? []) if (!session.results.has(n)) results.push([id, n, null]);
      for (const [n, result] of session.results) if (kept?.has(n) !== true) results.push([id, n, result]);
      session.kept = session.results.size > 0 ? new Set(session.results.keys()) : null;
    }
    this.#dirty.clear();
    return { sessions, results };
  }
}
