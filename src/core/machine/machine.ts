import { limits } from '../../limits.js';
import type { Rules } from '../rules.js';
import { soundRules } from '../rules.js';
import { DigestSum, HashedCell } from './digest.js';
import { applyLock, lapse, ofTicket } from './locks.js';
import { outcomeResult } from './outcome.js';
import { Rows } from './rows.js';
import { type Session, Sessions } from './sessions.js';
import { growthOf, unitsOfCell } from './size.js';
import {
  type Holding,
  hasRoom,
  holdingOf,
  Intents,
  isWrite,
  partsOf,
  type Vote,
  voteOn,
} from './transactions.js';
import type {
  Cell,
  CheckpointDelta,
  Command,
  Entry,
  Operation,
  OpResult,
  Query,
  QueryResult,
  Row,
  SessionId,
  Snapshot,
  StateDigest,
  TxId,
  TxItem,
  TxOutcome,
  TxReason,
} from './types.js';

/** What applying an entry answered: to whoever waits for that entry. */
export type Applied =
  | { readonly type: 'none' }
  | { readonly type: 'opened'; readonly session: SessionId }
  | { readonly type: 'refused-open' }
  | { readonly type: 'closed' }
  | { readonly type: 'op'; readonly result: OpResult }
  /** A prepare, or the anchor's: the vote of this partition; null: it is a repetition. */
  | { readonly type: 'vote'; readonly vote: Vote | null }
  /** The end of a transaction at its anchor, and what its client is told. */
  | { readonly type: 'decided'; readonly committed: boolean; readonly result: OpResult };

const nothing: Applied = { type: 'none' };
const closed: Applied = { type: 'closed' };
const refusedOpen: Applied = { type: 'refused-open' };

const failure = (code: Extract<OpResult, { ok: false }>['code'], message: string): OpResult => ({
  ok: false,
  code,
  message,
});

const sessionUnknown = failure(
  'session-expired',
  'the session is not known here: it was idle too long or was closed',
);
/** Whatever a primary has admitted before it knew better, no more is kept than this. */
const mostUnits = 2 * limits.partitionUnits;
const partitionFull = 'the partition is full';
export const tooManyResults = 'the session has too many results that its client has not acknowledged';
const acknowledged = failure('outcome-unknown', 'the session has already acknowledged a later operation');

