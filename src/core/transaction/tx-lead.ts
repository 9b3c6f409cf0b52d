import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../turnover.js';
import type { Applied, PartitionMachine } from '../machine/machine.js';
import { outcomeResult } from '../machine/outcome.js';
import { Rows } from '../machine/rows.js';
import { fitsBytes } from '../machine/size.js';
import {
  fitsReads,
  holdingOf,
  Intents,
  type PreparedRow,
  tooManyReads,
  type Vote,
  voteOn,
} from '../machine/transactions.js';
import type {
  Command,
  OpResult,
  PartEntry,
  PendingRow,
  Query,
  Row,
  SessionId,
  TraceEvent,
  TxEnd,
  TxId,
  TxItem,
  TxRead,
  TxReason,
} from '../machine/types.js';
import type { ClientRequest, ClientResponse, PeerMessage, Refusal, TxStep } from '../messages.js';
import type { Rules } from '../rules.js';
import { byPartition } from './items.js';

/** Transactions are finished and forgotten this many in one entry, when there are that many soon. */
const atOnce = 64;

export type TxRequest = Extract<ClientRequest, { type: 'tx' }>;
type Prepare = Extract<PeerMessage, { type: 'tx-prepare' }>;

/** What the transactions of a partition may ask of its primary. */
export interface TxHost {
  readonly p: number;
  readonly now: number;
  /** When this primary began. */
  readonly since: number;
  readonly machine: PartitionMachine;
  readonly rules: Rules;
  readonly partitions: number;
  /** May entries be added now? Not while the partition is being handed over, or before its barrier. */
  readonly open: boolean;
  /** Are enough replicas in sync (R5)? What is committed on fewer is told to nobody. */
  readonly enoughInSync: boolean;
  /** Is this certainly the primary, as of now (R11)? */
  current(): boolean;
  /** Why nothing new may be written; null: it may. */
  mayWrite(): Refusal | null;
  /** Adds an entry. */
  append(command: Command): void;
  /** To the primary of partition `p`, wherever it is. */
  tell(p: number, message: PeerMessage): void;
  reply(origin: number, response: ClientResponse): void;
  /** A step at which a fault may be armed, or somebody may look. */
  reached(step: TxStep, tx: TxId): void;
}

/** A transaction that this primary coordinates. Until it is decided nothing else knows of it but who has prepared, and its client. */
interface Coordinated {
  readonly tx: TxId;
  readonly session: SessionId;
  readonly n: number;
  readonly first: number;
  readonly at: number;
  readonly own: readonly TxItem[];
  readonly others: readonly (readonly [p: number, items: readonly TxItem[]])[];
  /** Who is to be answered. */
  origins: number[];
  readonly since: number;
  /** Of each other participant that voted for yes. */
  readonly votes: Map<number, { readonly seq: number; readonly reads: readonly TxRead[] }>;
  /** The decision is in the log, not yet applied or applied. */
  deciding: boolean;
  /** Once it is decided. */
  committed: boolean | null;
  /** Who has said to have finished. */
  readonly finished: Set<number>;
  toldAt: number;
  /** Somebody wants to look at it at this step. */
  pauseAt: 'prepared' | 'decided' | null;
  /** What it did, for whoever looks. */
  trace: Trace | null;
}

interface Trace {
  /** When it came, on this primary's clock. */
  readonly since: number;
  readonly events: TraceEvent[];
}

/** Something that waits until transactions which hold its keys are over. */
interface Waiting {
  readonly items: readonly TxItem[];
  /** The transaction that waits; null: an operation of its own. */
  readonly tx: TxId | null;
  readonly until: number;
  readonly go: () => void;
  readonly give: () => void;
}

/**
 * Two-phase commit over the replicated logs (PROTOCOL.md section 5), for one partition whose primary this node is: as anchor it
 * coordinates, as participant it votes and finishes. What matters is in the log; what is here can be lost.
 */
