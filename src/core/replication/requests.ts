import { limits } from '../../limits.js';
import { asItem } from '../machine/machine.js';
import { growthOf } from '../machine/size.js';
import type { Command, Query, QueryResult, SessionId, TxId, TxItem } from '../machine/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../messages.js';
import type { TxLead, TxRequest } from '../transaction/tx-lead.js';
import type { Admission } from './admission.js';
import type { LedReplica, ReplicaContext } from './context.js';
import type { InSyncSet } from './in-sync-set.js';
import type { LockExpiry } from './lock-expiry.js';
import type { Pipeline } from './pipeline.js';

type Write = Extract<ClientRequest, { type: 'write' }>;

/** The parts of a primary that requests meet. */
export interface Desk {
  readonly set: InSyncSet;
  readonly admission: Admission;
  readonly pipeline: Pipeline;
  readonly locks: LockExpiry;
  readonly tx: TxLead;
  /** The barrier of the epoch is committed. */
  readonly serving: boolean;
  accept(command: Command, origins: readonly number[]): void;
  /** Takes a request that had to wait from the beginning. */
  again(origin: number, request: ClientRequest): void;
}

/** What a primary does with each kind of request: answer, refuse, make wait, or take into the log. */
export class Requests {
  /** Only for the variant that remembers a lease as a flag. */
  leaseFlag = false;
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #desk: Desk;

