import { describe, expect, it } from 'vitest';
import { HashedCell } from '../../../src/core/machine/digest.js';
import type { Command, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { alone, inherited, items, keyOf, Primary } from './primary.js';

describe('the coordinator of a transaction', () => {
  it('answers when all have prepared, itself included, and tells the others when that is decided', () => {
    for (const last of ['own', 'other']) {
      const anchor = new Primary();
      anchor.begin(1);
      expect(anchor.types).toEqual(['stage']);
      expect(anchor.tx.blocks(alone)).toBe(true);
      if (last === 'own') anchor.vote(1);
      else anchor.apply();
      expect([anchor.types, anchor.replies]).toEqual([['stage'], []]);
      if (last === 'own') anchor.apply();
      else anchor.vote(1);
      expect(anchor.types).toEqual(['stage', 'decide']);
      expect([anchor.tx.blocks(alone), anchor.replies.length, anchor.ends]).toEqual([false, 1, []]);
      // A read answers from what is applied: it waits.
      expect(anchor.tx.blocksRead({ type: 'get', key: keyOf(0) })).toBe(true);
      anchor.apply();
      expect([anchor.replies.length, anchor.ends, anchor.value]).toEqual([1, [[true, 7]], 1]);
    }
  });

  it('that may not be the primary any more answers when the decision is committed', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.leases = false;
    anchor.vote(1);
    expect([anchor.types, anchor.replies]).toEqual([['stage', 'decide'], []]);
    anchor.apply();
    expect(anchor.replies).toHaveLength(1);
  });

  it('commits what was answered, whatever its client has acknowledged or closed since', () => {
    for (const after of [
      { type: 'op', n: 2, first: 2, op: { type: 'put', key: 'x', value: '' } },
      { type: 'close' },
    ] as const) {
      const anchor = new Primary();
      anchor.begin(1);
      anchor.apply();
      anchor.vote(1);
      const decide = anchor.log.pop() as Command;
      anchor.log.push({ ...after, session: anchor.session }, decide);
      anchor.apply();
      expect([anchor.value, anchor.ends]).toEqual([1, [[true, 7]]]);
    }
  });

  it('aborts what it cannot do itself by the same entry', () => {
    const anchor = new Primary();
    anchor.machine.cells.set(keyOf(0), new HashedCell(keyOf(0), 'counter', limits.counterMax - 1, 1));
    anchor.begin(1);
    // Another increment has come into the log before.
    anchor.log.splice(1, 0, {
      type: 'op',
      session: anchor.session,
      n: 2,
      first: 1,
      op: { type: 'incr', key: keyOf(0), by: 1 },
    });
    anchor.apply();
    expect([anchor.types, anchor.ends]).toEqual([['op', 'stage'], [[false, 0]]]);
    expect(JSON.stringify(anchor.replies)).toContain('overflow');
    expect([anchor.machine.rows.size, anchor.tx.blocks(alone)]).toEqual([0, false]);
  });

  it('logs an abort before it says so of what it does not know, however far the client may have come', () => {
    for (const n of [1, limits.sessionWindow + 5]) {
      const anchor = new Primary();
      anchor.now += limits.txReturnMs;
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
    const anchor = new Primary();
    anchor.now += limits.txReturnMs;
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

  it('says that a session is not known only while it is certainly the primary', () => {
    const tx = '0:1.999:1';
    const ask = { type: 'tx-query', p: 0, tx, from: 1, seq: 7 } as const;
    const anchor = new Primary();
    anchor.now += limits.txReturnMs;
    // The session may have been opened by a later primary, which is about to commit.
    anchor.leases = false;
    anchor.tx.onQuery(ask);
    expect([anchor.ends, anchor.types]).toEqual([[], []]);
    anchor.leases = true;
    anchor.tx.onQuery(ask);
    expect(anchor.ends).toEqual([[false, 0]]);
  });

  it('tells nobody of a decision that too few disks hold, and all when enough do', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.enoughInSync = false;
    anchor.vote(1);
    expect(anchor.replies).toEqual([]);
    anchor.apply();
    anchor.query(1);
    expect(anchor.ends).toEqual([]);
    anchor.enoughInSync = true;
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
  });
});

describe('a new coordinator of what is staged', () => {
  it('asks who has prepared, and commits it when all have', () => {
    const anchor = inherited();
    expect(anchor.told).toMatchObject([{ type: 'tx-ask', p: 1, tx: anchor.id(1), epoch: 2 }]);
    expect(anchor.tx.pending()).toMatchObject([{ kind: 'pending', tx: anchor.id(1), keys: [keyOf(0)] }]);
    anchor.vote(1);
    anchor.apply();
    expect([anchor.types, anchor.ends, anchor.value]).toEqual([['stage', 'decide'], [[true, 7]], 1]);
  });

  it('ends it neither by time, nor because somebody asks for it, nor for a refusal of before', () => {
    const anchor = inherited();
    anchor.refuse(1, 1, 'conflict');
    anchor.refuse(1, 1, 'lost');
    expect(anchor.tx.abort(anchor.id(1))).toEqual([1]);
    anchor.begin(1);
    anchor.now += 60_000;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.vote(1);
    anchor.apply();
    expect([anchor.replies.length, anchor.value]).toEqual([1, 1]);
  });

  it('aborts it when one has not prepared, and its client has had time to come again', () => {
    const anchor = inherited();
    anchor.refuse(1, 2, 'lost');
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += limits.txReturnMs;
    anchor.tx.tick();
    anchor.apply();
    expect([anchor.types, anchor.machine.rows.size, anchor.value]).toEqual([
      ['stage', 'abort'],
      0,
      undefined,
    ]);
  });

  it('goes on with a client that comes again', () => {
    const anchor = inherited();
    anchor.refuse(1, 2, 'lost');
    anchor.begin(1);
    expect(anchor.told.at(-1)).toMatchObject({ type: 'tx-prepare', p: 1, epoch: 2 });
    anchor.now += limits.txReturnMs;
    anchor.tx.tick();
    anchor.vote(1);
    anchor.apply();
    expect([anchor.types, anchor.replies.length, anchor.value]).toEqual([['stage', 'decide'], 1, 1]);
  });
});

describe('who takes part in a transaction', () => {
  const tx = '0:1.1:1';
  const part = [items[1] as TxItem];
  const prepare = { type: 'tx-prepare', p: 1, tx, anchor: 0, epoch: 4, at: 1, items: part } as const;
  const ask = { type: 'tx-ask', p: 1, tx, anchor: 0, epoch: 5 } as const;

  it('says once more that it has prepared, or that it has not', () => {
    const other = new Primary(1);
    other.tx.onAsk(ask);
    expect(other.told).toMatchObject([{ type: 'tx-vote', yes: false, epoch: 5, reason: 'lost' }]);
    other.tx.onPrepare(prepare);
    // It is on its way: whatever it said now might be wrong in a moment.
    other.tx.onAsk(ask);
    expect(other.told).toHaveLength(1);
    other.apply();
    other.tx.onAsk(ask);
    expect(other.told.slice(1)).toMatchObject([
      { yes: true, seq: 2 },
      { yes: true, seq: 2 },
    ]);
  });

  it('refuses nothing when another may be the primary, and promises nothing that too few disks hold', () => {
    const other = new Primary(1);
    other.leases = false;
    other.tx.onAsk(ask);
    expect(other.told).toEqual([]);
    other.enoughInSync = false;
    other.tx.onPrepare(prepare);
    other.apply();
    expect([other.told, other.types]).toEqual([[], ['prepare']]);
    other.enoughInSync = true;
    other.tx.onPrepare(prepare);
    expect(other.told).toMatchObject([{ yes: true, seq: 2 }]);
  });

  it('says that nothing is left to finish only while it is certainly the primary', () => {
    const other = new Primary(1);
    const finish = { type: 'tx-finish', p: 1, tx, anchor: 0, commit: true, seq: 2 } as const;
    // A later primary may have prepared it, and must hear of the decision before the anchor forgets it.
    other.leases = false;
    other.tx.onFinish(finish);
    expect(other.told).toEqual([]);
    other.leases = true;
    other.tx.onFinish(finish);
    expect(other.told).toMatchObject([{ type: 'tx-finished', p: 0, tx, from: 1 }]);
  });

  it('does not say that it is finished while its prepare is on its way into the log', () => {
    const other = new Primary(1);
    other.tx.onPrepare(prepare);
    other.tx.onFinish({ type: 'tx-finish', p: 1, tx, anchor: 0, commit: true, seq: 2 });
    expect(other.told).toEqual([]);
  });

  it('names the epoch that it refuses', () => {
    const other = new Primary(1);
    other.machine.cells.set(keyOf(1), new HashedCell(keyOf(1), 'text', 'no counter', 1));
    other.tx.onPrepare(prepare);
    other.apply();
    expect(other.told).toMatchObject([{ yes: false, epoch: 4, reason: 'wrong-type' }]);
  });
});
