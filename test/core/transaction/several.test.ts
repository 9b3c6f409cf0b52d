/** A transaction of three partitions and more: what concerns one participant concerns no other. */
import { describe, expect, it } from 'vitest';
import type { TxItem, TxRead } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { finished, increment, keyOf, Primary, take } from './primary.js';

const all: readonly TxItem[] = [0, 1, 2, 3].map(increment);

/** To whom something of this type was told. */
const whom = (anchor: Primary, type: string): number[] =>
  take(anchor).flatMap((m) => (m.type === type && 'p' in m ? [m.p] : []));

/** The transaction is in the log, and applied. */
function staged(): Primary {
  const anchor = new Primary();
  anchor.begin(1, 1, all);
  anchor.apply();
  return anchor;
}

describe('a transaction with several others', () => {
  it('sends each its part and remembers who takes part', () => {
    const anchor = new Primary();
    const get: TxItem = { type: 'get', key: keyOf(2) };
    anchor.begin(1, 1, [get, ...all]);
    expect(take(anchor)).toMatchObject([
      { type: 'tx-prepare', p: 2, items: [get, all[2]] },
      { type: 'tx-prepare', p: 1, items: [all[1]] },
      { type: 'tx-prepare', p: 3, items: [all[3]] },
    ]);
    expect(anchor.log.at(-1)).toMatchObject({ own: [all[0]], others: [2, 1, 3] });
    expect(anchor.tx.pending()).toMatchObject([{ others: [2, 1, 3], keys: [keyOf(0)] }]);
  });

  it('is decided by the last vote, whoever casts it, with the entry and the reads of each', () => {
    for (const last of [1, 2, 3]) {
      const anchor = staged();
      const order = [1, 2, 3].filter((p) => p !== last).concat(last);
      const read = (p: number): TxRead => [`r${p}`, p, 1];
      for (const p of order) {
        expect(anchor.types).toEqual(['stage']);
        anchor.vote(1, p, 10 + p, [read(p)]);
      }
      const prepared = [1, 2, 3].map((p) => [p, 10 + p]);
      expect(anchor.log.at(-1)).toEqual({
        type: 'decide',
        tx: anchor.id(1),
        reads: [1, 2, 3].map(read),
        prepared,
      });
      anchor.apply();
      expect(take(anchor).flatMap((m) => (m.type === 'tx-finish' ? [[m.p, m.seq]] : []))).toEqual(prepared);
    }
  });

  it('counts a repeated vote once', () => {
    const anchor = staged();
    for (let i = 0; i < 3; i++) anchor.vote(1, 2);
    expect(anchor.types).toEqual(['stage']);
  });

  it('asks those again who have not voted, and no others', () => {
    const anchor = staged();
    take(anchor);
    anchor.vote(1, 2);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(whom(anchor, 'tx-prepare')).toEqual([1, 3]);
  });

  it('tells those again who have not finished, and forgets when all have', () => {
    const anchor = staged();
    for (const p of [1, 2, 3]) anchor.vote(1, p);
    anchor.apply();
    expect(whom(anchor, 'tx-finish')).toEqual([1, 2, 3]);
    finished(anchor, 1, 2);
    finished(anchor, 1, 2);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(whom(anchor, 'tx-finish')).toEqual([1, 3]);
    finished(anchor, 1, 1);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect([whom(anchor, 'tx-finish'), anchor.types]).toEqual([[3], ['stage', 'decide']]);
    finished(anchor, 1, 3);
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage', 'decide', 'forget']);
  });

  it('tells all of an abort, each with the entry that prepared it, or with none', () => {
    const anchor = staged();
    anchor.vote(1, 3, 9);
    anchor.refuse(1, 1, 'conflict', 2);
    anchor.apply();
    const ends = anchor.told.flatMap((m) => (m.type === 'tx-finish' ? [[m.p, m.commit, m.seq]] : []));
    expect(ends).toEqual([
      [1, false, 0],
      [2, false, 0],
      [3, false, 9],
    ]);
  });

  it('is asked about by a new primary, which says whose vote it lacks', () => {
    const anchor = staged();
    anchor.succeed();
    take(anchor);
    expect(anchor.tx.abort(anchor.id(1))).toEqual([1, 2, 3]);
    expect(whom(anchor, 'tx-ask')).toEqual([1, 2, 3]);
    anchor.vote(1, 2);
    expect(anchor.tx.abort(anchor.id(1))).toEqual([1, 3]);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(whom(anchor, 'tx-ask')).toEqual([1, 3]);
    for (const p of [1, 3]) anchor.vote(1, p);
    expect(anchor.types).toEqual(['stage', 'decide']);
  });

  it('is prepared by those that have not when its client comes again to a new primary', () => {
    const anchor = staged();
    anchor.succeed();
    anchor.tx.tick();
    anchor.vote(1, 3);
    take(anchor);
    anchor.begin(1, 1, all);
    expect(take(anchor)).toEqual(
      [1, 2].map((p) => ({
        type: 'tx-prepare',
        p,
        tx: anchor.id(1),
        anchor: 0,
        epoch: 2,
        at: 1,
        items: [all[p]],
      })),
    );
  });
});
