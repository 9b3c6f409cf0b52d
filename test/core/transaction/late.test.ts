/** Messages and entries that come late, twice, or in another order than expected. */
import { describe, expect, it } from 'vitest';
import { HashedCell } from '../../../src/core/machine/digest.js';
import { limits } from '../../../src/limits.js';
import { committed, finished, increment, keyOf, Primary, refusal, take, types } from './primary.js';

describe('a coordinator that has decided', () => {
  it('stays with what it has logged, whatever is voted after that', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.vote(1, 1, 7);
    anchor.vote(1, 1, 8);
    anchor.refuse(1, 1, 'conflict');
    expect(anchor.types).toEqual(['stage', 'decide']);
    expect(anchor.tx.pending()).toMatchObject([{ kind: 'record', prepared: [[1, 7]] }]);
    anchor.apply();
    expect(anchor.ends).toEqual([[true, 7]]);
  });

  it('commits nothing whose abort is in the log when its own part is applied', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.vote(1);
    expect(anchor.tx.abort(anchor.id(1))).toBe('aborting');
    anchor.apply(1);
    anchor.vote(1);
    expect(anchor.types).toEqual(['stage', 'abort']);
    anchor.apply();
    expect([anchor.types, anchor.ends, anchor.value]).toEqual([['stage', 'abort'], [[false, 7]], undefined]);
  });

  it('asks nobody to prepare what is about to be aborted, and aborts it once', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.tx.abort(anchor.id(1));
    take(anchor);
    for (const ms of [limits.txRetryMs, limits.txPrepareMs]) {
      anchor.now += ms;
      anchor.tx.tick();
    }
    expect([anchor.told, anchor.types]).toEqual([[], ['stage', 'abort']]);
  });

  it('is finished by nobody before it has', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    finished(anchor);
    anchor.vote(1);
    finished(anchor);
    expect(anchor.types).toEqual(['stage', 'decide']);
    anchor.apply();
    expect(anchor.ends).toEqual([[true, 7]]);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect([anchor.ends.length, anchor.types]).toEqual([2, ['stage', 'decide']]);
  });

  it('forgets so long after the first that can be forgotten, whatever is finished meanwhile', () => {
    const anchor = new Primary();
    for (const n of [1, 2]) {
      anchor.begin(n, 1);
      anchor.apply();
      anchor.vote(n);
      anchor.apply();
    }
    anchor.begin(3, 1);
    finished(anchor, 1);
    anchor.now += limits.txForgetMs - 1;
    finished(anchor, 2);
    anchor.tx.tick();
    expect(anchor.types).not.toContain('forget');
    anchor.now += 1;
    anchor.tx.tick();
    expect(anchor.log.at(-1)).toEqual({ type: 'forget', txs: [anchor.id(1), anchor.id(2)] });
    // The next one has its own time.
    anchor.apply();
    anchor.vote(3);
    anchor.begin(4, 1);
    anchor.apply();
    finished(anchor, 3);
    anchor.tx.tick();
    expect(anchor.types.filter((type) => type === 'forget')).toHaveLength(1);
    anchor.now += limits.txForgetMs;
    anchor.tx.tick();
    expect(anchor.log.at(-1)).toEqual({ type: 'forget', txs: [anchor.id(3)] });
  });

  it('forgets nothing of what was aborted', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.refuse(1, 1, 'conflict');
    anchor.apply();
    finished(anchor);
    anchor.now += limits.txForgetMs;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage', 'abort']);
  });
});

describe('a coordinator that has all votes', () => {
  it('decides when the partition is open again, as soon as it would ask again', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    take(anchor);
    anchor.open = false;
    anchor.vote(1);
    anchor.open = true;
    anchor.now += limits.txRetryMs - 1;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += 1;
    anchor.tx.tick();
    expect([anchor.types, anchor.told, anchor.replies.length]).toEqual([['stage', 'decide'], [], 1]);
  });

  it('that is certainly the primary, but with too few in sync, does not answer yet', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.enoughInSync = false;
    anchor.vote(1);
    expect([anchor.types, anchor.replies]).toEqual([['stage', 'decide'], []]);
    expect(anchor.tx.pending()).toMatchObject([{ kind: 'pending' }]);
    expect(anchor.tx.abort(anchor.id(1))).toEqual([]);
  });

  it('commits what reads nothing elsewhere although there is no room', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.full = refusal('busy', 'full');
    anchor.vote(1);
    expect(anchor.types).toEqual(['stage', 'decide']);
  });
});

describe('a coordinator that is asked about what it does not know', () => {
  const returned = (): Primary => {
    const anchor = new Primary();
    anchor.now += limits.txReturnMs;
    return anchor;
  };

  it('logs an abort of it, whether or not it is certainly the primary', () => {
    for (const leases of [true, false]) {
      const anchor = returned();
      anchor.leases = leases;
      anchor.query(3);
      expect([anchor.types, anchor.ends]).toEqual([['abort'], []]);
    }
  });

  it('says what has come of it already, certainly the primary or not, new or not', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.refuse(1, 1, 'conflict');
    anchor.apply();
    anchor.succeed();
    take(anchor);
    anchor.leases = false;
    anchor.query(1);
    expect(take(anchor)).toEqual([
      { type: 'tx-finish', p: 1, tx: anchor.id(1), anchor: 0, commit: false, seq: 0 },
    ]);
  });

  it('tells each who asked once', () => {
    const anchor = returned();
    for (const from of [1, 2]) anchor.query(3, from);
    anchor.apply();
    expect(types(take(anchor))).toEqual(['tx-finish', 'tx-finish']);
    // Its client comes all the same: only whom it asks is told.
    anchor.begin(3);
    anchor.apply();
    expect(take(anchor).map((m) => [m.type, 'p' in m && m.p])).toEqual([
      ['tx-prepare', 1],
      ['tx-finish', 1],
    ]);
  });
});

