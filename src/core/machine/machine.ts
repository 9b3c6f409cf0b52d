import { limits } from '../../limits.js';
import type {
  Cell,
  CheckpointDelta,
  Command,
  Entry,
  Operation,
  OpResult,
  Query,
  QueryResult,
  SessionId,
  SessionState,
  Snapshot,
} from './types.js';

/** What applying an entry answered: to whoever waits for that entry. */
export type Applied =
  | { readonly type: 'none' }
  | { readonly type: 'opened'; readonly session: SessionId }
  | { readonly type: 'refused-open' }
  | { readonly type: 'closed' }
  | { readonly type: 'op'; readonly result: OpResult };

interface Session {
  first: number;
  readonly results: Map<number, OpResult>;
}

const nothing: Applied = { type: 'none' };
const closed: Applied = { type: 'closed' };
const refusedOpen: Applied = { type: 'refused-open' };

const failure = (code: Extract<OpResult, { ok: false }>['code'], message: string): OpResult => ({
  ok: false,
  code,
  message,
});

/**
 * The state of one partition: cells (values and counters) and sessions with the results of their operations
 * (RIFL, SOSP'15). A deterministic function of the entries applied, in order: no clock, no randomness.
 */
export class PartitionMachine {
  gen: number;
  /** The last entry applied. */
  seq = 0;
  epoch = 0;
  /** Keys and values held, in UTF-16 code units. */
  units = 0;
  readonly cells = new Map<string, Cell>();
  readonly #sessions = new Map<SessionId, Session>();
  readonly #dirtyCells = new Set<string>();
  readonly #dirtySessions = new Set<SessionId>();
  #full = false;
  /** Up to where the last checkpoint goes. */
  #checkpointedSeq = 0;
  #sorted: string[] | null = null;
  readonly #dedup: boolean;

  constructor(gen: number, dedup = true) {
    this.gen = gen;
    this.#dedup = dedup;
  }

  static fromSnapshot(snapshot: Snapshot, dedup = true): PartitionMachine {
    const machine = new PartitionMachine(snapshot.gen, dedup);
    machine.seq = snapshot.seq;
    machine.#checkpointedSeq = snapshot.seq;
    machine.epoch = snapshot.epoch;
    for (const [key, cell] of snapshot.cells) {
      machine.cells.set(key, cell);
      machine.units += unitsOf(key, cell);
    }
    for (const [id, state] of snapshot.sessions) {
      machine.#sessions.set(id, { first: state.first, results: new Map(state.results) });
    }
    return machine;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  sessionIds(): Iterable<SessionId> {
    return this.#sessions.keys();
  }

  /** The remembered result of an operation: `unknown-session`, `forgotten` (before the window), `beyond` (past it), or null when it was not applied yet. */
  lookup(
    session: SessionId,
    n: number,
    first: number,
  ): OpResult | 'unknown-session' | 'forgotten' | 'beyond' | null {
    const found = this.#sessions.get(session);
    if (found === undefined) return 'unknown-session';
    if (n < found.first) return 'forgotten';
    if (n >= Math.max(first, found.first) + limits.sessionWindow) return 'beyond';
    return found.results.get(n) ?? null;
  }

  apply(entry: Entry): Applied {
    this.seq = entry.seq;
    this.epoch = entry.epoch;
    return this.#run(entry.command, entry.seq);
  }

  #run(command: Command, seq: number): Applied {
    switch (command.type) {
      case 'op': {
        return { type: 'op', result: this.#once(command.session, command.n, command.first, command.op, seq) };
      }
      case 'open': {
        if (this.#sessions.size >= limits.sessionsPerPartition) return refusedOpen;
        const session: SessionId = `${command.gen}.${seq}`;
        this.#sessions.set(session, { first: 1, results: new Map() });
        this.#dirtySessions.add(session);
        return { type: 'opened', session };
      }
      case 'close':
      case 'expire':
        if (this.#sessions.delete(command.session)) this.#dirtySessions.add(command.session);
        return closed;
      case 'barrier':
        return nothing;
    }
  }

  /** Exactly once: the authoritative look-up of a duplicate happens here, at apply. */
  #once(id: SessionId, n: number, first: number, op: Operation, seq: number): OpResult {
    const session = this.#sessions.get(id);
    if (session === undefined)
      return failure('session-expired', 'the session is not known here: it was idle too long or was closed');
    if (this.#dedup) {
      if (n < session.first)
        return failure('outcome-unknown', 'the session has already acknowledged a later operation');
      const known = session.results.get(n);
      if (known !== undefined) return known;
      if (n >= Math.max(first, session.first) + limits.sessionWindow) {
        return failure('busy', `a session has at most ${limits.sessionWindow} operations under way`);
      }
    }
    if (first > session.first) forgetBefore(session, first);
    const result = this.#execute(op, seq);
    session.results.set(n, result);
    this.#dirtySessions.add(id);
    return result;
  }

  #execute(op: Operation, seq: number): OpResult {
    const cell = this.cells.get(op.key);
    switch (op.type) {
      case 'incr': {
        if (cell !== undefined && cell.kind !== 'counter') return wrongType(op.key, 'a value, not a counter');
        const value = (cell === undefined ? 0 : (cell.value as number)) + op.by;
        if (value > limits.counterMax || value < limits.counterMin) {
          return failure('overflow', `counter ${op.key} would pass ±(2^53−1)`);
        }
        this.#set(op.key, { kind: 'counter', value, version: seq }, cell);
        return { ok: true, value, version: seq };
      }
      case 'reset': {
        if (cell !== undefined && cell.kind !== 'counter') return wrongType(op.key, 'a value, not a counter');
        this.#set(op.key, { kind: 'counter', value: op.value, version: seq }, cell);
        return { ok: true, value: op.value, version: seq };
      }
      case 'put': {
        if (cell !== undefined && cell.kind !== 'text') return wrongType(op.key, 'a counter, not a value');
        const refused = versionConflict(op.key, cell, op.ifVersion);
        if (refused !== null) return refused;
        this.#set(op.key, { kind: 'text', value: op.value, version: seq }, cell);
        return { ok: true, value: null, version: seq };
      }
      case 'delete': {
        const refused = versionConflict(op.key, cell, op.ifVersion);
        if (refused !== null) return refused;
        if (cell === undefined) return { ok: true, value: false };
        this.cells.delete(op.key);
        this.units -= unitsOf(op.key, cell);
        this.#sorted = null;
        this.#dirtyCells.add(op.key);
        return { ok: true, value: true };
      }
      case 'resolve':
        return failure('not-applied', 'the operation was not applied, and never will be');
    }
  }

  #set(key: string, cell: Cell, before: Cell | undefined): void {
    const isNew = before === undefined;
    this.units += unitsOf(key, cell) - (isNew ? 0 : unitsOf(key, before));
    this.cells.set(key, cell);
    this.#dirtyCells.add(key);
    if (isNew) this.#sorted = null;
  }