  constructor(replica: LedReplica, ctx: ReplicaContext, desk: Desk) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#desk = desk;
  }

  handle(origin: number, request: ClientRequest): void {
    switch (request.type) {
      case 'write':
        this.#write(origin, request);
        break;
      case 'read':
        this.#read(origin, request.query);
        break;
      case 'open':
        this.#open(origin);
        break;
      case 'close':
        this.#close(origin, request.session);
        break;
      case 'tx':
        this.#transact(origin, request);
        break;
      case 'abort':
        this.#abort(origin, request.tx);
        break;
    }
  }

  /** Why nothing new may be written; null: it may. */
  mayWrite(): Refusal | null {
    const { serving, admission } = this.#desk;
    return serving ? admission.mayWrite() : admission.notReady;
  }

  #refuse(origin: number, code: Refusal['code'], message: string): void {
    this.#ctx.reply(origin, this.#desk.admission.refuse(code, message));
  }

  // ---- sessions

  #open(origin: number): void {
    const { admission } = this.#desk;
    const refusal = this.mayWrite() ?? admission.noRoom(64) ?? admission.tooManySessions();
    if (refusal !== null) this.#ctx.reply(origin, refusal);
    else this.#desk.accept({ type: 'open', gen: this.#replica.config.gen }, [origin]);
  }

  #close(origin: number, session: SessionId): void {
    const refusal = this.mayWrite();
    if (refusal !== null) this.#ctx.reply(origin, refusal);
    else this.#desk.accept({ type: 'close', session }, [origin]);
  }

  // ---- writes

  #write(origin: number, request: Write): void {
    const { session, n, first, op } = request;
    const answer = this.mayWrite() ?? this.#cannotBeWritten(request);
    if (answer !== null) {
      this.#ctx.reply(origin, answer);
      return;
    }
    const items = itemsOf(op);
    if (this.#desk.tx.blocks(items)) {
      const give = (): void =>
        this.#refuse(origin, 'busy', `a transaction that is not finished holds ${op.key}`);
      this.#desk.tx.wait(items, null, () => this.#desk.again(origin, request), give, limits.txWaitMs);
      return;
    }
    if (this.#ctx.rules.dedup && this.#isDuplicate(origin, request)) return;
    const growth = growthOf(op, this.#replica.machine.cells);
    const { admission } = this.#desk;
    const lacking = admission.noRoom(growth) ?? (growth > 0 ? admission.unacknowledged(request) : null);
    if (lacking !== null) {
      this.#ctx.reply(origin, lacking);
      return;
    }
    this.#replica.lastActive.set(session, this.#ctx.now);
    this.#desk.accept({ type: 'op', session, n, first, op }, [origin]);
  }

  #cannotBeWritten({ session, n, op }: Write): ClientResponse | null {
    const { admission, tx } = this.#desk;
    if (op.type === 'resolve' && tx.isOpen(session, n))
      return admission.refuse('busy', 'a transaction under that number is not decided yet');
    return op.type === 'tx' ? admission.invalidItems(op.items, this.#replica.p) : null;
  }

  /** A duplicate is answered from what is remembered, or with the first, which is in the pipeline. */
  #isDuplicate(origin: number, { session, n, first }: Write): boolean {
    const known = this.#replica.machine.lookup(session, n, first);
    if (known === null) return this.#desk.pipeline.join(session, n, origin);
    this.#ctx.reply(origin, this.#desk.admission.known(known));
    return true;
  }

  // ---- transactions over several partitions

  /** A duplicate is answered, or waits with the first. */
  #transact(origin: number, request: TxRequest): void {
    const { session, n, first, op } = request;
    const { admission } = this.#desk;
    const known = (): ClientResponse | null => {
      const found = this.#replica.machine.lookup(session, n, first);
      return found === null ? null : admission.known(found);
    };
    const answer =
      this.mayWrite() ??
      known() ??
      admission.invalidItems(op.items, null) ??
      admission.unacknowledged(request);
    if (answer !== null) {
      this.#ctx.reply(origin, answer);
      return;
    }
    this.#replica.lastActive.set(session, this.#ctx.now);
    this.#desk.tx.begin(origin, request);
  }

  #abort(origin: number, tx: TxId): void {
    if (!this.#desk.serving) {
      this.#ctx.reply(origin, this.#desk.admission.notReady);
      return;
    }
    const state = this.#desk.tx.abort(tx);
    if (typeof state === 'string') {
      this.#ctx.reply(origin, { ok: true, type: 'abort', state });
      return;
    }
    const message =
      state.length === 0
        ? 'the transaction is about to be decided'
        : `its coordinator died, and it is committed if partition ${state.join(', ')} has prepared: nobody there says so yet`;
    this.#refuse(origin, 'busy', message);
  }

  // ---- reads

  /** R11: read the committed state first, then look at the clock. */
  #read(origin: number, query: Query, until = this.#ctx.now + limits.txWaitMs): void {
    const { serving, admission, locks, tx } = this.#desk;
    if (!serving) this.#ctx.reply(origin, admission.notReady);
    else if (query.type === 'await') locks.await(origin, query);
    else if (tx.blocksRead(query)) {
      const give = (): void =>
        this.#refuse(origin, 'busy', 'a transaction that is not finished writes there');
      const items: TxItem[] = query.type === 'get' ? [{ type: 'get', key: query.key }] : [];
      tx.wait(items, null, () => this.#read(origin, query, until), give, until - this.#ctx.now);
    } else this.answerRead(origin, query);
  }

  answerRead(origin: number, query: Query): void {
    const { machine } = this.#replica;
    const { tx } = this.#desk;
    const result: QueryResult =
      query.type === 'trace'
        ? { type: 'trace', events: tx.trace(query.tx) }
        : query.type === 'rows' && query.kind === 'tx'
          ? machine.rows.page('tx', query.after, tx.pending())
          : machine.query(query);
    if (this.#mayRead()) this.#ctx.reply(origin, { ok: true, type: 'read', result });
    else this.#refuse(origin, 'unavailable', 'the primary cannot prove that it still is the primary');
  }

  #mayRead(): boolean {
    const { rules } = this.#ctx;
    if (!rules.readsNeedLease) return true;
    if (!rules.leaseCheckedPerRead) return this.leaseFlag;
    return this.#desk.set.holdsLeases();
  }
}

/** What an operation does, for transactions that may hold its keys. */
function itemsOf(op: Write['op']): readonly TxItem[] {
  switch (op.type) {
    case 'tx':
      return op.items;
    case 'put':
    case 'delete':
    case 'incr':
    case 'reset':
      return [asItem(op)];
    default:
      return [];
  }
}
