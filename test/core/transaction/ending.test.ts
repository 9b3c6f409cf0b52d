import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/limits.js';
import { alone, committed, finished, items, keyOf, Primary, take } from './primary.js';

describe('a coordinator', () => {
  it('stops where somebody wants to look, for a while', () => {
    for (const pauseAt of ['prepared', 'decided'] as const) {
      const anchor = new Primary();
      const op = { type: 'tx', key: keyOf(0), items } as const;
      anchor.tx.begin(1, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at: 1, pauseAt });
      anchor.apply();
      anchor.vote(1);
      anchor.apply();
      const decided = pauseAt === 'decided';
      expect([anchor.types, anchor.ends]).toEqual([decided ? ['stage', 'decide'] : ['stage'], []]);
      anchor.query(1);
      anchor.now += limits.txPauseMs - 1;
      anchor.tx.tick();
      expect([anchor.types.length, anchor.ends]).toEqual([decided ? 2 : 1, []]);
      anchor.now += 1;
      anchor.tx.tick();
      anchor.apply();
      if (decided) {
        anchor.now += limits.txRetryMs;
        anchor.tx.tick();
      }
      if (decided) expect(anchor.ends).toEqual([[true, 7]]);
      else {
        expect(anchor.types).toEqual(['stage', 'abort']);
        expect(JSON.stringify(anchor.replies)).toContain('paused');
      }
    }
  });

  it('goes on at the very moment when a pause has lasted long enough', () => {
    for (const short of [1, 0]) {
      const anchor = new Primary();
      const op = { type: 'tx', key: keyOf(0), items } as const;
      const pauseAt = 'decided';
      anchor.tx.begin(1, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at: 1, pauseAt });
      anchor.apply();
      anchor.vote(1);
      anchor.apply();
      anchor.now += limits.txPauseMs - short;
      anchor.tx.tick();
      expect(anchor.ends).toEqual(short === 0 ? [[true, 7]] : []);
    }
  });

  it('neither tells, nor asks, nor logs anything by time while the partition is being handed over', () => {
    const anchor = committed();
    anchor.begin(2, 1);
    anchor.apply();
    anchor.vote(2);
    anchor.apply();
    anchor.begin(3, 1);
    anchor.prepare(1, [{ type: 'put', key: keyOf(0, 1), value: 'x' }]);
    anchor.apply();
    finished(anchor, 1);
    anchor.tx.tick();
    take(anchor);
    const before = anchor.types.length;
    anchor.open = false;
    anchor.now += limits.txPrepareMs;
    anchor.tx.tick();
    expect([anchor.told, anchor.types.length]).toEqual([[], before]);
    anchor.open = true;
    anchor.tx.tick();
    expect(anchor.told.map(({ type }) => type)).toEqual(['tx-finish', 'tx-query']);
    expect(anchor.types.slice(before)).toEqual(['abort', 'forget']);
  });

  it('tells the decision until all have finished, and forgets it then', () => {
    const anchor = committed();
    expect(anchor.told.at(-1)).toEqual({
      type: 'tx-finish',
      p: 1,
      tx: anchor.id(1),
      anchor: 0,
      commit: true,
      seq: 7,
    });
    take(anchor);
    anchor.now += limits.txRetryMs - 1;
    anchor.tx.tick();
    expect(anchor.ends).toEqual([]);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
    finished(anchor, 2);
    expect(anchor.machine.rows.get('record', anchor.id(1))).toBeDefined();
    finished(anchor);
    take(anchor);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    anchor.apply();
    expect([anchor.types, anchor.ends, anchor.machine.rows.size]).toEqual([
      ['stage', 'decide', 'forget'],
      [],
      0,
    ]);
    // A repetition is no news.
    finished(anchor);
    anchor.now += limits.txForgetMs;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage', 'decide', 'forget']);
  });

  it('forgets many in one entry, while others are under way', () => {
    const anchor = committed();
    anchor.begin(2);
    finished(anchor);
    anchor.now += limits.txForgetMs - 1;
    anchor.tx.tick();
    expect(anchor.types).not.toContain('forget');
    anchor.now += 1;
    anchor.tx.tick();
    expect(anchor.log.at(-1)).toEqual({ type: 'forget', txs: [anchor.id(1)] });
    const many = new Primary();
    for (let n = 1; n <= 70; n++) {
      many.begin(n, 1);
      many.apply();
      many.vote(n);
      many.apply();
      finished(many, n);
    }
    const forgets = many.log.flatMap((c) => (c.type === 'forget' ? [c.txs.length] : []));
    expect(forgets).toEqual([64]);
  });

  it('says of a decision what it was to whoever asks, with the entry that it is about', () => {
    const anchor = committed();
    take(anchor);
    anchor.query(1);
    anchor.tx.onQuery({ type: 'tx-query', p: 0, tx: anchor.id(1), from: 5, seq: 3 });
    expect(anchor.told).toMatchObject([
      { type: 'tx-finish', p: 1, commit: true, seq: 7 },
      { type: 'tx-finish', p: 5, commit: true, seq: 0 },
    ]);
    take(anchor);
    anchor.open = false;
    anchor.query(1);
    anchor.open = true;
    anchor.enoughInSync = false;
    anchor.query(1);
    expect(anchor.told).toEqual([]);
  });

  it('says nothing of what it still coordinates, and of the unknown only when its client has had time to come', () => {
    const anchor = new Primary();
    anchor.begin(1);
    take(anchor);
    anchor.now += limits.txReturnMs - 1;
    anchor.query(1);
    anchor.query(2);
    expect([anchor.told, anchor.types]).toEqual([[], ['stage']]);
    anchor.now += 1;
    anchor.query(2);
    anchor.tx.onQuery({ type: 'tx-query', p: 0, tx: anchor.id(2), from: 5, seq: 3 });
    expect(anchor.types).toEqual(['stage', 'abort']);
    anchor.apply();
    expect(anchor.told.map((m) => 'p' in m && m.p)).toEqual([1, 5]);
    expect(anchor.ends).toEqual([
      [false, 0],
      [false, 0],
    ]);
    // From now on its session knows.
    take(anchor);
    anchor.query(2);
    expect([anchor.ends, anchor.types]).toEqual([[[false, 0]], ['stage', 'abort']]);
  });

  it('ends what somebody wants ended, and never overrides a decision', () => {
    const anchor = new Primary();
    expect(anchor.tx.abort(anchor.id(1))).toBe('unknown');
    anchor.begin(1);
    expect(anchor.tx.abort(anchor.id(1))).toBe('aborting');
    expect(anchor.tx.abort(anchor.id(1))).toEqual([]);
    anchor.apply();
    expect(JSON.stringify(anchor.replies)).toContain('asked');
    expect(anchor.tx.abort(anchor.id(1))).toBe('unknown');
    anchor.begin(2);
    anchor.apply();
    anchor.open = false;
    expect(anchor.tx.abort(anchor.id(2))).toEqual([]);
    anchor.open = true;
    anchor.vote(2);
    expect(anchor.tx.abort(anchor.id(2))).toBe('committed');
    anchor.apply();
    expect(anchor.tx.abort(anchor.id(2))).toBe('committed');
  });

  it('lists what is not decided, and what is committed though its record is still on its way', () => {
    const anchor = new Primary();
    anchor.begin(1);
    const keys = [keyOf(0)];
    expect(anchor.tx.pending()).toEqual([{ kind: 'pending', tx: anchor.id(1), keys, others: [1] }]);
    anchor.apply();
    anchor.vote(1);
    expect(anchor.tx.pending()).toEqual([{ kind: 'record', tx: anchor.id(1), keys, prepared: [[1, 7]] }]);
    anchor.apply();
    expect(anchor.tx.pending()).toEqual([]);
  });

  it('that is one no more gives back who waits for an answer, and gives up what waited for a key', () => {
    const anchor = new Primary();
    anchor.begin(1);
    let given = 0;
    let gone = 0;
    anchor.tx.wait(
      alone,
      null,
      () => gone++,
      () => given++,
      1000,
    );
    expect(anchor.tx.end()).toEqual([1]);
    expect([given, gone, anchor.tx.pending()]).toEqual([1, 0, []]);
    expect(anchor.tx.end()).toEqual([]);
  });

  it('takes up a decision that an earlier one had not told to all', () => {
    const anchor = committed();
    anchor.succeed();
    take(anchor);
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
    finished(anchor);
    anchor.tx.tick();
    expect(anchor.types.at(-1)).toBe('forget');
  });

  it('keeps a trace of what it did', () => {
    const anchor = committed();
    finished(anchor);
    const events = anchor.tx.trace(anchor.id(1));
    expect(events.map(({ what, p }) => [what, p])).toEqual([
      ['came', 0],
      ['prepare', 1],
      ['vote', 0],
      ['vote', 1],
      ['answered', 0],
      ['decided', 0],
      ['finish', 1],
      ['finished', 1],
    ]);
  });
});
