import { TurnoverSet } from '../util/turnover.js';
import type { TxId } from './machine/types.js';
import type { NodeId, ReplicaId } from './map/types.js';
import type { Append, ClientResponse, PeerMessage, TxStep } from './messages.js';
import type { LogRecord } from './records.js';
import type { LocalReplica } from './replication/context.js';

export interface Envelope {
  readonly to: NodeId;
  readonly message: PeerMessage;
}

export interface Reply {
  readonly origin: number;
  readonly response: ClientResponse;
}

/** A transaction came to a step at which a fault may be armed. */
export interface Reached {
  readonly step: TxStep;
  readonly tx: TxId;
}

/** What an append takes beside its entries, about, in bytes. */
const appendHeadBytes = 100;

/**
 * What a node has to say since it was last taken, with what goes to one node gathered: acks in one message, appends in as few as the
 * bound for a message allows (decision 0032).
 */
export class Outbox {
  #send: Envelope[] = [];
  /** The acks among them: one for each node, which grows. */
  #acks: { readonly to: NodeId; readonly from: ReplicaId; readonly acks: number[] }[] = [];
  /** The appends among them, likewise; a full one is left behind. */
  #appends: { readonly to: ReplicaId; appends: Append[]; bytes: number }[] = [];
  #reply: Reply[] = [];
  #reached: Reached[] = [];

  send(to: NodeId, message: PeerMessage): void {
    this.#send.push({ to, message });
  }

  reply(origin: number, response: ClientResponse): void {
    this.#reply.push({ origin, response });
  }

  reached(step: TxStep, tx: TxId): void {
    this.#reached.push({ step, tx });
  }

  ack(to: NodeId, from: ReplicaId, p: number, epoch: number, stream: number, match: number): void {
    for (const owed of this.#acks) {
      if (owed.to !== to || owed.from !== from) continue;
      owed.acks.push(p, epoch, stream, match);
      return;
    }
    const acks = [p, epoch, stream, match];
    this.#acks.push({ to, from, acks });
    this.send(to, { type: 'ack', from, acks });
  }

  /** An append of about `bytes`; a message takes at most `mostBytes` of them. `incarnation`: the start of the store it is for. */
  append(
    node: NodeId,
    to: ReplicaId,
    incarnation: number,
    append: Append,
    bytes: number,
    mostBytes: number,
  ): void {
    const all = bytes + appendHeadBytes;
    let open = this.#appends.find((one) => one.to === to);
    if (open !== undefined && open.bytes + all <= mostBytes) {
      open.appends.push(append);
      open.bytes += all;
      return;
    }
    if (open === undefined) {
      open = { to, appends: [], bytes: 0 };
      this.#appends.push(open);
    }
    open.appends = [append];
    open.bytes = all;
    this.send(node, { type: 'append', to, incarnation, appends: open.appends });
  }

  take(): { send: readonly Envelope[]; reply: readonly Reply[]; reached: readonly Reached[] } {
    const taken = { send: this.#send, reply: this.#reply, reached: this.#reached };
    this.#send = [];
    this.#acks = [];
    this.#appends = [];
    this.#reply = [];
    this.#reached = [];
    return taken;
  }
}

/** Records for the disk: collected while a batch is under way, handed over one batch at a time. */
export class DiskBatches {
  #records: LogRecord[] = [];
  /** When the batch under way was handed to the disk; null: none is. */
  #since: number | null = null;
  readonly #unwritten = new TurnoverSet<LocalReplica>();
  #flying: LocalReplica[] = [];

  add(replica: LocalReplica, record: LogRecord): void {
    this.#records.push(record);
    this.#unwritten.add(replica);
  }

  /** The replica is gone: nobody waits for its records. */
  forget(replica: LocalReplica): void {
    this.#unwritten.delete(replica);
  }

  /** The next batch; null: there is none, or the last one is not durable yet. */
  take(now: number): readonly LogRecord[] | null {
    if (this.#since !== null || this.#records.length === 0) return null;
    const batch = this.#records;
    this.#records = [];
    this.#since = now;
    this.#flying = [...this.#unwritten];
    this.#unwritten.clear();
    for (const replica of this.#flying) replica.batchTaken();
    return batch;
  }

  /** The batch is durable. */
  written(): void {
    const flying = this.#flying;
    this.#flying = [];
    this.#since = null;
    for (const replica of flying) replica.written();
  }

  /** Has a batch been under way for `ms` or longer? */
  isSlow(now: number, ms: number): boolean {
    return this.#since !== null && now - this.#since >= ms;
  }
}
