import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../util/turnover.js';
import type { Applied, PartitionMachine } from '../machine/machine.js';
import { outcomeResult } from '../machine/outcome.js';
import { Rows } from '../machine/rows.js';
import { fitsBytes, growthOfPart } from '../machine/size.js';
import {
  fitsReads,
  holdingOf,
  Intents,
  type PreparedRow,
  partsOf,
  type RecordRow,
  tooManyReads,
  unitsOfReads,
  type Vote,
  voteOn,
} from '../machine/transactions.js';
import type {
  Command,
  OpResult,
  PartEntry,
  PendingRow,
  Query,
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
import { type Trace, Traces } from './traces.js';

/** Transactions are finished and forgotten this many in one entry, when there are that many soon. */
const atOnce = 64;

export type TxRequest = Extract<ClientRequest, { type: 'tx' }>;
type Prepare = Extract<PeerMessage, { type: 'tx-prepare' }>;

/** What the transactions of a partition may ask of its primary. */
export interface TxHost {
  readonly p: number;
  /** In which this is the primary. */
  readonly epoch: number;
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
  /** Why so many more UTF-16 code units may not be kept; null: they may. */
  noRoom(growth: number): Refusal | null;
  /** Adds an entry. */
  append(command: Command): void;
  /** To the primary of partition `p`, wherever it is. */
  tell(p: number, message: PeerMessage): void;
  reply(origin: number, response: ClientResponse): void;
  /** A step at which a fault may be armed, or somebody may look. */
  reached(step: TxStep, tx: TxId): void;
}

/** Another partition that takes part in a transaction. */
interface Other {
  readonly p: number;
  /** Null: an earlier primary sent them, and the client has not come again. */
  items: readonly TxItem[] | null;
  /** Once it has voted for yes: the entry that prepared it. */
  seq: number | null;
  reads: readonly TxRead[];
  finished: boolean;
}

/** A transaction that this primary coordinates. */
interface Coordinated {
  readonly tx: TxId;
  readonly first: number;
  readonly at: number;
  /** The anchor's own. */
  readonly keys: readonly string[];
  readonly others: readonly Other[];
  /** Who is to be answered. */
  origins: number[];
  readonly since: number;
  /** It can still be aborted: no earlier primary can have said that it is committed. */
  abortable: boolean;
  /** The decision is in the log, not yet applied or applied. */
  deciding: boolean;
  /** Its client has been told that it is committed. */
  answered: boolean;
  /** Once it is decided. */
  committed: boolean | null;
  toldAt: number;
  /** Somebody wants to look at it at this step. */
  pauseAt: 'prepared' | 'decided' | null;
  /** What it did, for whoever looks. */
  trace: Trace | null;
}

interface Held {
  readonly items: readonly TxItem[];
  readonly at: number;
  /** The epoch of the primary that asked for it. */
  readonly epoch: number;
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
  /** What holds keys by an entry that prepares it and is not applied yet. */
  readonly #held = new TurnoverMap<TxId, Held>();
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
  readonly #traces = new Traces();
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
    return this.#traces.events(tx);
  }

  #note(
    c: Coordinated,
    what: TraceEvent['what'],
    p = this.#host.p,
    seq: number | null = null,
    yes: boolean | null = null,
  ): void {
    const { now } = this.#host;
    c.trace ??= this.#traces.of(c.tx, now);
    c.trace.note(now, what, p, seq, yes);
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

  /** Is that operation of a session a transaction which is not decided yet? */
  isOpen(session: SessionId, n: number): boolean {
    this.#adopt();
    return this.#coordinated.get(this.#idOf(session, n))?.committed === null;
  }

  #idOf(session: SessionId, n: number): TxId {
    return `${this.#host.p}:${session}:${n}`;
  }

  /** A client's transaction over several partitions. Its duplicates were looked up before. */
  begin(origin: number, request: TxRequest): void {
    const { session, n, first, at, pauseAt } = request;
    const tx = this.#idOf(session, n);
    this.#adopt();
    const parts = byPartition(request.op.items, this.#host.partitions);
    const known = this.#coordinated.get(tx);
    if (known !== undefined) {
      known.origins.push(origin);
      this.#cameAgain(known, parts);
      return;
    }
    const own = parts.get(this.#host.p) ?? [];
    parts.delete(this.#host.p);
    const others = [...parts].map(([p, items]) => other(p, items));
    const c = coordinated({ tx, first, at, others, keys: own.map(({ key }) => key) }, this.#host.now);
    this.#coordinated.set(tx, c);
    c.origins.push(origin);
    c.pauseAt = pauseAt ?? null;
    this.#note(c, 'came');
    const start = (): void => {
      if (c.deciding) return;
      const refusal = this.#host.mayWrite() ?? this.#noRoomFor(own);
      if (refusal !== null) this.#refuse(c, refusal);
      else if (!this.#failsHere(c, own)) {
        this.#hold(tx, own, at, this.#host.epoch);
        this.#host.append({
          type: 'stage',
          tx,
          session,
          n,
          first,
          at,
          own,
          others: others.map(({ p }) => p),
        });
        this.#sendPrepares(c);
      }
    };
    this.#whenFree(tx, at, own, start, () => {
      if (c.deciding) return;
      const message = 'another transaction holds a key';
      this.#refuse(c, { ok: false, code: 'busy', message, revision: 0 });
    });
  }

  /** The client of what an earlier primary staged: now it is known what the others were asked. */
  #cameAgain(c: Coordinated, parts: ReadonlyMap<number, readonly TxItem[]>): void {
    if (c.deciding || c.others.every(({ items }) => items !== null)) return;
    for (const one of c.others) one.items = parts.get(one.p) ?? null;
    this.#note(c, 'came');
    this.#sendPrepares(c);
  }

  #noRoomFor(items: readonly TxItem[]): Refusal | null {
    return this.#host.noRoom(growthOfPart(items, this.#host.machine.cells));
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
  #failsHere(c: Coordinated, own: readonly TxItem[]): boolean {
    const { machine } = this.#host;
    if (machine.intents.against(c.tx, own).size > 0) return false;
    const vote = voteOn(own, machine.cells);
    if (!vote.yes) this.#abort(c, vote.reason, vote.message);
    return !vote.yes;
  }

  #hold(tx: TxId, items: readonly TxItem[], at: number, epoch: number): void {
    this.#held.set(tx, { items, at, epoch });
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
    const { rows } = this.#host.machine;
    const holds = this.#held.get(other) ?? rows.get('prepared', other) ?? rows.get('staged', other);
    const otherAt = holds?.at ?? Number.NEGATIVE_INFINITY;
    return at < otherAt || (at === otherAt && tx < other);
  }

  #sendPrepares(c: Coordinated): void {
    const { p: anchor, epoch } = this.#host;
    c.toldAt = this.#host.now;
    for (const { p, items, seq } of c.others) {
      if (seq !== null) continue;
      this.#note(c, 'prepare', p);
      if (items === null) this.#host.tell(p, { type: 'tx-ask', p, tx: c.tx, anchor, epoch });
      else this.#host.tell(p, { type: 'tx-prepare', p, tx: c.tx, anchor, epoch, at: c.at, items });
    }
    this.#host.reached('prepares-sent', c.tx);
  }

  onVote(m: Extract<PeerMessage, { type: 'tx-vote' }>): void {
    this.#adopt();
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.deciding) return;
    if (m.yes) {
      this.#note(c, 'vote', m.from, m.seq, true);
      const from = c.others.find(({ p }) => p === m.from);
      if (from === undefined) return;
      from.seq = m.seq;
      from.reads = m.reads;
      this.#decideIfAll(c);
      return;
    }
    // Whoever refused an earlier primary may have prepared for another since, and the client may have been told.
    if (m.epoch !== this.#host.epoch) return;
    c.abortable = true;
    if (m.reason === 'lost') return;
    this.#note(c, 'vote', m.from, null, false);
    this.#abort(c, m.reason, m.message);
  }

  /** Its own part is prepared. */
  staged(tx: TxId): void {
    this.#letGo(tx);
    const c = this.#coordinated.get(tx);
    const row = this.#host.machine.rows.get('staged', tx);
    if (c !== undefined && row !== undefined) {
      this.#note(c, 'vote', this.#host.p, row.seq, true);
      this.#decideIfAll(c);
    }
    this.#wake();
  }

  /**
   * When all have prepared, whoever comes after this primary finds that out and can only commit it; and as long as this one is certainly
   * the primary nobody else has ended it. So it is committed, and the client need not wait for the entry that says so (parallel
   * commits: CockroachDB, SIGMOD 2020; decision 0034).
   */
  #decideIfAll(c: Coordinated): void {
    const { machine, rules } = this.#host;
    if (c.deciding || !this.#host.open || c.others.some(({ seq }) => seq === null)) return;
    const row = machine.rows.get('staged', c.tx);
    if (row === undefined && (rules.answerWhenStaged || !this.#held.has(c.tx))) return;
    this.#host.reached('votes-in', c.tx);
    if (c.pauseAt === 'prepared') return;
    const { tx, others } = c;
    const reads = others.flatMap((one) => one.reads);
    const prepared = preparedBy(c);
    const all = [...(row?.reads ?? []), ...reads];
    const decide = { type: 'decide', tx, reads, prepared } as const;
    if (!fitsReads(all) || !fitsBytes(decide, limits.entryBytes)) {
      this.#abort(c, 'too-large', tooManyReads);
      return;
    }
    // Nobody can have been told that it is committed: else it is, however much it has read.
    const lacking = c.abortable ? this.#host.noRoom(reads.length > 0 ? unitsOfReads(reads) : 0) : null;
    if (lacking !== null) {
      this.#abort(c, 'too-large', lacking.message);
      return;
    }
    const certain = this.#host.enoughInSync && this.#host.current();
    this.#log(c, decide);
    if (!certain) return;
    c.answered = true;
    this.#answer(c, true, outcomeResult({ outcome: 'committed', reads: all }));
    this.#host.reached('answered', tx);
  }

  #abort(c: Coordinated, reason: TxReason, message: string): void {
    const { tx, first } = c;
    const { session, n } = partsOf(tx);
    if (!c.deciding && this.#host.open)
      this.#log(c, { type: 'abort', tx, session, n, first, reason, message });
  }

  #log(c: Coordinated, decision: Extract<Command, { type: 'decide' | 'abort' }>): void {
    c.deciding = true;
    if (this.#toForget.length >= atOnce) this.#forget();
    this.#host.append(decision);
    if (this.#host.machine.rows.get('staged', c.tx) !== undefined) this.#finishing.add(c.tx);
    if (!this.#host.rules.decisionDurable && decision.type === 'decide') {
      c.committed = true;
      this.#sendFinishes(c, decision.prepared);
    }
    this.#host.reached('deciding', c.tx);
    this.#wake();
  }

  #answer(c: Coordinated, committed: boolean, result: OpResult): void {
    if (c.origins.length === 0) return;
    this.#note(c, 'answered', this.#host.p, null, committed);
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
      if (c.others.some((one) => one.p === p && one.finished)) continue;
      this.#note(c, 'finish', p, seq, commit);
      this.#host.tell(p, { type: 'tx-finish', p, tx: c.tx, anchor: this.#host.p, commit, seq });
    }
    this.#host.reached('finishes-sent', c.tx);
  }

  onFinished(m: Extract<PeerMessage, { type: 'tx-finished' }>): void {
    const c = this.#coordinated.get(m.tx);
    if (c === undefined || c.committed === null) return;
    for (const one of c.others) if (one.p === m.from) one.finished = true;
    this.#note(c, 'finished', m.from);
    if (c.others.some(({ finished }) => !finished)) return;
    this.#coordinated.delete(m.tx);
    if (this.#host.machine.rows.get('record', m.tx) === undefined) return;
    if (this.#toForget.length === 0) this.#forgetAt = this.#host.now + limits.txForgetMs;
    this.#toForget.push(m.tx);
  }

  /** A participant asks what became of a transaction. */
  onQuery(m: Extract<PeerMessage, { type: 'tx-query' }>): void {
    const { tx, from } = m;
    if (!this.#host.open || !this.#host.enoughInSync) return;
    this.#adopt();
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
    const { session, n } = partsOf(tx);
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
    this.#host.append({ type: 'abort', tx, session, n, first: 0, reason: 'lost', message: diedBefore });
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

  /**
   * Somebody wants an end of it. Never overrides a decision. Says what it is then, or, as a list, of which participants this new primary
   * has to know first whether they have prepared; an empty one: it is being decided.
   */
  abort(tx: TxId): 'committed' | 'aborting' | 'unknown' | readonly number[] {
    this.#adopt();
    if (this.#host.machine.rows.get('record', tx) !== undefined) return 'committed';
    const c = this.#coordinated.get(tx);
    if (c === undefined) return 'unknown';
    if (c.answered) return 'committed';
    if (c.deciding || !this.#host.open) return [];
    if (!c.abortable) return c.others.filter(({ seq }) => seq === null).map(({ p }) => p);
    this.#abort(c, 'asked', 'somebody asked for it');
    return 'aborting';
  }

  /** What has no record yet: not decided, or committed, as its client knows, and the record is on its way. */
  pending(): (PendingRow | RecordRow)[] {
    this.#adopt();
    return [...this.#coordinated.values()]
      .filter((c) => c.committed === null)
      .map((c) => {
        const { tx, keys } = c;
        return c.answered
          ? { kind: 'record', tx, keys, prepared: preparedBy(c) }
          : { kind: 'pending', tx, keys, others: c.others.map(({ p }) => p) };
      });
  }

  // ---- as participant

  onPrepare(m: Prepare): void {
    const { tx, at, items, epoch } = m;
    const { machine } = this.#host;
    if (this.#hasVoted(tx)) return;
    if (!this.#host.open || this.#held.has(tx) || this.#waiting.some((w) => w.tx === tx)) return;
    const no = (reason: 'unavailable' | 'conflict', message: string): void =>
      this.#voteNo(tx, m.anchor, epoch, reason, message);
    const go = (): void => {
      const refusal = this.#host.mayWrite() ?? this.#noRoomFor(items);
      if (refusal !== null) no('unavailable', refusal.message);
      else if (machine.rows.get('prepared', tx) === undefined && !this.#held.has(tx)) {
        this.#hold(tx, items, at, epoch);
        this.#host.append({ type: 'prepare', tx, anchor: m.anchor, at, items });
      }
    };
    this.#whenFree(tx, at, items, go, () => no('conflict', 'another transaction holds a key'));
  }

  /** What has not prepared by now may still do so: that harms nobody, for it will ask what became of it. */
  onAsk(m: Extract<PeerMessage, { type: 'tx-ask' }>): void {
    if (this.#hasVoted(m.tx) || !this.#host.open || this.#held.has(m.tx)) return;
    this.#voteNo(m.tx, m.anchor, m.epoch, 'lost', 'it has not prepared');
  }

  /** A repeated question: says once more what it has promised, unless that is about to end. */
  #hasVoted(tx: TxId): boolean {
    const row = this.#host.machine.rows.get('prepared', tx);
    if (row === undefined) return false;
    if (!this.#finishing.has(tx)) this.#vote(row);
    return true;
  }

  /** With what too few disks hold nobody may reckon yet (R5): it is asked again. */
  #vote(row: PreparedRow): void {
    if (!this.#host.enoughInSync && this.#host.rules.votesNeedInSync) return;
    const { tx, anchor, seq, reads } = row;
    this.#tellVote(tx, anchor, { epoch: 0, seq, yes: true, reads, reason: 'check', message: '' });
    this.#host.reached('voted', tx);
  }

  /** Only who is certainly the primary can know that nothing is prepared. */
  #voteNo(tx: TxId, anchor: number, epoch: number, reason: TxReason, message: string): void {
    if (this.#host.current())
      this.#tellVote(tx, anchor, { epoch, seq: 0, yes: false, reads: [], reason, message });
  }

  #tellVote(
    tx: TxId,
    anchor: number,
    vote: Omit<Extract<PeerMessage, { type: 'tx-vote' }>, 'type' | 'p' | 'tx' | 'from'>,
  ): void {
    const { epoch, seq, yes, reads, reason, message } = vote;
    const from = this.#host.p;
    this.#host.tell(anchor, {
      type: 'tx-vote',
      p: anchor,
      tx,
      from,
      epoch,
      seq,
      yes,
      reads,
      reason,
      message,
    });
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
    const epoch = this.#held.get(tx)?.epoch;
    this.#letGo(tx);
    const row = this.#host.machine.rows.get('prepared', tx);
    if (row !== undefined) this.#vote(row);
    else if (vote !== null && !vote.yes && epoch !== undefined)
      this.#voteNo(tx, anchor, epoch, vote.reason, vote.message);
    this.#wake();
  }

  decided(tx: TxId, { committed, result }: Extract<Applied, { type: 'decided' }>, seq: number): void {
    const c = this.#coordinated.get(tx);
    // Its own part could not be prepared, or an abort that was in the log before it came had ended it.
    this.#letGo(tx);
    this.#finishing.delete(tx);
    if (c !== undefined) {
      c.deciding = true;
      c.committed = committed;
      this.#note(c, 'decided', this.#host.p, seq, committed);
      this.#host.reached('decided', tx);
      this.#answer(c, committed, result);
      const record = this.#host.machine.rows.get('record', tx);
      this.#sendFinishes(c, record?.prepared ?? preparedBy(c));
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
      this.#tellFinished(tx, partsOf(tx).anchor);
    }
    this.#wake();
  }

  // ---- time

  tick(): void {
    const { now, open } = this.#host;
    if (!open) return;
    this.#adopt();
    this.finish();
    for (const c of [...this.#coordinated.values()]) {
      if (c.committed !== null) {
        if (c.pauseAt !== null && now - c.since >= limits.txPauseMs) c.pauseAt = null;
        if (now - c.toldAt >= limits.txRetryMs) {
          const record = this.#host.machine.rows.get('record', c.tx);
          if (record !== undefined) this.#sendFinishes(c, record.prepared);
        }
      } else if (!c.deciding && this.#hasBegun(c.tx)) this.#goOn(c);
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

  /** Is its own part in the log? Else it waits for a key. */
  #hasBegun(tx: TxId): boolean {
    return this.#held.has(tx) || this.#host.machine.rows.get('staged', tx) !== undefined;
  }

  /** It waits for the others; not for ever. */
  #goOn(c: Coordinated): void {
    const { now } = this.#host;
    const since = now - c.since;
    if (c.others.some(({ items }) => items === null)) {
      // The client of what an earlier primary staged has some time to come again.
      if (c.abortable && since >= limits.txReturnMs) {
        this.#abort(c, 'lost', diedBefore);
        return;
      }
    } else if (c.abortable && since >= (c.pauseAt === 'prepared' ? limits.txPauseMs : limits.txPrepareMs)) {
      this.#abort(c, 'timeout', c.pauseAt === 'prepared' ? pausedTooLong : preparedTooLate);
      return;
    }
    if (now - c.toldAt < limits.txRetryMs) return;
    this.#sendPrepares(c);
    this.#decideIfAll(c);
  }

  /** A new primary takes up every transaction that its log knows: tells a decision again, or asks who has prepared. */
  #adopt(): void {
    if (this.#adopted || !this.#host.open) return;
    this.#adopted = true;
    const { machine, now, rules } = this.#host;
    for (const [tx, { keys, prepared }] of machine.rows.of('record')) {
      if (this.#coordinated.has(tx)) continue;
      const others = prepared.map(([p]) => other(p, null));
      const c = coordinated({ tx, first: 0, at: 0, others, keys }, now);
      c.deciding = true;
      c.committed = true;
      c.toldAt = Number.NEGATIVE_INFINITY;
      this.#coordinated.set(tx, c);
    }
    for (const [tx, { others, at, items }] of machine.rows.of('staged')) {
      if (this.#coordinated.has(tx)) continue;
      const keys = items.map(({ key }) => key);
      const c = coordinated({ tx, first: 0, at, others: others.map((p) => other(p, null)), keys }, now);
      c.abortable = false;
      this.#coordinated.set(tx, c);
      if (rules.stagedAreAsked) this.#sendPrepares(c);
      else this.#abort(c, 'lost', diedBefore);
    }
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

const other = (p: number, items: Other['items']): Other => ({
  p,
  items,
  seq: null,
  reads: [],
  finished: false,
});

/** Of each other participant, the entry by which it prepared; 0: it has not voted. */
const preparedBy = ({ others }: Coordinated): PartEntry[] => others.map(({ p, seq }) => [p, seq ?? 0]);

function coordinated(
  of: Pick<Coordinated, 'tx' | 'first' | 'at' | 'others' | 'keys'>,
  now: number,
): Coordinated {
  return {
    tx: of.tx,
    first: of.first,
    at: of.at,
    keys: of.keys,
    others: of.others,
    origins: [],
    since: now,
    abortable: true,
    deciding: false,
    answered: false,
    committed: null,
    toldAt: now,
    pauseAt: null,
    trace: null,
  };
}

const diedBefore = 'its coordinator died before it was decided';
const preparedTooLate = 'not everybody could prepare in time';
const pausedTooLong = 'it was paused when all had prepared, and nobody let it go on';
