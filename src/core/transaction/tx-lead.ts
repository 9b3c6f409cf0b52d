import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../turnover.js';
import { outcomeResult, type PartitionMachine } from '../machine/machine.js';
import { Rows } from '../machine/rows.js';
import {
  fitsReads,
  holdingOf,
  Intents,
  type PreparedRow,
  type RecordRow,
  tooManyReads,
  type Vote,
} from '../machine/transactions.js';
import type {
  Command,
  Query,
  SessionId,
  TraceEvent,
  TxEnd,
  TxId,
  TxItem,
  TxOutcome,
  TxRead,
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
  readonly machine: PartitionMachine;
  readonly rules: Rules;
  readonly partitions: number;
  /** May entries be added now? Not while the partition is being handed over, or before its barrier. */
  readonly open: boolean;
  /** Is this certainly the primary, as of now (R11)? */
  current(): boolean;
  /** Why nothing new may be written; null: it may. */
  mayWrite(): Refusal | null;
  /** Adds an entry; the origins are answered when it is applied. */
  append(command: Command, origins?: readonly number[]): void;
  /** To the primary of partition `p`, wherever it is. */
  tell(p: number, message: PeerMessage): void;
  reply(origin: number, response: ClientResponse): void;
  /** A step at which a fault may be armed, or somebody may look. */
  reached(step: TxStep, tx: TxId): void;
}

/** A transaction that this primary coordinates. All of it can be found again from the record. */
interface Coordinated {
  readonly tx: TxId;
  readonly session: SessionId;
  readonly n: number;
  readonly at: number;
  readonly others: readonly (readonly [p: number, items: readonly TxItem[]])[];
  /** Who is to be answered. */
  readonly origins: number[];
  readonly since: number;
  /** Of each other participant that voted for yes. */
  readonly votes: Map<number, { readonly seq: number; readonly reads: readonly TxRead[] }>;
  /** What this partition itself reads; null: its begin is not applied yet. */
  own: readonly TxRead[] | null;
  /** The decision is in the log, not yet applied or applied. */
  deciding: boolean;
  decided: TxOutcome | null;
  /** Who has said to have finished. */
  readonly finished: Set<number>;
  toldAt: number;
  /** Somebody voted for no. */
  refused: TxOutcome | null;
  /** Somebody wants to look at it at this step. */
  pauseAt: 'prepared' | 'decided' | null;
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
  /** Begins and prepares in the log and not yet applied: they hold their keys already. */
  readonly #pipelined = new TurnoverMap<TxId, { readonly items: readonly TxItem[]; readonly at: number }>();
  readonly #pipelineIntents: Intents;
  #waiting: Waiting[] = [];
  /** When each prepared transaction was first seen, or last asked about. */
  readonly #askedAt = new TurnoverMap<TxId, number>();
  /** What is decided, and its end not in the log yet: nobody waits for it. */
  readonly #ending: TxEnd[] = [];
  /** Ends that are known, in the log or about to be, and not yet applied. */
  readonly #finishing = new TurnoverSet<TxId>();
  /** Tombstones and decisions asked for by others: who waits for which. */
  readonly #asking = new Map<TxId, Set<number>>();
  #toForget: TxId[] = [];
  #forgetAt = 0;
  readonly #traces = new TurnoverMap<TxId, { readonly since: number; readonly events: TraceEvent[] }>();
  #adopted = false;