  query(query: Query): QueryResult {
    if (query.type === 'get') return { type: 'get', cell: this.cells.get(query.key) ?? null };
    this.#sorted ??= [...this.cells.keys()].sort();
    const keys = this.#sorted;
    const rows: [string, Cell][] = [];
    let bytes = 0;
    const max = Math.min(query.limit, limits.scanPage);
    for (let i = firstAfter(keys, query.after, query.prefix); i < keys.length; i++) {
      const key = keys[i] as string;
      if (!key.startsWith(query.prefix)) break;
      const cell = this.cells.get(key) as Cell;
      if (cell.kind !== query.kind) continue;
      bytes += key.length + (typeof cell.value === 'string' ? cell.value.length : 8);
      if (rows.length >= max || (rows.length > 0 && bytes > limits.scanBytes))
        return { type: 'scan', rows, more: true };
      rows.push([key, cell]);
    }
    return { type: 'scan', rows, more: false };
  }

  /** The whole state, in an order that depends on the state alone. */
  snapshot(): Snapshot {
    return {
      gen: this.gen,
      seq: this.seq,
      epoch: this.epoch,
      cells: [...this.cells].sort(byKey),
      sessions: [...this.#sessions.keys()]
        .sort()
        .map((id) => [id, this.#sessionState(id) as SessionState] as const),
    };
  }

  /** What changed since the last call, for the checkpoint; null when nothing did. */
  takeDelta(partition: number, promised: number): CheckpointDelta | null {
    // Entries that change nothing (a barrier, a failure) must be covered too, or the log could never be cut.
    if (!this.#full && this.seq === this.#checkpointedSeq) return null;
    this.#checkpointedSeq = this.seq;
    const full = this.#full;
    const delta: CheckpointDelta = {
      partition,
      promised,
      gen: this.gen,
      seq: this.seq,
      epoch: this.epoch,
      full,
      cells: full
        ? [...this.cells]
        : [...this.#dirtyCells].map((key) => [key, this.cells.get(key) ?? null] as const),
      sessions: [...(full ? this.#sessions.keys() : this.#dirtySessions)].map(
        (id) => [id, this.#sessionState(id)] as const,
      ),
    };
    this.#full = false;
    this.#dirtyCells.clear();
    this.#dirtySessions.clear();
    return delta;
  }

  /** Everything goes into the next checkpoint: this state did not grow out of the last one. */
  markFull(): void {
    this.#full = true;
  }

  #sessionState(id: SessionId): SessionState | null {
    const session = this.#sessions.get(id);
    if (session === undefined) return null;
    return { first: session.first, results: [...session.results].sort((a, b) => a[0] - b[0]) };
  }
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

const unitsOf = (key: string, cell: Cell): number =>
  key.length + (typeof cell.value === 'string' ? cell.value.length : 16);

const wrongType = (key: string, holds: string): OpResult => failure('wrong-type', `${key} holds ${holds}`);

function versionConflict(key: string, cell: Cell | undefined, expected: number | undefined): OpResult | null {
  if (expected === undefined) return null;
  const version = cell?.version ?? 0;
  return version === expected
    ? null
    : failure('conflict', `${key} is at version ${version}, not ${expected}`);
}

/** A hostile `first` may lie far ahead: never loop over numbers that hold nothing. */
function forgetBefore(session: Session, first: number): void {
  if (first - session.first <= session.results.size) {
    for (let n = session.first; n < first; n++) session.results.delete(n);
  } else {
    for (const n of session.results.keys()) if (n < first) session.results.delete(n);
  }
  session.first = first;
}

/** Index of the first key after `after` that can have the prefix, by binary search. */
function firstAfter(keys: readonly string[], after: string | null, prefix: string): number {
  const from = after !== null && after >= prefix ? after : null;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] as string;
    if (from !== null ? key <= from : key < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
