/** The primary of a partition as transactions see it: its log is applied when the test says so. */
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, SessionId, TxItem, TxRead } from '../../../src/core/machine/types.js';
import type { ClientResponse, PeerMessage, Refusal } from '../../../src/core/messages.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';
import { soundRules } from '../../../src/core/rules.js';
import { TxLead } from '../../../src/core/transaction/tx-lead.js';

export const partitions = 4;
/** A key of the partition; each number names another. */
export const keyOf = (p: number, nth = 0): string => {
  let left = nth;
  for (let i = 0; ; i++) if (partitionOf(hashKey(`k${i}`), partitions) === p && left-- === 0) return `k${i}`;
};
export const increment = (p: number): TxItem => ({ type: 'incr', key: keyOf(p), by: 1 });
export const items: TxItem[] = [0, 1].map(increment);

/** An operation by itself on the anchor's key. */
export const alone: TxItem[] = [{ type: 'delete', key: keyOf(0) }];

/** The primary of a partition, whose log is applied when the test says so. */
export class Primary {
  readonly log: Command[] = [];
  readonly told: PeerMessage[] = [];
  readonly replies: ClientResponse[] = [];
  /** To whom the replies went. */
  readonly answered: number[] = [];
  now = 10_000;
  enoughInSync = true;
  open = true;
  /** Why nothing may be written, and why nothing more may be kept. */
  unwritable: Refusal | null = null;
  full: Refusal | null = null;
  leases = true;
  tx!: TxLead;
  epoch = 0;
  readonly session: SessionId;
  #applied = 0;

  constructor(
    readonly p = 0,
    readonly machine = new PartitionMachine(1),
  ) {
    this.succeed();
    this.log.push({ type: 'open', gen: 1 });
    this.session = this.apply() as SessionId;
  }

  /** Another one takes its place, with all that is in the log. */
  succeed(): void {
    this.apply();
    this.epoch++;
    const primary = this;
    const since = this.now;
    this.tx = new TxLead({
      p: this.p,
      since,
      epoch: this.epoch,
      rules: soundRules,
      partitions,
      machine: this.machine,
      get open() {
        return primary.open;
      },
      get now() {
        return primary.now;
      },
      get enoughInSync() {
        return primary.enoughInSync;
      },
      current: () => this.leases,
      mayWrite: () => this.unwritable,
      noRoom: (growth) => (growth > 0 ? this.full : null),
      append: (command) => this.log.push(command),
      tell: (to, message) => {
        if ('p' in message && message.p !== to) throw new Error(`${message.type} sent to ${to}`);
        this.told.push(message);
      },
      reply: (origin, response) => {
        this.replies.push(response);
        this.answered.push(origin);
      },
      reached: () => {},
    });
  }

  /** Applies what is in the log, or so many entries of it; gives the session if that opened one. */
  apply(count = Number.POSITIVE_INFINITY): SessionId | null {
    let session: SessionId | null = null;
    const end = Math.min(this.log.length, this.#applied + count);
    for (; this.#applied < end; this.#applied++) {
      const command = this.log[this.#applied] as Command;
      const seq = this.#applied + 1;
      const applied = this.machine.apply({ epoch: 1, seq, command });
      if (applied.type === 'opened') session = applied.session;
      if (applied.type === 'decided' && 'tx' in command) this.tx.decided(command.tx, applied, seq);
      if (applied.type === 'vote' && command.type === 'stage') this.tx.staged(command.tx);
      if (applied.type === 'vote' && command.type === 'prepare') this.tx.voted(command, applied.vote);
      if (command.type === 'finish') this.tx.finished(command);
    }
    return session;
  }

  begin(n: number, first = n, all: readonly TxItem[] = items, at = 1): void {
    const op = { type: 'tx', key: keyOf(0), items: all } as const;
    this.tx.begin(1, { type: 'tx', session: this.session, n, first, op, at });
  }

  query(n: number, from = 1): void {
    this.tx.onQuery({ type: 'tx-query', p: 0, tx: this.id(n), from, seq: 7 });
  }

  vote(n: number, from = 1, seq = 7, reads: readonly TxRead[] = []): void {
    const vote = { epoch: 0, seq, yes: true, reads, reason: 'check', message: '' } as const;
    this.tx.onVote({ type: 'tx-vote', p: 0, tx: this.id(n), from, ...vote });
  }

  refuse(n: number, epoch: number, reason: 'lost' | 'conflict', from = 1): void {
    const vote = { epoch, seq: 0, yes: false, reads: [], reason, message: '' } as const;
    this.tx.onVote({ type: 'tx-vote', p: 0, tx: this.id(n), from, ...vote });
  }

  /** Another partition's transaction, which takes part here with these items, and its end. */
  prepare(n: number, part: readonly TxItem[], at = 1): void {
    const tx = this.foreign(n);
    this.tx.onPrepare({ type: 'tx-prepare', p: this.p, tx, anchor: 1, epoch: 4, at, items: part });
  }

  end(n: number, commit = false, seq = 0): void {
    this.tx.onFinish({ type: 'tx-finish', p: this.p, tx: this.foreign(n), anchor: 1, commit, seq });
  }

  foreign = (n: number): string => `1:9.9:${n}`;
  id = (n: number): string => `0:${this.session}:${n}`;
  get types(): string[] {
    return this.log.slice(1).map(({ type }) => type);
  }
  get ends(): (readonly [boolean, number])[] {
    return this.told.flatMap((m) => (m.type === 'tx-finish' ? [[m.commit, m.seq] as const] : []));
  }
  get value(): unknown {
    return this.machine.cells.get(keyOf(0))?.value;
  }
}

/** One that is staged, and whose primary is gone. */
export function inherited(): Primary {
  const anchor = new Primary();
  anchor.begin(1);
  anchor.succeed();
  anchor.told.length = 0;
  anchor.tx.tick();
  return anchor;
}

export const refusal = (code: Refusal['code'], message: string): Refusal => ({
  ok: false,
  code,
  message,
  revision: 0,
});
/** The types of messages. */
export const types = (messages: readonly PeerMessage[]): string[] => messages.map(({ type }) => type);

/** What was told since last looked. */
export const take = (primary: Primary): PeerMessage[] => primary.told.splice(0);

/** A transaction that all have prepared, its coordinator included, and that is decided and applied. */
export function committed(): Primary {
  const anchor = new Primary();
  anchor.begin(1);
  anchor.apply();
  anchor.vote(1);
  anchor.apply();
  return anchor;
}

/** The participant of partition `from` says that it has finished transaction `n`. */
export const finished = (anchor: Primary, n = 1, from = 1): void =>
  anchor.tx.onFinished({ type: 'tx-finished', p: 0, tx: anchor.id(n), from });