export class TxLead {
  readonly #host: TxHost;
  readonly #coordinated = new TurnoverMap<TxId, Coordinated>();
  /** What holds keys without an applied prepare: one that is not applied yet, and the own part of what is coordinated here. */
  readonly #held = new TurnoverMap<TxId, { readonly items: readonly TxItem[]; readonly at: number }>();
  readonly #heldIntents: Intents;
  #waiting: Waiting[] = [];
  /** When each prepared transaction was first seen, or last asked about. */
  readonly #askedAt = new TurnoverMap<TxId, number>();
  /** What is decided, and its end not in the log yet: nobody waits for it. */
  readonly #ending: TxEnd[] = [];
  /** Ends that are known, in the log or about to be, and not yet applied. */
  readonly #finishing = new TurnoverSet<TxId>();
  /** Who asked for what nobody knows: its abort is in the log. */
  readonly #asking = new Map<TxId, Set<number>>();
  #toForget: TxId[] = [];
  #forgetAt = 0;
  readonly #traces = new TurnoverMap<TxId, Trace>();
  #adopted = false;

  constructor(host: TxHost) {
    this.#host = host;
    this.#heldIntents = new Intents(
      holdingOf,
      // What counters will hold then is not known yet: the vote has the last word.
      () => true,
      new Rows(),
    );
  }

  // ---- for whoever looks

  trace(tx: TxId): readonly TraceEvent[] {
    return this.#traces.get(tx)?.events ?? [];
  }

  #note(
    c: Coordinated,
    what: TraceEvent['what'],
    p = this.#host.p,
    seq: number | null = null,
    yes: boolean | null = null,
  ): void {
    const { now } = this.#host;
    c.trace ??= this.#traceOf(c.tx);
    if (c.trace.events.length < limits.txTraceEvents)
      c.trace.events.push({ at: now - c.trace.since, what, p, seq, yes });
  }

  /** Its client may have come before. */
  #traceOf(tx: TxId): Trace {
    const known = this.#traces.get(tx);
    if (known !== undefined) return known;
    const trace: Trace = { since: this.#host.now, events: [] };
    this.#traces.set(tx, trace);
    if (this.#traces.size > limits.txTraces) {
      const [oldest] = this.#traces.keys();
      if (oldest !== undefined) this.#traces.delete(oldest);
    }
    return trace;
  }

  // ---- conflicts

  /**
   * Who holds these keys. A transaction whose end is in the log, applied or not, holds nothing against what comes after it in
   * the same log; only who answers from the applied state must wait for that (`blocksRead`).
   */
  #against(tx: TxId | null, items: readonly TxItem[]): readonly TxId[] {
    const found: TxId[] = [];
    for (const other of this.#host.machine.intents.against(tx, items)) {
      if (this.#finishing.has(other)) this.finish();
      else found.push(other);
    }
    if (this.#held.size > 0) for (const other of this.#heldIntents.against(tx, items)) found.push(other);
    return found;
  }

  /** Must an operation of its own wait? */
  blocks(items: readonly TxItem[]): boolean {
    if (this.#held.size === 0 && this.#host.machine.intents.size === 0) return false;
    return this.#against(null, items).length > 0;
  }

  /** A read waits only for who writes the key and has voted: what it decided may have been answered already. */
  blocksRead(query: Query): boolean {
    const { intents } = this.#host.machine;
    if (intents.size === 0) return false;
    if (query.type === 'get') return intents.writes(query.key);
    return query.type === 'scan' && intents.writesBelow(query.prefix);
  }

  /** Runs `go` when nothing holds the keys any more, or `give` after a while. */
  wait(items: readonly TxItem[], tx: TxId | null, go: () => void, give: () => void, ms: number): void {
    this.finish();
    if (this.#waiting.length >= limits.txWaiting) give();
    else this.#waiting.push({ items, tx, until: this.#host.now + ms, go, give });
  }

  /** Keys have become free, or time has passed. */
  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const { now } = this.#host;
    for (const waiter of waiting) {
      if (now >= waiter.until) waiter.give();
      else if (this.#host.open && this.#against(waiter.tx, waiter.items).length === 0) waiter.go();
      else this.#waiting.push(waiter);
    }
  }

  // ---- as anchor

  /** A client's transaction over several partitions. Its duplicates were looked up before. */
  begin(origin: number, request: TxRequest): void {
    const { session, n, first, at, pauseAt } = request;
    const tx = `${this.#host.p}:${session}:${n}`;
    if (!this.#adopted) this.#adopt();
    const known = this.#coordinated.get(tx);
    if (known !== undefined) {
      known.origins.push(origin);
      return;
    }
    const parts = byPartition(request.op.items, this.#host.partitions);
    const own = parts.get(this.#host.p) ?? [];
    parts.delete(this.#host.p);
    const others = [...parts];
    const c: Coordinated = {
      tx,
      session,
      n,
      first,
      at,
      own,
      others,
      origins: [origin],
      since: this.#host.now,
      votes: new Map(),
      deciding: false,
      committed: null,
      finished: new Set(),
      toldAt: this.#host.now,
      pauseAt: pauseAt ?? null,
      trace: null,
    };
    this.#coordinated.set(tx, c);
    this.#note(c, 'came');
    const start = (): void => {
      if (c.deciding) return;
      const refusal = this.#host.mayWrite();
      if (refusal !== null) this.#refuse(c, refusal);
      else if (!this.#failsHere(c)) {
        this.#hold(tx, own, at);
        this.#sendPrepares(c);
        this.#decideIfAll(c);
      }
    };
    this.#whenFree(tx, at, own, start, () => {
      if (c.deciding) return;
      const message = 'another transaction holds a key';
      this.#refuse(c, { ok: false, code: 'busy', message, revision: 0 });
    });
  }

  /** It never began, and its session knows nothing of it: the client may try again under the same number. */
  #refuse(c: Coordinated, refusal: Refusal): void {
    this.#coordinated.delete(c.tx);
    for (const origin of c.origins) this.#host.reply(origin, refusal);
  }

  /**
   * Is it certain already that the anchor's own part cannot be? What was applied when the transaction came is state enough to refuse
   * it by, unless a transaction that may be decided elsewhere holds a key.
   */
  #failsHere(c: Coordinated): boolean {
    const { machine } = this.#host;
    if (machine.intents.against(c.tx, c.own).size > 0) return false;
    const vote = voteOn(c.own, machine.cells);
    if (!vote.yes) this.#abort(c, vote.reason, vote.message);
    return !vote.yes;
  }

  #hold(tx: TxId, items: readonly TxItem[], at: number): void {
    this.#held.set(tx, { items, at });
    this.#heldIntents.hold(tx, items);
  }

  #letGo(tx: TxId): void {
    const held = this.#held.get(tx);
    if (held === undefined) return;
    this.#held.delete(tx);
    this.#heldIntents.release(tx, held.items);
  }

  /**
   * Wait-die (Rosenkrantz, Stearns, Lewis, TODS 1978): who is older than all in its way waits, else it gives way; not at once, for
   * whoever is in its way has mostly been decided, and ends within a few milliseconds.
   */
  #whenFree(tx: TxId, at: number, items: readonly TxItem[], go: () => void, give: () => void): void {
    const others = this.#against(tx, items);
    if (others.length === 0) go();
    else {
      const older = others.every((other) => this.#isOlder(at, tx, other));
      this.wait(items, tx, go, give, older ? limits.txWaitMs : limits.txYieldMs);
    }
  }

  #isOlder(at: number, tx: TxId, other: TxId): boolean {
    const otherAt =
      this.#held.get(other)?.at ??
      this.#host.machine.rows.get('prepared', other)?.at ??
      Number.NEGATIVE_INFINITY;
    return at < otherAt || (at === otherAt && tx < other);
  }

  #sendPrepares(c: Coordinated): void {
    c.toldAt = this.#host.now;
    for (const [p, items] of c.others) {
      if (c.votes.has(p)) continue;
      this.#note(c, 'prepare', p);
      this.#host.tell(p, { type: 'tx-prepare', p, tx: c.tx, anchor: this.#host.p, at: c.at, items });
    }
    this.#host.reached('prepares-sent', c.tx);
  }

  onVote(m: Extract<PeerMessage, { type: 'tx-vote' }>): void {
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.deciding) return;
    this.#note(c, 'vote', m.from, m.yes ? m.seq : null, m.yes);
    if (m.yes) {
      c.votes.set(m.from, { seq: m.seq, reads: m.reads });
      this.#decideIfAll(c);
    } else this.#abort(c, m.reason, m.message);
  }

  #decideIfAll(c: Coordinated): void {
    if (c.deciding || !this.#host.open || c.votes.size < c.others.length) return;
    this.#host.reached('votes-in', c.tx);
    if (c.pauseAt === 'prepared') return;
    const { tx, session, n, first, own, others } = c;
    const reads = others.flatMap(([p]) => c.votes.get(p)?.reads ?? []);
    const prepared = others.map(([p]) => [p, c.votes.get(p)?.seq ?? 0] as const);
    const decide = { type: 'decide', tx, session, n, first, own, reads, prepared } as const;
    if (fitsReads(reads) && fitsBytes(decide, limits.entryBytes)) this.#log(c, decide);
    else this.#abort(c, 'too-large', tooManyReads);
  }

  #abort(c: Coordinated, reason: TxReason, message: string): void {
    const { tx, session, n, first } = c;
    if (!c.deciding && this.#host.open)
      this.#log(c, { type: 'abort', tx, session, n, first, reason, message });
  }

  #log(c: Coordinated, decision: Extract<Command, { type: 'decide' | 'abort' }>): void {
    c.deciding = true;
    this.#letGo(c.tx);
    if (this.#toForget.length >= atOnce) this.#forget();
    this.#host.append(decision);
    if (!this.#host.rules.decisionDurable && decision.type === 'decide') {
      c.committed = true;
      this.#sendFinishes(c, decision.prepared);
      this.#answer(c, outcomeResult({ outcome: 'committed', reads: decision.reads }));
    }
    this.#host.reached('deciding', c.tx);
    this.#wake();
  }

  #answer(c: Coordinated, result: OpResult): void {
    for (const origin of c.origins) this.#host.reply(origin, { ok: true, type: 'write', result });
    c.origins = [];
  }

  #forget(): void {
    this.#host.append({ type: 'forget', txs: this.#toForget });
    this.#toForget = [];
  }

  #sendFinishes(c: Coordinated, prepared: readonly PartEntry[]): void {
    c.toldAt = this.#host.now;
    if (c.committed === null || c.pauseAt === 'decided' || !this.#host.enoughInSync) return;
    const commit = c.committed;
    for (const [p, seq] of prepared) {
      if (c.finished.has(p)) continue;
      this.#note(c, 'finish', p, seq, commit);
      this.#host.tell(p, { type: 'tx-finish', p, tx: c.tx, anchor: this.#host.p, commit, seq });
    }
    this.#host.reached('finishes-sent', c.tx);
  }

  onFinished(m: Extract<PeerMessage, { type: 'tx-finished' }>): void {
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.committed === null) return;
    c.finished.add(m.from);
    this.#note(c, 'finished', m.from);
    if (c.finished.size < c.others.length) return;
    this.#coordinated.delete(m.tx);
    if (this.#host.machine.rows.get('record', m.tx) === undefined) return;
    if (this.#toForget.length === 0) this.#forgetAt = this.#host.now + limits.txForgetMs;
    this.#toForget.push(m.tx);
  }

  /** A participant asks what became of a transaction. */
  onQuery(m: Extract<PeerMessage, { type: 'tx-query' }>): void {
    const { tx, from } = m;
    if (!this.#host.open || !this.#host.enoughInSync) return;
    const { machine, rules } = this.#host;
    const record = machine.rows.get('record', tx);
    if (record !== undefined) {
      if (this.#coordinated.get(tx)?.pauseAt !== 'decided') this.#tellOutcome(tx, from);
      return;
    }
    if (this.#coordinated.has(tx)) return;
    if (!rules.presumedAbort) {
      this.#tellFinish(tx, from, true, m.seq);
      return;
    }
    const [, session, number] = tx.split(':') as [string, SessionId, string];
    const n = Number(number);
    const found = machine.lookup(session, n, 0);
    // How far the client has come is not known here: what seems to be beyond its window may be about to come.
    const known = found === 'beyond' ? null : found;
    // Decided and forgotten, or never to begin: what was prepared for it may go. That a session is not known is true of the newest
    // state only, and so needs the leases of a read.
    if (known === 'unknown-session' && !this.#host.current()) return;
    if (known !== null || !rules.abortLogged) {
      this.#tellFinish(tx, from, false, 0);
      return;
    }
    // Its client will come again to a new primary, and then those that have prepared need not do it once more.
    if (this.#host.now - this.#host.since < limits.txReturnMs) return;
    const waiting = this.#asking.get(tx);
    if (waiting !== undefined) {
      waiting.add(from);
      return;
    }
    this.#asking.set(tx, new Set([from]));
    const message = 'its coordinator died before it was decided';
    this.#host.append({ type: 'abort', tx, session, n, first: 0, reason: 'lost', message });
  }

  /** What the log says of a transaction that is over. */
  #tellOutcome(tx: TxId, p: number): void {
    const record = this.#host.machine.rows.get('record', tx);
    const seq = record?.prepared.find(([part]) => part === p)?.[1] ?? 0;
    this.#tellFinish(tx, p, record !== undefined, seq);
  }

  #tellFinish(tx: TxId, p: number, commit: boolean, seq: number): void {
    this.#host.tell(p, { type: 'tx-finish', p, tx, anchor: this.#host.p, commit, seq });
  }

  /** Somebody wants an end of it. Never overrides a decision. Says what it is then; null: that is being decided. */
  abort(tx: TxId): 'committed' | 'aborting' | 'unknown' | null {
    if (this.#host.machine.rows.get('record', tx) !== undefined) return 'committed';
    const c = this.#coordinated.get(tx);
    if (c === undefined) return 'unknown';
    if (c.deciding || !this.#host.open) return null;
    this.#abort(c, 'asked', 'somebody asked for it');
    return 'aborting';
  }

  /** What is not decided: only who coordinates it knows it. */
  pending(): PendingRow[] {
    return [...this.#coordinated.values()]
      .filter((c) => c.committed === null)
      .map(({ tx, own, others }) => {
        const keys = own.map(({ key }) => key);
        return { kind: 'pending', tx, keys, others: others.map(([p]) => p) };
      });
  }

  // ---- as participant

  onPrepare(m: Prepare): void {
    const { tx, at, items } = m;
    const { machine } = this.#host;
    const row = machine.rows.get('prepared', tx);
    if (row !== undefined) {
      // What it has promised is about to end: it is asked again.
      if (!this.#finishing.has(tx)) this.#vote(row);
      return;
    }
    if (!this.#host.open || this.#held.has(tx) || this.#waiting.some((w) => w.tx === tx)) return;
    const no = (reason: 'unavailable' | 'conflict', message: string): void =>
      this.#voteNo(tx, m.anchor, reason, message);
    const go = (): void => {
      const refusal = this.#host.mayWrite();
      if (refusal !== null) no('unavailable', refusal.message);
      else if (machine.rows.get('prepared', tx) === undefined && !this.#held.has(tx)) {
        this.#hold(tx, items, at);
        this.#host.append({ type: 'prepare', tx, anchor: m.anchor, at, items });
      }
    };
    this.#whenFree(tx, at, items, go, () => no('conflict', 'another transaction holds a key'));
  }

  #vote(row: PreparedRow): void {
    const { tx, anchor, seq, reads } = row;
    this.#tellVote(tx, anchor, { seq, yes: true, reads, reason: 'check', message: '' });
    this.#host.reached('voted', tx);
  }

  #voteNo(tx: TxId, anchor: number, reason: TxReason, message: string): void {
    this.#tellVote(tx, anchor, { seq: 0, yes: false, reads: [], reason, message });
  }

  #tellVote(
    tx: TxId,
    anchor: number,
    vote: Pick<Extract<PeerMessage, { type: 'tx-vote' }>, 'seq' | 'yes' | 'reads' | 'reason' | 'message'>,
  ): void {
    this.#host.tell(anchor, { type: 'tx-vote', p: anchor, tx, from: this.#host.p, ...vote });
  }

  onFinish(m: Extract<PeerMessage, { type: 'tx-finish' }>): void {
    const { tx, commit, seq } = m;
    const row = this.#host.machine.rows.get('prepared', tx);
    if (row === undefined) {
      // Nothing is prepared, nor about to be: it is finished here.
      if (!this.#held.has(tx) && this.#host.current()) this.#tellFinished(tx, m.anchor);
      return;
    }
    if (!this.#host.open || this.#finishing.has(tx)) return;
    this.#finishing.add(tx);
    this.#ending.push([tx, commit, seq]);
    if (this.#waiting.length === 0) return;
    this.finish();
    this.#wake();
  }

  /**
   * Logs the ends that are known. They go along with the next entry, whatever it is, or with the next tick: an end by itself would
   * cost as much as a PREPARE, and nobody waits for it. Whoever does, has them logged at once.
   */
  finish(): void {
    while (this.#ending.length > 0 && this.#host.open)
      this.#host.append({ type: 'finish', ends: this.#ending.splice(0, atOnce) });
  }

  #tellFinished(tx: TxId, anchor: number): void {
    this.#host.tell(anchor, { type: 'tx-finished', p: anchor, tx, from: this.#host.p });
  }

  // ---- what was applied

  voted(command: Extract<Command, { type: 'prepare' }>, vote: Vote | null): void {
    const { tx, anchor } = command;
    this.#letGo(tx);
    const row = this.#host.machine.rows.get('prepared', tx);
    if (row !== undefined) this.#vote(row);
    else if (vote !== null && !vote.yes) this.#voteNo(tx, anchor, vote.reason, vote.message);
    this.#wake();
  }

  decided(
    command: Extract<Command, { type: 'decide' | 'abort' }>,
    { committed, result }: Extract<Applied, { type: 'decided' }>,
    seq: number,
  ): void {
    const { tx } = command;
    const c = this.#coordinated.get(tx);
    // An abort that was in the log before it came may have ended it.
    this.#letGo(tx);
    if (c !== undefined) {
      c.deciding = true;
      c.committed = committed;
      this.#note(c, 'decided', this.#host.p, seq, committed);
      this.#host.reached('decided', tx);
      this.#answer(c, result);
      const record = this.#host.machine.rows.get('record', tx);
      this.#sendFinishes(c, record?.prepared ?? c.others.map(([p]) => [p, c.votes.get(p)?.seq ?? 0]));
      // Nobody needs to be waited for: who missed it asks.
      if (record === undefined) this.#coordinated.delete(tx);
    }
    const asked = this.#asking.get(tx);
    this.#asking.delete(tx);
    if (this.#host.enoughInSync) for (const p of asked ?? []) this.#tellOutcome(tx, p);
    this.#wake();
  }

  finished(command: Extract<Command, { type: 'finish' }>): void {
    for (const [tx] of command.ends) {
      this.#finishing.delete(tx);
      this.#askedAt.delete(tx);
      this.#tellFinished(tx, Number(tx.split(':')[0]));
    }
    this.#wake();
  }

  // ---- time

  tick(): void {
    const { now, open } = this.#host;
    if (!open) return;
    if (!this.#adopted) this.#adopt();
    this.finish();
    for (const c of [...this.#coordinated.values()]) {
      if (c.committed !== null) {
        if (c.pauseAt !== null && now - c.since >= limits.txPauseMs) c.pauseAt = null;
        if (now - c.toldAt >= limits.txRetryMs) {
          const record = this.#host.machine.rows.get('record', c.tx);
          if (record !== undefined) this.#sendFinishes(c, record.prepared);
        }
      } else if (!c.deciding && this.#held.has(c.tx)) {
        if (now - c.since >= (c.pauseAt === 'prepared' ? limits.txPauseMs : limits.txPrepareMs))
          this.#abort(c, 'timeout', c.pauseAt === 'prepared' ? pausedTooLong : preparedTooLate);
        else if (now - c.toldAt >= limits.txRetryMs) {
          this.#sendPrepares(c);
          this.#decideIfAll(c);
        }
      }
    }
    for (const [tx, row] of this.#host.machine.rows.of('prepared')) {
      const asked = this.#askedAt.get(tx);
      if (asked === undefined) this.#askedAt.set(tx, now);
      else if (now - asked >= limits.txAskMs) {
        this.#askedAt.set(tx, now);
        const { anchor, seq } = row;
        this.#host.tell(anchor, { type: 'tx-query', p: anchor, tx, from: this.#host.p, seq });
      }
    }
    if (this.#toForget.length > 0 && (this.#coordinated.size === 0 || now >= this.#forgetAt)) this.#forget();
    this.#wake();
  }

  /** A new primary takes up every transaction whose end its log knows: tells the decision again. */
  #adopt(): void {
    this.#adopted = true;
    for (const [tx, record] of this.#host.machine.rows.of('record'))
      if (!this.#coordinated.has(tx)) this.#coordinated.set(tx, adopted(record, this.#host.now));
  }

  /** Nobody coordinates here any more; who waits for an answer is told by the caller. */
  end(): number[] {
    const origins = [...this.#coordinated.values()].flatMap((c) => c.origins);
    this.#coordinated.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) if (waiter.tx === null) waiter.give();
    return origins;
  }
}

function adopted({ tx, prepared }: Extract<Row, { kind: 'record' }>, now: number): Coordinated {
  return {
    tx,
    session: '0.0',
    n: 0,
    first: 0,
    at: 0,
    own: [],
    others: prepared.map(([p]) => [p, []]),
    origins: [],
    since: now,
    votes: new Map(),
    deciding: true,
    committed: true,
    finished: new Set(),
    toldAt: Number.NEGATIVE_INFINITY,
    pauseAt: null,
    trace: null,
  };
}

const preparedTooLate = 'not everybody could prepare in time';
const pausedTooLong = 'it was paused when all had prepared, and nobody let it go on';