  constructor(host: TxHost) {
    this.#host = host;
    this.#pipelineIntents = new Intents(
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
    tx: TxId,
    what: TraceEvent['what'],
    p = this.#host.p,
    seq: number | null = null,
    yes: boolean | null = null,
  ): void {
    let trace = this.#traces.get(tx);
    if (trace === undefined) {
      if (what === 'finished') return;
      trace = { since: this.#host.now, events: [] };
      this.#traces.set(tx, trace);
      const oldest = this.#traces.keys().next().value;
      if (this.#traces.size > limits.txTraces && oldest !== undefined) this.#traces.delete(oldest);
    }
    if (trace.events.length < limits.txTraceEvents)
      trace.events.push({ at: this.#host.now - trace.since, what, p, seq, yes });
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
      else if (this.#coordinated.get(other)?.deciding !== true) found.push(other);
    }
    if (this.#pipelined.size > 0)
      for (const other of this.#pipelineIntents.against(tx, items)) found.push(other);
    return found;
  }

  /** Must an operation of its own wait? */
  blocks(items: readonly TxItem[]): boolean {
    if (this.#pipelined.size === 0 && this.#host.machine.intents.size === 0) return false;
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
    const { session, n, at, pauseAt } = request;
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
    const coordinated: Coordinated = {
      tx,
      session,
      n,
      at,
      others,
      origins: [origin],
      since: this.#host.now,
      votes: new Map(),
      own: null,
      deciding: false,
      decided: null,
      finished: new Set(),
      toldAt: this.#host.now,
      refused: null,
      pauseAt: pauseAt ?? null,
    };
    this.#coordinated.set(tx, coordinated);
    this.#note(tx, 'came');
    const start = (): void => {
      const refusal = this.#host.mayWrite();
      if (refusal !== null) {
        this.#coordinated.delete(tx);
        for (const waiter of coordinated.origins) this.#host.reply(waiter, refusal);
        return;
      }
      this.#append(tx, own, at, {
        type: 'begin',
        tx,
        session,
        n,
        first: request.first,
        at,
        own,
        others,
      });
      this.#host.reached('begun', tx);
      this.#sendPrepares(coordinated);
    };
    this.#whenFree(tx, at, own, start, () => {
      // It never began, and its session knows nothing of it: the client may try again under the same number.
      this.#coordinated.delete(tx);
      const { revision, message } = this.#conflict();
      for (const waiter of coordinated.origins)
        this.#host.reply(waiter, { ok: false, code: 'busy', message, revision });
    });
  }

  #conflict(): { revision: number; message: string } {
    return { revision: 0, message: 'another transaction holds a key' };
  }

  #append(tx: TxId, items: readonly TxItem[], at: number, command: Command): void {
    this.#pipelined.set(tx, { items, at });
    this.#pipelineIntents.hold(tx, items);
    this.#host.append(command);
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
    const { rows } = this.#host.machine;
    const otherAt =
      this.#coordinated.get(other)?.at ??
      this.#pipelined.get(other)?.at ??
      rows.get('prepared', other)?.at ??
      rows.get('record', other)?.at ??
      Number.NEGATIVE_INFINITY;
    return at < otherAt || (at === otherAt && tx < other);
  }

  #sendPrepares(c: Coordinated): void {
    c.toldAt = this.#host.now;
    for (const [p, items] of c.others) {
      if (c.votes.has(p)) continue;
      this.#note(c.tx, 'prepare', p);
      this.#host.tell(p, { type: 'tx-prepare', p, tx: c.tx, anchor: this.#host.p, at: c.at, items });
    }
    this.#host.reached('prepares-sent', c.tx);
  }