describe('a participant', () => {
  const part = [increment(1)];
  const value = (other: Primary): unknown => other.machine.cells.get(keyOf(1))?.value;

  it('prepares once more what comes late, and lets go of it when it hears the end again', () => {
    const other = new Primary(1);
    other.prepare(1, part);
    other.apply();
    other.tx.tick();
    other.end(1, true, 2);
    other.tx.tick();
    other.apply();
    expect([value(other), other.machine.rows.size]).toEqual([1, 0]);
    take(other);
    other.now += limits.txAskMs;
    other.prepare(1, part);
    other.apply();
    expect(other.told).toMatchObject([{ type: 'tx-vote', yes: true, seq: 4 }]);
    take(other);
    // It asks what became of it only after a while.
    other.tx.tick();
    expect(other.told).toEqual([]);
    other.now += limits.txAskMs;
    other.tx.tick();
    expect(types(take(other))).toEqual(['tx-query']);
    other.end(1, true, 2);
    other.tx.tick();
    other.apply();
    // The end was of another entry: nothing is done twice.
    expect([value(other), other.machine.rows.size, types(other.told)]).toEqual([1, 0, ['tx-finished']]);
  });

  it('votes for what an earlier primary has logged, and refuses nothing for it', () => {
    for (const fits of [true, false]) {
      const other = new Primary(1);
      if (!fits) other.machine.cells.set(keyOf(1), new HashedCell(keyOf(1), 'text', 'no counter', 1));
      other.log.push({ type: 'prepare', tx: '0:1.1:1', anchor: 0, at: 1, items: part });
      other.apply();
      expect(other.told.map((m) => m.type === 'tx-vote' && m.yes)).toEqual(fits ? [true] : []);
    }
  });

  it('votes when a repetition of its entry is applied', () => {
    const other = new Primary(1);
    const prepare = { type: 'prepare', tx: '0:1.1:1', anchor: 0, at: 1, items: part } as const;
    other.log.push(prepare, prepare);
    other.apply();
    expect(other.told).toMatchObject([
      { yes: true, seq: 2 },
      { yes: true, seq: 2 },
    ]);
  });

  it('that may not be the primary refuses nothing, neither at once nor later', () => {
    const other = new Primary(1);
    other.leases = false;
    other.unwritable = refusal('unavailable', 'too few');
    other.prepare(1, part);
    other.unwritable = null;
    other.prepare(2, [{ type: 'put', key: keyOf(1), value: 'x' }]);
    other.apply();
    take(other);
    other.prepare(3, part, 2);
    other.now += limits.txYieldMs;
    other.tx.tick();
    expect(other.told.filter((m) => m.type === 'tx-vote')).toEqual([]);
  });

  it('that waits for a key says that it has not prepared', () => {
    const other = new Primary(1);
    other.prepare(1, [{ type: 'put', key: keyOf(1), value: 'x' }]);
    other.apply();
    take(other);
    other.prepare(2, part);
    other.tx.onAsk({ type: 'tx-ask', p: 1, tx: other.foreign(2), anchor: 1, epoch: 6 });
    expect(other.told).toEqual([
      {
        type: 'tx-vote',
        p: 1,
        tx: other.foreign(2),
        from: 1,
        epoch: 6,
        seq: 0,
        yes: false,
        reads: [],
        reason: 'lost',
        message: 'it has not prepared',
      },
    ]);
    // It is older, and prepares in the end.
    other.end(1);
    expect(other.types).toEqual(['prepare', 'finish', 'prepare']);
  });

  it('asks about each that is prepared in its own time', () => {
    const other = new Primary(1);
    other.prepare(1, part);
    other.apply();
    other.tx.tick();
    other.now += 100;
    other.prepare(2, part);
    other.apply();
    other.tx.tick();
    take(other);
    const asks = (): unknown[] => take(other).map((m) => 'tx' in m && m.tx);
    other.now += limits.txAskMs - 100;
    other.tx.tick();
    expect(asks()).toEqual([other.foreign(1)]);
    other.now += 100;
    other.tx.tick();
    expect(asks()).toEqual([other.foreign(2)]);
  });

  it('ends each of several with its own outcome', () => {
    const other = new Primary(1);
    for (const n of [1, 2, 3]) other.prepare(n, [{ type: 'incr', key: keyOf(1), by: 10 ** n }]);
    other.apply();
    for (const n of [3, 1]) other.end(n, n === 3, n + 1);
    other.tx.tick();
    expect(other.log.at(-1)).toEqual({
      type: 'finish',
      ends: [
        [other.foreign(3), true, 4],
        [other.foreign(1), false, 2],
      ],
    });
    other.apply();
    expect([value(other), other.machine.rows.size]).toEqual([1000, 1]);
    expect(other.told.slice(-2)).toMatchObject([
      { type: 'tx-finished', p: 1, from: 1, tx: other.foreign(3) },
      { type: 'tx-finished', p: 1, from: 1, tx: other.foreign(1) },
    ]);
  });
});

it('a repeated client of what is decided is answered with the others', () => {
  const anchor = committed();
  expect(anchor.replies).toHaveLength(1);
  const other = new Primary();
  other.begin(1);
  other.apply();
  other.leases = false;
  other.vote(1);
  other.begin(1);
  expect([types(other.told).filter((type) => type === 'tx-prepare').length, other.replies]).toEqual([1, []]);
  other.apply();
  expect(other.replies).toHaveLength(2);
});
