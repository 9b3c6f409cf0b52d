/** A new primary takes up what its log knows, whatever comes first. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/limits.js';
import { committed, finished, Primary, take, types } from './primary.js';

/** Staged, or decided but not finished; its primary is gone, and nothing has come to the next one. */
function left(how: 'staged' | 'decided'): Primary {
  const anchor = how === 'decided' ? committed() : new Primary();
  if (how === 'staged') anchor.begin(1);
  anchor.succeed();
  take(anchor);
  // Long enough for the client to have come again.
  anchor.now += limits.txReturnMs;
  return anchor;
}

describe('a new primary that finds a transaction staged', () => {
  it.each<[string, (anchor: Primary) => unknown, unknown]>([
    ['somebody asks whether it is open', (a) => a.tx.isOpen(a.session, 1), true],
    ['a participant asks what became of it', (a) => a.query(1), undefined],
    ['somebody wants an end of it', (a) => a.tx.abort(a.id(1)), [1]],
    ['somebody lists what is pending', (a) => a.tx.pending().map(({ kind }) => kind), ['pending']],
    ['a participant refuses it', (a) => a.refuse(1, 1, 'conflict'), undefined],
    ['time passes', (a) => a.tx.tick(), undefined],
  ])('asks its participants, and goes on, when %s', (_, first, gives) => {
    const anchor = left('staged');
    expect(first(anchor)).toEqual(gives);
    expect(take(anchor)).toEqual([{ type: 'tx-ask', p: 1, tx: anchor.id(1), anchor: 0, epoch: 2 }]);
    // Once is enough.
    first(anchor);
    expect([anchor.told, anchor.types]).toEqual([[], ['stage']]);
    anchor.vote(1);
    expect(anchor.types).toEqual(['stage', 'decide']);
  });

  it('counts a vote that comes first', () => {
    const anchor = left('staged');
    anchor.vote(1);
    anchor.apply();
    expect([anchor.types, anchor.ends]).toEqual([['stage', 'decide'], [[true, 7]]]);
  });

  it('knows it when its client is the first to come, and stages nothing twice', () => {
    const anchor = left('staged');
    anchor.begin(1);
    expect(types(take(anchor))).toEqual(['tx-ask', 'tx-prepare']);
    anchor.vote(1);
    expect([anchor.types, anchor.replies.length]).toEqual([['stage', 'decide'], 1]);
  });

  it('asks again only after a while, and aborts nothing before the client could have come', () => {
    const anchor = left('staged');
    anchor.tx.tick();
    take(anchor);
    anchor.refuse(1, 2, 'lost');
    for (let passed = 0; passed < limits.txReturnMs - limits.txRetryMs; passed += limits.txRetryMs) {
      anchor.now += limits.txRetryMs - 1;
      anchor.tx.tick();
      expect(anchor.told).toEqual([]);
      anchor.now += 1;
      anchor.tx.tick();
      expect(types(take(anchor))).toEqual(['tx-ask']);
    }
    anchor.now += limits.txRetryMs - 1;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += 1;
    anchor.tx.tick();
    expect(anchor.log.at(-1)).toMatchObject({ type: 'abort', tx: anchor.id(1), reason: 'lost', n: 1 });
    // It is about to be decided: nobody is asked any more.
    expect(anchor.told).toEqual([]);
  });

  it('gives a transaction whose client has come again the time of a new one', () => {
    const anchor = left('staged');
    anchor.begin(1);
    anchor.refuse(1, 2, 'lost');
    anchor.now += limits.txPrepareMs - 1;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += 1;
    anchor.tx.tick();
    expect(anchor.log.at(-1)).toMatchObject({ type: 'abort', reason: 'timeout' });
  });
});

describe('a new primary that finds a decision', () => {
  it.each<[string, (anchor: Primary) => unknown, unknown]>([
    ['somebody asks whether it is open', (a) => a.tx.isOpen(a.session, 1), false],
    ['somebody wants an end of it', (a) => a.tx.abort(a.id(1)), 'committed'],
    ['somebody lists what is pending', (a) => a.tx.pending(), []],
    ['a participant votes', (a) => a.vote(1), undefined],
    ['a participant refuses it', (a) => a.refuse(1, 2, 'conflict'), undefined],
    ['a participant has nothing prepared', (a) => a.refuse(1, 2, 'lost'), undefined],
  ])('tells it, and decides nothing, when %s', (_, first, gives) => {
    const anchor = left('decided');
    expect(first(anchor)).toEqual(gives);
    expect([anchor.told, anchor.types]).toEqual([[], ['stage', 'decide']]);
    anchor.tx.tick();
    anchor.tx.tick();
    expect(take(anchor)).toMatchObject([{ type: 'tx-finish', p: 1, commit: true, seq: 7 }]);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(types(take(anchor))).toEqual(['tx-finish']);
    finished(anchor);
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage', 'decide', 'forget']);
  });

  it('tells who asks, and after that whom it has not told', () => {
    const anchor = left('decided');
    anchor.query(1);
    expect(anchor.ends).toEqual([[true, 7]]);
    anchor.tx.tick();
    expect(anchor.ends).toEqual([
      [true, 7],
      [true, 7],
    ]);
  });

  it('keeps no trace of an answer that it did not give', () => {
    const anchor = left('staged');
    anchor.vote(1);
    anchor.apply();
    expect(anchor.tx.trace(anchor.id(1)).map(({ what, p }) => [what, p])).toEqual([
      ['prepare', 1],
      ['vote', 1],
      ['decided', 0],
      ['finish', 1],
    ]);
  });
});
