import { describe, expect, it } from 'vitest';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, SessionId, TxItem } from '../../../src/core/machine/types.js';
import type { ClientResponse, PeerMessage } from '../../../src/core/messages.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';
import { soundRules } from '../../../src/core/rules.js';
import { TxLead } from '../../../src/core/transaction/tx-lead.js';
import { limits } from '../../../src/limits.js';

const partitions = 2;
const keyOf = (p: number): string => {
  for (let i = 0; ; i++) if (partitionOf(hashKey(`k${i}`), partitions) === p) return `k${i}`;
};
const items: TxItem[] = [0, 1].map((p) => ({ type: 'incr', key: keyOf(p), by: 1 }));

/** An operation by itself on the anchor's key. */
const alone: TxItem[] = [{ type: 'delete', key: keyOf(0) }];

/** The primary of partition 0, whose log is applied when the test says so. */
class Anchor {
  readonly machine = new PartitionMachine(1);
  readonly log: Command[] = [];
  readonly told: PeerMessage[] = [];
  readonly replies: ClientResponse[] = [];
  now = 10_000;
  enoughInSync = true;
  readonly tx: TxLead;
  readonly session: SessionId;
  #applied = 0;

  constructor() {
    const anchor = this;
    this.tx = new TxLead({
      p: 0,
      since: 0,
      rules: soundRules,
      partitions,
      machine: this.machine,
      open: true,
      get now() {
        return anchor.now;
      },
      get enoughInSync() {
        return anchor.enoughInSync;
      },
      current: () => true,
      mayWrite: () => null,
      append: (command) => this.log.push(command),
      tell: (_, message) => this.told.push(message),
      reply: (_, response) => this.replies.push(response),
      reached: () => {},
    });
    this.log.push({ type: 'open', gen: 1 });
    this.session = this.apply() as SessionId;
  }

  /** Applies what is in the log; gives the session if that opened one. */
  apply(): SessionId | null {
    let session: SessionId | null = null;
    for (; this.#applied < this.log.length; this.#applied++) {
      const command = this.log[this.#applied] as Command;
      const seq = this.#applied + 1;
      const applied = this.machine.apply({ epoch: 1, seq, command });
      if (applied.type === 'opened') session = applied.session;
      if (applied.type === 'decided' && (command.type === 'decide' || command.type === 'abort'))
        this.tx.decided(command, applied, seq);
    }
    return session;
  }

  begin(n: number, first = n): void {
    const op = { type: 'tx', key: keyOf(0), items } as const;
    this.tx.begin(1, { type: 'tx', session: this.session, n, first, op, at: 1 });
  }

  query(n: number): void {
    this.tx.onQuery({ type: 'tx-query', p: 0, tx: this.id(n), from: 1, seq: 7 });
  }

  vote(n: number): void {
    const vote = { seq: 7, yes: true, reads: [], reason: 'check', message: '' } as const;
    this.tx.onVote({ type: 'tx-vote', p: 0, tx: this.id(n), from: 1, ...vote });
  }

  id = (n: number): string => `0:${this.session}:${n}`;
  get types(): string[] {
    return this.log.slice(1).map(({ type }) => type);
  }
  get ends(): (readonly [boolean, number])[] {
    return this.told.flatMap((m) => (m.type === 'tx-finish' ? [[m.commit, m.seq] as const] : []));
  }
}

describe('the coordinator of a transaction', () => {
  it('logs one entry, and only when all others have voted', () => {
    const anchor = new Anchor();
    anchor.begin(1);
    expect(anchor.types).toEqual([]);
    expect(anchor.tx.blocks(alone)).toBe(true);
    anchor.vote(1);
    expect(anchor.types).toEqual(['decide']);
    expect([anchor.tx.blocks(alone), anchor.replies, anchor.ends]).toEqual([false, [], []]);
    anchor.apply();
    expect([anchor.replies.length, anchor.ends]).toEqual([1, [[true, 7]]]);
    expect(anchor.machine.cells.get(keyOf(0))?.value).toBe(1);
  });

  it('logs an abort before it says so of what it does not know, however far the client may have come', () => {
    for (const n of [1, limits.sessionWindow + 5]) {
      const anchor = new Anchor();
      anchor.query(n);
      expect([anchor.types, anchor.ends]).toEqual([['abort'], []]);
      // The client comes again before it is applied, and all others still have it prepared.
      anchor.begin(n);
      anchor.vote(n);
      anchor.apply();
      expect(anchor.ends.every(([commit]) => !commit)).toBe(true);
      expect(JSON.stringify(anchor.replies)).toContain('aborted');
      expect(anchor.machine.cells.size).toBe(0);
    }
  });

  it('holds nothing any more of what an abort has ended that was in the log before it came', () => {
    const anchor = new Anchor();
    anchor.query(1);
    anchor.begin(1);
    expect(anchor.tx.blocks(alone)).toBe(true);
    anchor.apply();
    expect(anchor.tx.blocks(alone)).toBe(false);
    expect([anchor.replies.length, anchor.tx.pending()]).toEqual([1, []]);
    anchor.now += limits.txRetryMs;
    const before = anchor.told.length;
    anchor.tx.tick();
    expect(anchor.told.slice(before)).toEqual([]);
  });

  it('tells nobody of a decision that too few disks hold, and all when enough do', () => {
    const anchor = new Anchor();
    anchor.begin(1);
    anchor.vote(1);
    anchor.enoughInSync = false;
    anchor.apply();
    anchor.query(1);
    expect(anchor.ends).toEqual([]);
    anchor.enoughInSync = true;
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
  });
});
