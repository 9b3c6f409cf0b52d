import { describe, expect, it } from 'vitest';
import { HashedCell } from '../../../src/core/machine/digest.js';
import type { TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { alone, inherited, items, keyOf, Primary, refusal, take, types } from './primary.js';

describe('a coordinator', () => {
  it('answers everybody who asked for the same transaction, and does it once', () => {
    const anchor = new Primary();
    const op = { type: 'tx', key: keyOf(0), items } as const;
    for (const origin of [4, 5])
      anchor.tx.begin(origin, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at: 1 });
    expect([anchor.types, types(anchor.told)]).toEqual([['stage'], ['tx-prepare']]);
    expect(anchor.tx.isOpen(anchor.session, 1)).toBe(true);
    expect(anchor.tx.isOpen(anchor.session, 2)).toBe(false);
    anchor.apply();
    anchor.vote(1);
    anchor.apply();
    expect([anchor.answered, anchor.tx.isOpen(anchor.session, 1)]).toEqual([[4, 5], false]);
  });

  it('asks each of the others for its part alone', () => {
    const anchor = new Primary();
    anchor.begin(1);
    expect(anchor.told).toEqual([
      { type: 'tx-prepare', p: 1, tx: anchor.id(1), anchor: 0, epoch: 1, at: 1, items: [items[1]] },
    ]);
    expect(anchor.log.at(-1)).toMatchObject({
      type: 'stage',
      n: 1,
      first: 1,
      at: 1,
      own: [items[0]],
      others: [1],
    });
  });

  it('refuses what may not be written, or has no room, and forgets it', () => {
    const anchor = new Primary();
    anchor.unwritable = refusal('unavailable', 'too few');
    anchor.begin(1);
    anchor.unwritable = null;
    anchor.full = refusal('busy', 'full');
    anchor.begin(2);
    anchor.full = null;
    expect(anchor.replies).toMatchObject([{ code: 'unavailable' }, { code: 'busy', message: 'full' }]);
    expect([anchor.types, anchor.told, anchor.tx.pending()]).toEqual([[], [], []]);
    anchor.begin(1);
    expect(anchor.types).toEqual(['stage']);
  });

  it('aborts at once what its own part cannot be, and asks nobody', () => {
    const anchor = new Primary();
    anchor.machine.cells.set(keyOf(0), new HashedCell(keyOf(0), 'text', 'no counter', 1));
    anchor.begin(1);
    expect([anchor.types, anchor.told]).toEqual([['abort'], []]);
    anchor.apply();
    expect(JSON.stringify(anchor.replies)).toContain('wrong-type');
  });

  it('waits for an older transaction only shortly, and for a younger one longer; then it gives way', () => {
    for (const [at, ms] of [
      [5, limits.txYieldMs],
      [0, limits.txWaitMs],
    ] as const) {
      const anchor = new Primary();
      // A part of another transaction, of time 1, holds the key.
      const tx = '1:9.9:1';
      const held: TxItem[] = [{ type: 'put', key: keyOf(0), value: 'x' }];
      anchor.tx.onPrepare({ type: 'tx-prepare', p: 0, tx, anchor: 1, epoch: 1, at: 1, items: held });
      anchor.apply();
      const op = { type: 'tx', key: keyOf(0), items } as const;
      anchor.tx.begin(3, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at });
      anchor.now += ms - 1;
      anchor.tx.tick();
      expect(anchor.replies).toEqual([]);
      // A waiting transaction asks nobody yet.
      expect(types(anchor.told)).not.toContain('tx-prepare');
      anchor.now += 1;
      anchor.tx.tick();
      expect(anchor.replies).toMatchObject([{ code: 'busy', message: 'another transaction holds a key' }]);
      expect(anchor.types).toEqual(['prepare']);
    }
  });

  it('goes on when what it waited for has ended', () => {
    const anchor = new Primary();
    const tx = '1:9.9:1';
    const held: TxItem[] = [{ type: 'put', key: keyOf(0), value: 'x' }];
    anchor.tx.onPrepare({ type: 'tx-prepare', p: 0, tx, anchor: 1, epoch: 1, at: 1, items: held });
    anchor.apply();
    anchor.begin(1);
    expect(anchor.types).toEqual(['prepare']);
    // The end of the other is in the log: it holds nothing against what comes after.
    anchor.tx.onFinish({ type: 'tx-finish', p: 0, tx, anchor: 1, commit: false, seq: 2 });
    expect(anchor.types).toEqual(['prepare', 'finish', 'stage']);
    anchor.apply();
    anchor.vote(1);
    anchor.apply();
    expect(anchor.value).toBe(1);
  });

  it('does not begin, and refuses no more, what was ended while it waited', () => {
    const anchor = new Primary();
    const tx = '1:9.9:1';
    const held: TxItem[] = [{ type: 'put', key: keyOf(0), value: 'x' }];
    const prepare = { type: 'tx-prepare', p: 0, tx, anchor: 1, epoch: 1, at: 1, items: held } as const;
    for (const frees of [true, false]) {
      anchor.tx.onPrepare(prepare);
      anchor.apply();
      const n = frees ? 1 : 2;
      anchor.begin(n);
      expect(anchor.tx.abort(anchor.id(n))).toBe('aborting');
      if (frees) anchor.tx.onFinish({ type: 'tx-finish', p: 0, tx, anchor: 1, commit: false, seq: 2 });
      else anchor.now += limits.txWaitMs;
      anchor.tx.tick();
      expect(anchor.types).not.toContain('stage');
      anchor.apply();
      expect(anchor.replies).toHaveLength(n);
      expect(JSON.stringify(anchor.replies.at(-1))).toContain('asked');
    }
  });

  it('asks those again who have not voted, every so often', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    take(anchor);
    anchor.now += limits.txRetryMs - 1;
    anchor.tx.tick();
    expect(anchor.told).toEqual([]);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.tx.tick();
    expect(types(take(anchor))).toEqual(['tx-prepare']);
    anchor.vote(1);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.told).toEqual([]);
  });

  it('aborts what not all have prepared in time', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.now += limits.txPrepareMs - 1;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.apply();
    expect(anchor.types).toEqual(['stage', 'abort']);
    expect(JSON.stringify(anchor.replies)).toContain('timeout');
    expect(anchor.ends).toEqual([[false, 0]]);
    expect(anchor.tx.blocks(alone)).toBe(false);
  });

  it('aborts what somebody refuses for it, and counts no refusal of what an earlier primary asked', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.refuse(1, 0, 'conflict');
    anchor.refuse(1, 2, 'conflict');
    anchor.refuse(1, 1, 'lost');
    expect(anchor.types).toEqual(['stage']);
    anchor.refuse(1, 1, 'conflict');
    anchor.refuse(1, 1, 'conflict');
    expect(anchor.types).toEqual(['stage', 'abort']);
    // It is decided: a vote changes nothing.
    anchor.vote(1);
    anchor.apply();
    expect(anchor.types).toEqual(['stage', 'abort']);
    expect(JSON.stringify(anchor.replies)).toContain('conflict');
  });

  it('counts the vote of nobody whom it did not ask', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    const vote = { epoch: 1, seq: 7, yes: true, reads: [], reason: 'check', message: '' } as const;
    anchor.tx.onVote({ type: 'tx-vote', p: 0, tx: anchor.id(1), from: 3, ...vote });
    anchor.tx.onVote({ type: 'tx-vote', p: 0, tx: anchor.id(2), from: 1, ...vote });
    expect(anchor.types).toEqual(['stage']);
  });

  it('commits nothing that has read more than an entry takes', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    const value = 'x'.repeat(limits.txReadUnits + 1);
    const vote = { epoch: 1, seq: 7, yes: true, reason: 'check', message: '' } as const;
    anchor.tx.onVote({ type: 'tx-vote', p: 0, tx: anchor.id(1), from: 1, ...vote, reads: [['r', value, 1]] });
    anchor.apply();
    expect(anchor.types).toEqual(['stage', 'abort']);
    expect(JSON.stringify(anchor.replies)).toContain('too-large');
  });

  it('commits nothing for whose reads there is no room, unless its client may have been told', () => {
    const vote = {
      epoch: 1,
      seq: 7,
      yes: true,
      reason: 'check',
      message: '',
      reads: [['r', 'x', 1]],
    } as const;
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.full = refusal('busy', 'full');
    anchor.tx.onVote({ type: 'tx-vote', p: 0, tx: anchor.id(1), from: 1, ...vote });
    expect(anchor.types).toEqual(['stage', 'abort']);
    const later = inherited();
    later.full = refusal('busy', 'full');
    later.tx.onVote({ type: 'tx-vote', p: 0, tx: later.id(1), from: 1, ...vote });
    expect(later.types).toEqual(['stage', 'decide']);
  });

  it('gives its client what all have read, its own part first', () => {
    const anchor = new Primary();
    const mine: TxItem[] = [{ type: 'get', key: keyOf(0) }, items[1] as TxItem];
    const op = { type: 'tx', key: keyOf(0), items: mine } as const;
    anchor.tx.begin(1, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at: 1 });
    anchor.apply();
    const vote = { epoch: 1, seq: 7, yes: true, reason: 'check', message: '', reads: [['r', 5, 1]] } as const;
    anchor.tx.onVote({ type: 'tx-vote', p: 0, tx: anchor.id(1), from: 1, ...vote });
    const [reply] = anchor.replies;
    const { result } = reply as { result: { value: string } };
    expect(JSON.parse(result.value)).toMatchObject({
      outcome: 'committed',
      reads: [
        [keyOf(0), null, 0],
        ['r', 5, 1],
      ],
    });
    anchor.apply();
    expect(anchor.replies).toHaveLength(1);
  });
});