const aborted = ({
  reason,
  message,
}: {
  readonly reason: TxReason;
  readonly message: string;
}): TxOutcome => ({
  outcome: 'aborted',
  reason,
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
  readonly cells = new Map<string, HashedCell>();
  readonly #sessions: Sessions;
  /** Of cells and sessions; that of the rows is theirs. */
  readonly #sum = new DigestSum();
  readonly #dirtyCells = new Set<string>();
  #full = false;
  /** The running checksum of the log up to `seq`. */
  #chain = 0;
  /** Up to where the last checkpoint goes. */
  #checkpointedSeq = 0;
  #sorted: string[] | null = null;
  /** Locks, fences and transactions. */
  readonly rows: Rows;
  readonly intents: Intents;
  readonly #rules: MachineRules;

  constructor(gen: number, rules: MachineRules = soundRules, stored: Snapshot | null = null) {
    const rows = new Rows(stored?.rows);
    this.gen = gen;
    this.#rules = rules;
    this.#sessions = new Sessions(this.#sum, stored?.sessions);
    this.rows = rows;
    this.intents = new Intents(
      (item) => this.#intentOf(item),
      (item, plus, minus) => this.#hasRoom(item, plus, minus),
      rows,
    );
  }

  static fromSnapshot(snapshot: Snapshot, rules: MachineRules = soundRules): PartitionMachine {
    const machine = new PartitionMachine(snapshot.gen, rules, snapshot);
    machine.seq = snapshot.seq;
    machine.#checkpointedSeq = snapshot.seq;
    machine.epoch = snapshot.epoch;
    machine.#chain = snapshot.digest.chain;
    for (const [key, { kind, value, version }] of snapshot.cells)
      machine.#set(key, new HashedCell(key, kind, value, version), undefined);
    machine.#dirtyCells.clear();
    return machine;
  }

  /** Of the state at `seq`: replicas that have applied the same entries have the same. */
  get digest(): StateDigest {
    return {
      hash: this.#sum.with(this.rows.sum),
      cells: this.cells.size,
      sessions: this.#sessions.size,
      results: this.#sessions.results,
      rows: this.rows.size,
      chain: this.#chain,
    };
  }

  /** About all that is held, in UTF-16 code units: cells, sessions with their results, rows. */
  get heldUnits(): number {
    return this.units + this.#sessions.units + this.rows.units;
  }

  /** What a partition keeps of a session, if it does. */
  session(id: SessionId): Session | undefined {
    return this.#sessions.get(id);
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  sessionIds(): Iterable<SessionId> {
    return this.#sessions.ids();
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
    this.#chain = entry.chain ?? 0;
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
        this.#sessions.begin(session);
        return { type: 'opened', session };
      }
      case 'close':
      case 'expire':
        this.#sessions.end(command.session);
        return closed;
      case 'barrier':
        return nothing;
      case 'prepare':
        return this.#prepare(command, seq);
      case 'stage':
        return this.#stage(command, seq);
      case 'decide':
        return this.#commit(command, seq);
      case 'abort':
        return this.#abort(command);
      case 'finish':
        for (const [tx, commit, prepareSeq] of command.ends) this.#finish(tx, commit, prepareSeq, seq);
        return nothing;
      case 'forget':
        for (const tx of command.txs) this.rows.delete('record', tx);
        return nothing;
      case 'lapse':
        lapse(
          this.rows,
          command.lock,
          command.ticket,
          this.#rules.lapseNamesRenewal ? command.renewed : null,
          this.#grant(seq),
        );
        return nothing;
    }
  }

  #grant(seq: number): { seq: number; token: number } {
    return { seq, token: this.#rules.tokensGrow ? seq : 1 };
  }

  // ---- transactions (PROTOCOL.md section 5)

  #intentOf(item: TxItem): Holding | null {
    if (!this.#rules.intentsUntilDecision) return null;
    const how = holdingOf(item);
    if (how === 'add' && !this.#rules.incrementsHold) return null;
    return how === 'shared' && !this.#rules.readIntents ? null : how;
  }

  #hasRoom(item: Extract<TxItem, { type: 'incr' }>, plus: number, minus: number): boolean {
    if (!this.#rules.incrementsLeaveRoom) return true;
    const cell = this.cells.get(item.key);
    return hasRoom(cell?.kind === 'counter' ? (cell.value as number) : 0, item.by, plus, minus);
  }

  #vote(tx: TxId, items: readonly TxItem[]): Vote {
    // The primary lets no two that conflict into the log: this is the last word all the same.
    if (this.intents.against(tx, items).size > 0)
      return { yes: false, reason: 'conflict', message: 'another transaction holds a key' };
    if (this.heldUnits > mostUnits && items.some(({ type }) => type === 'put' || type === 'get'))
      return { yes: false, reason: 'too-large', message: partitionFull };
    return voteOn(items, this.cells);
  }

  /**
   * The last word on what a primary admits or refuses by what was applied then: the log may have come to much more since. Nothing is
   * remembered of what is refused, and the client may come again.
   */
  #refusal(session: Session, n: number, first: number, op: Operation): OpResult | null {
    const full = this.heldUnits > mostUnits;
    if (!full && !(session.units > 2 * limits.sessionUnits && n > first)) return null;
    return growthOf(op, this.cells) > 0 ? failure('busy', full ? partitionFull : tooManyResults) : null;
  }

  /**
   * Has the session so many results to acknowledge that it must do so before its next operation, `n`? Not the first one that it waits
   * for: without that it could not acknowledge any. `times`: how often `limits.sessionUnits`.
   */
  hasUnacknowledged(id: SessionId, n: number, first: number, times = 1): boolean {
    const session = this.#sessions.get(id);
    return (
      session !== undefined &&
      session.units > times * limits.sessionUnits &&
      first <= session.first &&
      n > first
    );
  }

  #prepare(c: Extract<Command, { type: 'prepare' }>, seq: number): Applied {
    const { tx, anchor, at, items } = c;
    if (this.rows.get('prepared', tx) !== undefined) return { type: 'vote', vote: null };
    const vote = this.#vote(tx, items);
    if (vote.yes) {
      this.rows.set(tx, { kind: 'prepared', tx, anchor, at, seq, items, reads: vote.reads });
      this.intents.hold(tx, items);
    }
    return { type: 'vote', vote };
  }

  /**
   * The anchor's own part. When it cannot be, that is the session's result at once; a result that is there already stays, whoever
   * asks and however often, and this came too late and does nothing.
   */
  #stage(c: Extract<Command, { type: 'stage' }>, seq: number): Applied {
    const { tx, at, own, others } = c;
    if (this.rows.get('staged', tx) !== undefined) return { type: 'vote', vote: null };
    const late = this.#known(c.session, c.n);
    if (late !== null && this.#rules.stageLooksUp) return this.#over(tx, late);
    this.#sessions.acknowledge(c.session, c.first);
    const vote = this.hasUnacknowledged(c.session, c.n, c.first, 2)
      ? ({ yes: false, reason: 'too-large', message: tooManyResults } as const)
      : this.#vote(tx, own);
    if (!vote.yes && this.#rules.ownVote) return this.#ended(tx, aborted(vote));
    const reads = vote.yes ? vote.reads : [];
    this.rows.set(tx, { kind: 'staged', tx, at, seq, items: own, reads, others });
    this.intents.hold(tx, own);
    return { type: 'vote', vote };
  }

  /** Nothing can stop it any more: everybody has prepared. Only one that is staged is decided, and once. */
  #commit({ tx, reads, prepared }: Extract<Command, { type: 'decide' }>, seq: number): Applied {
    const row = this.rows.get('staged', tx);
    if (row === undefined) {
      const { session, n } = partsOf(tx);
      return this.#over(tx, this.#known(session, n) ?? sessionUnknown);
    }
    this.#letGo(row);
    this.#write(row.items, seq);
    if (prepared.length > 0)
      this.rows.set(tx, { kind: 'record', tx, keys: row.items.map(({ key }) => key), prepared });
    return this.#ended(tx, { outcome: 'committed', reads: [...row.reads, ...reads] });
  }

  /** Staged or not: it does not happen, unless it has happened. */
  #abort(c: Extract<Command, { type: 'abort' }>): Applied {
    const row = this.rows.get('staged', c.tx);
    const late = row === undefined ? this.#known(c.session, c.n) : null;
    if (late !== null) return this.#over(c.tx, late);
    if (row !== undefined) this.#letGo(row);
    this.#sessions.acknowledge(c.session, c.first);
    return this.#ended(c.tx, aborted(c));
  }

  /** A part of a transaction is prepared no more, and holds nothing. */
  #letGo({ kind, tx, items }: Extract<Row, { kind: 'staged' | 'prepared' }>): void {
    this.intents.release(tx, items);
    this.rows.delete(kind, tx);
  }

  /** It came too late: the transaction has this result already. */
  #over(tx: TxId, result: OpResult): Applied {
    return { type: 'decided', committed: this.rows.get('record', tx) !== undefined, result };
  }

  /** What an operation of a session has come to before, or that the session is gone; null: it has not been done. */
  #known(id: SessionId, n: number): OpResult | null {
    const session = this.#sessions.get(id);
    return session === undefined ? sessionUnknown : doneBefore(session, n);
  }

  /** The end of a transaction is its session's result, while that is wanted: its client may have been answered when all had prepared. */
  #ended(tx: TxId, outcome: TxOutcome): Applied {
    const result = outcomeResult(outcome);
    const { session: id, n } = partsOf(tx);
    const session = this.#sessions.get(id);
    if (session !== undefined && doneBefore(session, n) === null) this.#sessions.remember(id, n, result);
    return { type: 'decided', committed: outcome.outcome === 'committed', result };
  }

  #finish(tx: TxId, commit: boolean, prepareSeq: number, seq: number): void {
    const row = this.rows.get('prepared', tx);
    if (row === undefined) return;
    this.#letGo(row);
    // A prepare of another entry came late, when the transaction was over here: it is dropped whatever was decided.
    if (commit && (row.seq === prepareSeq || !this.#rules.finishNamesPrepare)) this.#write(row.items, seq);
  }

  /** The writes of a vote for yes: each of them is possible. */
  #write(items: readonly TxItem[], seq: number): void {
    for (const item of items) if (isWrite(item)) this.#execute(item, seq);
  }

  /** Its conditions, reads and writes in one entry. */
  #transact(tx: TxId, items: readonly TxItem[], seq: number): OpResult {
    const vote = this.#vote(tx, items);
    if (!vote.yes) return outcomeResult(aborted(vote));
    this.#write(items, seq);
    return outcomeResult({ outcome: 'committed', reads: vote.reads });
  }

  /** Exactly once: the authoritative look-up of a duplicate happens here, at apply. */
  #once(id: SessionId, n: number, first: number, op: Operation, seq: number): OpResult {
    const session = this.#sessions.get(id);
    if (session === undefined) return sessionUnknown;
    if (this.#rules.dedup) {
      const known = doneBefore(session, n);
      if (known !== null) return known;
      if (n >= Math.max(first, session.first) + limits.sessionWindow) {
        return failure('busy', `a session has at most ${limits.sessionWindow} operations under way`);
      }
    }
    this.#sessions.acknowledge(id, first);
    const refused = this.#refusal(session, n, first, op);
    if (refused !== null) return refused;
    const result = this.#perform(op, id, n, seq);
    this.#sessions.remember(id, n, result);
    return result;
  }

  #perform(op: Operation, session: SessionId, n: number, seq: number): OpResult {
    switch (op.type) {
      case 'acquire':
      case 'renew':
      case 'release':
      case 'leave':
        return applyLock(this.rows, op, `${session}.${n}`, this.#grant(seq));
      case 'tx':
        return this.#transact(`${session}.${n}`, op.items, seq);
      default:
        if (this.intents.against(null, [asItem(op)]).size > 0)
          return failure('conflict', `a transaction that is not finished holds ${op.key}`);
        return this.#execute(op, seq);
    }
  }

  #execute(op: CellOperation, seq: number): OpResult {
    const cell = this.cells.get(op.key);
    switch (op.type) {
      case 'incr': {
        if (cell !== undefined && cell.kind !== 'counter') return wrongType(op.key, 'a value, not a counter');
        const value = (cell === undefined ? 0 : (cell.value as number)) + op.by;
        if (!(value <= limits.counterMax && value >= limits.counterMin)) {
          return failure('overflow', `counter ${op.key} would pass ±(2^53−1)`);
        }
        this.#set(op.key, new HashedCell(op.key, 'counter', value, seq), cell);
        return { ok: true, value, version: seq };
      }
      case 'reset': {
        if (cell !== undefined && cell.kind !== 'counter') return wrongType(op.key, 'a value, not a counter');
        this.#set(op.key, new HashedCell(op.key, 'counter', op.value, seq), cell);
        return { ok: true, value: op.value, version: seq };
      }
      case 'put': {
        if (cell !== undefined && cell.kind !== 'text') return wrongType(op.key, 'a counter, not a value');
        const refused = versionConflict(op.key, cell, 'ifVersion' in op ? op.ifVersion : undefined);
        if (refused !== null) return refused;
        const fenced = 'fence' in op ? this.#fence(op.key, op.fence) : null;
        if (fenced !== null) return fenced;
        this.#set(op.key, new HashedCell(op.key, 'text', op.value, seq), cell);
        return { ok: true, value: null, version: seq };
      }
      case 'delete': {
        const refused = versionConflict(op.key, cell, 'ifVersion' in op ? op.ifVersion : undefined);
        if (refused !== null) return refused;
        if (cell === undefined) return { ok: true, value: false };
        this.cells.delete(op.key);
        this.units -= unitsOfCell(op.key, cell);
        cell.count(this.#sum, -1);
        this.#sorted = null;
        this.#dirtyCells.add(op.key);
        return { ok: true, value: true };
      }
      case 'resolve':
        return failure('not-applied', 'the operation was not applied, and never will be');
    }
  }

  /** The greatest token of that name seen with this key, for ever. */
  #fence(key: string, fence: { name: string; token: number } | undefined): OpResult | null {
    if (fence === undefined) return null;
    // Whatever is in name and key, no other two make the same id.
    const id = `${fence.name.length}:${fence.name}${key}`;
    const seen = this.rows.get('fence', id)?.token ?? 0;
    if (fence.token < seen)
      return failure('fenced', `token ${fence.token} of ${fence.name} is stale: ${key} has seen ${seen}`);
    this.rows.set(id, { kind: 'fence', token: fence.token });
    return null;
  }

  #set(key: string, cell: HashedCell, before: HashedCell | undefined): void {
    const isNew = before === undefined;
    this.units += unitsOfCell(key, cell) - (isNew ? 0 : unitsOfCell(key, before));
    before?.count(this.#sum, -1);
    cell.count(this.#sum, 1);
    this.cells.set(key, cell);
    this.#dirtyCells.add(key);
    if (isNew) this.#sorted = null;
  }

  query(query: Query): QueryResult {
    if (query.type === 'get') return { type: 'get', cell: this.cells.get(query.key) ?? null };
    if (query.type === 'lock' || query.type === 'await') {
      const row = this.rows.get('lock', query.key);
      if (row === undefined) return { type: 'rows', rows: [], more: false };
      const shown = query.type === 'lock' ? row : ofTicket(row, query.ticket);
      return { type: 'rows', rows: [[query.key, shown]], more: false };
    }
    // The primary answers this itself.
    if (query.type === 'trace') return { type: 'trace', events: [] };
    if (query.type === 'rows') return this.rows.page(query.kind, query.after);
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
      sessions: this.#sessions.sorted(),
      rows: this.rows.sorted(),
      digest: this.digest,
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
      ...this.#sessions.takeDirty(full),
      rows: this.rows.takeDirty(full),
      digest: this.digest,
    };
    this.#full = false;
    this.#dirtyCells.clear();
    return delta;
  }

  /** Everything goes into the next checkpoint: this state did not grow out of the last one. */
  markFull(): void {
    this.#full = true;
  }
}