  onVote(m: Extract<PeerMessage, { type: 'tx-vote' }>): void {
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.deciding) return;
    this.#note(m.tx, 'vote', m.from, m.yes ? m.seq : null, m.yes);
    if (!m.yes) {
      c.refused = { outcome: 'aborted', reason: m.reason, message: m.message };
      this.#decideIfAll(c);
      return;
    }
    c.votes.set(m.from, { seq: m.seq, reads: m.reads });
    this.#decideIfAll(c);
  }

  #decideIfAll(c: Coordinated): void {
    if (c.deciding || c.own === null || !this.#host.open) return;
    if (c.refused !== null) {
      this.#decide(c, c.refused);
      return;
    }
    if (c.votes.size < c.others.length) return;
    this.#host.reached('votes-in', c.tx);
    if (c.pauseAt === 'prepared') return;
    const reads = [...c.own, ...c.others.flatMap(([p]) => c.votes.get(p)?.reads ?? [])];
    // The decision carries them, and has to fit a frame.
    this.#decide(c, fitsReads(reads) ? { outcome: 'committed', reads } : tooLarge);
  }

  #decide(c: Coordinated, outcome: TxOutcome): void {
    if (c.deciding || !this.#host.open) return;
    c.deciding = true;
    const { tx, session, n } = c;
    const prepared = c.others.map(([p]) => [p, c.votes.get(p)?.seq ?? 0] as const);
    if (this.#toForget.length >= atOnce) this.#forget();
    this.#host.append({ type: 'decide', tx, session, n, outcome, prepared }, c.origins);
    if (!this.#host.rules.decisionDurable) {
      c.decided = outcome;
      this.#sendFinishes(c, prepared);
      for (const origin of c.origins)
        this.#host.reply(origin, { ok: true, type: 'write', result: outcomeResult(outcome) });
    }
    this.#host.reached('deciding', tx);
    this.#wake();
  }

  #forget(): void {
    this.#host.append({ type: 'forget', txs: this.#toForget });
    this.#toForget = [];
  }

  #sendFinishes(c: Coordinated, prepared: readonly (readonly [p: number, seq: number])[]): void {
    c.toldAt = this.#host.now;
    if (c.decided === null || c.pauseAt === 'decided') return;
    const commit = c.decided.outcome === 'committed';
    for (const [p, seq] of prepared) {
      if (c.finished.has(p)) continue;
      this.#note(c.tx, 'finish', p, seq, commit);
      this.#host.tell(p, { type: 'tx-finish', p, tx: c.tx, anchor: this.#host.p, commit, seq });
    }
    this.#host.reached('finishes-sent', c.tx);
  }

  onFinished(m: Extract<PeerMessage, { type: 'tx-finished' }>): void {
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.decided === null) return;
    c.finished.add(m.from);
    this.#note(m.tx, 'finished', m.from);
    if (c.finished.size < c.others.length) return;
    this.#coordinated.delete(m.tx);
    if (this.#host.machine.rows.get('record', m.tx) === undefined) return;
    if (this.#toForget.length === 0) this.#forgetAt = this.#host.now + limits.txForgetMs;
    this.#toForget.push(m.tx);
  }

  /** A participant asks what became of a transaction. */
  onQuery(m: Extract<PeerMessage, { type: 'tx-query' }>): void {
    const { tx, from } = m;
    if (!this.#host.open) return;
    const { machine, rules } = this.#host;
    const record = machine.rows.get('record', tx);
    if (record?.prepared != null) {
      const seq = record.prepared.find(([p]) => p === from)?.[1] ?? 0;
      if (this.#coordinated.get(tx)?.pauseAt !== 'decided') this.#tellFinish(tx, from, true, seq);
      return;
    }
    if (record !== undefined || this.#coordinated.has(tx)) return;
    if (!rules.presumedAbort) {
      this.#tellFinish(tx, from, true, m.seq);
      return;
    }
    const [, session, number] = tx.split(':') as [string, SessionId, string];
    const n = Number(number);
    const known = machine.lookup(session, n, 0);
    // Decided and forgotten, or never to begin: what was prepared for it may go. That a session is not known is true of the newest
    // state only, and so needs the leases of a read.
    if (known === 'unknown-session' && !this.#host.current()) return;
    if (known !== null) {
      this.#tellFinish(tx, from, false, 0);
      return;
    }
    const waiting = this.#asking.get(tx);
    if (waiting !== undefined) {
      waiting.add(from);
      return;
    }
    this.#asking.set(tx, new Set([from]));
    const outcome: TxOutcome = {
      outcome: 'aborted',
      reason: 'lost',
      message: 'its coordinator died before it began',
    };
    this.#host.append({ type: 'decide', tx, session, n, outcome, prepared: [] });
  }

  #tellFinish(tx: TxId, p: number, commit: boolean, seq: number): void {
    this.#host.tell(p, { type: 'tx-finish', p, tx, anchor: this.#host.p, commit, seq });
  }

  /** Somebody wants an end of it. Never overrides a decision. Says what it is then. */
  abort(tx: TxId): 'committed' | 'aborting' | 'unknown' {
    const record = this.#host.machine.rows.get('record', tx);
    if (record?.prepared != null) return 'committed';
    const c = this.#coordinated.get(tx);
    if (c === undefined) return 'unknown';
    if (c.decided?.outcome === 'committed') return 'committed';
    this.#decide(c, { outcome: 'aborted', reason: 'asked', message: 'somebody asked for it' });
    return 'aborting';
  }

  // ---- as participant

  onPrepare(m: Prepare): void {
    const { tx, at, items } = m;
    const { machine } = this.#host;
    const row = machine.rows.get('prepared', tx);
    if (row !== undefined) {
      this.#vote(row);
      return;
    }
    if (!this.#host.open || this.#pipelined.has(tx) || this.#waiting.some((w) => w.tx === tx)) return;
    const no = (reason: 'unavailable' | 'conflict', message: string): void =>
      this.#host.tell(m.anchor, {
        type: 'tx-vote',
        p: m.anchor,
        tx,
        from: this.#host.p,
        seq: 0,
        yes: false,
        reads: [],
        reason,
        message,
      });
    const go = (): void => {
      const refusal = this.#host.mayWrite();
      if (refusal !== null) no('unavailable', refusal.message);
      else if (machine.rows.get('prepared', tx) === undefined && !this.#pipelined.has(tx)) {
        this.#append(tx, items, at, { type: 'prepare', tx, anchor: m.anchor, at, items });
      }
    };
    this.#whenFree(tx, at, items, go, () => no('conflict', 'another transaction holds a key'));
  }

  #vote(row: PreparedRow): void {
    const { tx, anchor, seq, reads } = row;
    this.#host.tell(anchor, {
      type: 'tx-vote',
      p: anchor,
      tx,
      from: this.#host.p,
      seq,
      yes: true,
      reads,
      reason: 'check',
      message: '',
    });
    this.#host.reached('voted', tx);
  }

  onFinish(m: Extract<PeerMessage, { type: 'tx-finish' }>): void {
    const { tx, commit, seq } = m;
    const row = this.#host.machine.rows.get('prepared', tx);
    if (row === undefined) {
      // Nothing is prepared, nor about to be: it is finished here.
      if (!this.#pipelined.has(tx)) this.#tellFinished(tx, m.anchor);
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

  voted(command: Command, vote: Vote | null, seq: number): void {
    if (command.type !== 'begin' && command.type !== 'prepare') return;
    const { tx } = command;
    const pipelined = this.#pipelined.get(tx);
    if (pipelined !== undefined) {
      this.#pipelined.delete(tx);
      this.#pipelineIntents.release(tx, pipelined.items);
    }
    if (command.type === 'prepare') {
      const row = this.#host.machine.rows.get('prepared', tx);
      if (row !== undefined) this.#vote(row);
      else if (vote !== null && !vote.yes) {
        const { reason, message } = vote;
        this.#host.tell(command.anchor, {
          type: 'tx-vote',
          p: command.anchor,
          tx,
          from: this.#host.p,
          seq: 0,
          yes: false,
          reads: [],
          reason,
          message,
        });
      }
    } else this.#begun(tx, vote, seq);
    this.#wake();
  }

  #begun(tx: TxId, vote: Vote | null, seq: number): void {
    const c = this.#coordinated.get(tx);
    if (c === undefined) return;
    if (vote?.yes === true) {
      c.own = vote.reads;
      this.#note(tx, 'begun', this.#host.p, seq, true);
      this.#decideIfAll(c);
      return;
    }
    // It came to nothing: its session has the result, or is gone.
    this.#coordinated.delete(tx);
    const [, session, n] = tx.split(':') as [string, SessionId, string];
    const known = this.#host.machine.lookup(session, Number(n), 0);
    for (const origin of c.origins) {
      if (known !== null && typeof known === 'object')
        this.#host.reply(origin, { ok: true, type: 'write', result: known });
      else {
        const message = 'the session is not known here: it was idle too long or was closed';
        this.#host.reply(origin, { ok: false, code: 'session-expired', message, revision: 0 });
      }
    }
    for (const [p] of c.others) this.#tellFinish(tx, p, false, 0);
  }

  decided(command: Extract<Command, { type: 'decide' }>, seq: number): void {
    const { tx, outcome, prepared } = command;
    const c = this.#coordinated.get(tx);
    if (c !== undefined) {
      c.decided = outcome;
      this.#note(tx, 'decided', this.#host.p, seq, outcome.outcome === 'committed');
      this.#host.reached('decided', tx);
      this.#sendFinishes(c, prepared);
      if (c.others.length === 0 || outcome.outcome === 'aborted') {
        // Nobody needs to be waited for: who missed it asks.
        this.#coordinated.delete(tx);
      }
    }
    const asked = this.#asking.get(tx);
    this.#asking.delete(tx);
    for (const p of asked ?? []) this.#tellFinish(tx, p, false, 0);
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
      if (c.decided !== null) {
        if (c.pauseAt !== null && now - c.since >= limits.txPauseMs) c.pauseAt = null;
        if (now - c.toldAt >= limits.txRetryMs) {
          const prepared = this.#host.machine.rows.get('record', c.tx)?.prepared;
          if (prepared != null) this.#sendFinishes(c, prepared);
        }
      } else if (c.own !== null && !c.deciding) {
        if (now - c.since >= (c.pauseAt === 'prepared' ? limits.txPauseMs : limits.txPrepareMs))
          this.#decide(c, c.pauseAt === 'prepared' ? pausedTooLong : preparedTooLate);
        else if (now - c.toldAt >= limits.txRetryMs) this.#sendPrepares(c);
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

  /** A new primary takes up every transaction that its log left open: asks for the votes again, or tells the decision again. */
  #adopt(): void {
    this.#adopted = true;
    for (const [tx, record] of this.#host.machine.rows.of('record')) {
      if (this.#coordinated.has(tx)) continue;
      this.#coordinated.set(tx, adopted(record, this.#host.now));
    }
  }

  /** Nobody coordinates here any more; who waits for an answer is told by the caller. */
  end(): number[] {
    const origins = [...this.#coordinated.values()].filter((c) => !c.deciding).flatMap((c) => c.origins);
    this.#coordinated.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) if (waiter.tx === null) waiter.give();
    return origins;
  }
}

function adopted(record: RecordRow, now: number): Coordinated {
  const { tx, session, n, at, others, reads, prepared } = record;
  return {
    tx,
    session,
    n,
    at,
    others,
    origins: [],
    since: now,
    votes: new Map(),
    own: reads,
    deciding: prepared !== null,
    decided: prepared === null ? null : { outcome: 'committed', reads: [] },
    finished: new Set(),
    toldAt: Number.NEGATIVE_INFINITY,
    refused: null,
    pauseAt: null,
  };
}

const preparedTooLate: TxOutcome = {
  outcome: 'aborted',
  reason: 'timeout',
  message: 'not everybody could prepare in time',
};
const pausedTooLong: TxOutcome = {
  outcome: 'aborted',
  reason: 'timeout',
  message: 'it was paused when all had prepared, and nobody let it go on',
};
const tooLarge: TxOutcome = { outcome: 'aborted', reason: 'too-large', message: tooManyReads };