/** The rules that the machine itself keeps. */
export type MachineRules = Pick<
  Rules,
  | 'dedup'
  | 'tokensGrow'
  | 'lapseNamesRenewal'
  | 'readIntents'
  | 'intentsUntilDecision'
  | 'finishNamesPrepare'
  | 'ownVote'
  | 'incrementsHold'
  | 'incrementsLeaveRoom'
  | 'stageLooksUp'
>;

type CellOperation =
  | Exclude<Operation, { type: 'acquire' | 'renew' | 'release' | 'leave' | 'tx' }>
  | Extract<TxItem, { type: 'put' | 'delete' | 'incr' }>;

/** What an operation does to its key, for those who hold it. An increment by itself tells the value: it has to wait for all others. */
export const asItem = ({ key }: { readonly key: string }): TxItem => ({ type: 'delete', key });

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

const wrongType = (key: string, holds: string): OpResult => failure('wrong-type', `${key} holds ${holds}`);

function versionConflict(key: string, cell: Cell | undefined, expected: number | undefined): OpResult | null {
  if (expected === undefined) return null;
  const version = cell?.version ?? 0;
  return version === expected
    ? null
    : failure('conflict', `${key} is at version ${version}, not ${expected}`);
}

/** The result of an operation that was applied before; null: it was not. */
const doneBefore = (session: Session, n: number): OpResult | null =>
  n < session.first ? acknowledged : (session.results.get(n) ?? null);

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
