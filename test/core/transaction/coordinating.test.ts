import { describe, expect, it } from 'vitest';
import type { Command, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { committed, finished, inherited, items, keyOf, Primary, refusal, take, types } from './primary.js';

describe('a client that comes again', () => {
  it('makes a new primary ask nobody to prepare once the end is on its way', () => {
    const anchor = inherited();
    anchor.refuse(1, 2, 'lost');
    anchor.now += limits.txReturnMs;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage', 'abort']);
    take(anchor);
    anchor.begin(1);
    expect(anchor.told).toEqual([]);
    anchor.apply();
    expect(anchor.replies).toHaveLength(1);
  });

  it('makes a new primary send the parts once, not at every further try', () => {
    const anchor = inherited();
    take(anchor);
    anchor.begin(1);
    anchor.begin(1);
    expect(types(take(anchor))).toEqual(['tx-prepare']);
  });
});

describe('a new primary', () => {
  it('does not end by time what it cannot end, whether or not its client comes again', () => {
    const anchor = inherited();
    anchor.now += 60_000;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
  });

  it('takes up nothing before it is open', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.succeed();
    take(anchor);
    anchor.open = false;
    anchor.vote(1);
    anchor.tx.tick();
    expect([anchor.told, anchor.types]).toEqual([[], ['stage']]);
    anchor.open = true;
    anchor.tx.tick();
    expect(types(take(anchor))).toEqual(['tx-ask']);
  });
});

describe('what is on its way into the log', () => {
  it('is asked of the others again, and refused no more', () => {
    const anchor = new Primary();
    anchor.begin(1);
    take(anchor);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(types(take(anchor))).toEqual(['tx-prepare']);
    const other = new Primary(1);
    const tx = '0:1.1:1';
    const part = [items[1] as TxItem];
    const prepare = { type: 'tx-prepare', p: 1, tx, anchor: 0, epoch: 4, at: 1, items: part } as const;
    other.tx.onPrepare(prepare);
    other.unwritable = refusal('unavailable', 'too few');
    other.tx.onPrepare(prepare);
    expect([other.types, other.told]).toEqual([['prepare'], []]);
  });
});

describe('a decision', () => {
  it('is logged by nobody whose partition is being handed over', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.open = false;
    anchor.refuse(1, 1, 'conflict');
    anchor.vote(1);
    anchor.now += limits.txPrepareMs;
    anchor.tx.tick();
    expect(anchor.tx.abort(anchor.id(1))).toEqual([]);
    expect(anchor.types).toEqual(['stage']);
  });

  it('is told every so often until all have finished, and then forgotten', () => {
    const anchor = committed();
    expect(anchor.ends).toEqual([[true, 7]]);
    anchor.now += limits.txRetryMs - 1;
    anchor.tx.tick();
    expect(anchor.ends).toHaveLength(1);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.tx.tick();
    expect(anchor.ends).toHaveLength(2);
    finished(anchor, 1, 2);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.ends).toHaveLength(3);
    finished(anchor);
    anchor.now += limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.ends).toHaveLength(3);
    anchor.apply();
    expect([anchor.types, anchor.machine.rows.size]).toEqual([['stage', 'decide', 'forget'], 0]);
  });

  it('is not forgotten before the time for that while others are under way', () => {
    const anchor = committed();
    anchor.begin(2);
    finished(anchor);
    finished(anchor);
    anchor.now += limits.txForgetMs - 1;
    anchor.tx.tick();
    expect(anchor.types).not.toContain('forget');
    anchor.now += 1;
    anchor.tx.tick();
    anchor.tx.tick();
    expect(anchor.types.filter((type) => type === 'forget')).toHaveLength(1);
    expect(anchor.log.at(-1)).toEqual({ type: 'forget', txs: [anchor.id(1)] });
  });

  it('is told by a new primary, which forgets it when all have finished', () => {
    const anchor = committed();
    anchor.succeed();
    take(anchor);
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
    expect(anchor.tx.pending()).toEqual([]);
    expect(anchor.tx.isOpen(anchor.session, 1)).toBe(false);
    expect(anchor.tx.abort(anchor.id(1))).toBe('committed');
    finished(anchor);
    anchor.tx.tick();
    anchor.apply();
    expect(anchor.machine.rows.size).toBe(0);
  });

  it('is told to a participant that asks, with the entry that prepared it; to a stranger, with none', () => {
    const anchor = committed();
    take(anchor);
    for (const from of [1, 5]) anchor.tx.onQuery({ type: 'tx-query', p: 0, tx: anchor.id(1), from, seq: 9 });
    expect(take(anchor)).toMatchObject([
      { type: 'tx-finish', p: 1, tx: anchor.id(1), anchor: 0, commit: true, seq: 7 },
      { type: 'tx-finish', p: 5, tx: anchor.id(1), anchor: 0, commit: true, seq: 0 },
    ]);
    // While it is not decided nobody is told anything.
    anchor.begin(2);
    anchor.apply();
    take(anchor);
    anchor.now += 2 * limits.txReturnMs;
    anchor.query(2);
    expect(anchor.told).toEqual([]);
    anchor.open = false;
    anchor.query(1);
    expect(anchor.told).toEqual([]);
  });

  it('that only the client knows of yet is shown as committed', () => {
    const anchor = new Primary();
    anchor.begin(1);
    expect(anchor.tx.pending()).toEqual([
      { kind: 'pending', tx: anchor.id(1), keys: [keyOf(0)], others: [1] },
    ]);
    anchor.apply();
    anchor.vote(1);
    expect(anchor.tx.pending()).toEqual([
      { kind: 'record', tx: anchor.id(1), keys: [keyOf(0)], prepared: [[1, 7]] },
    ]);
    expect(anchor.tx.abort(anchor.id(1))).toBe('committed');
    anchor.apply();
    expect(anchor.tx.pending()).toEqual([]);
  });
});

describe('a paused transaction', () => {
  const begin = (anchor: Primary, pauseAt: 'prepared' | 'decided'): void => {
    const op = { type: 'tx', key: keyOf(0), items } as const;
    anchor.tx.begin(1, { type: 'tx', session: anchor.session, n: 1, first: 1, op, at: 1, pauseAt });
    anchor.apply();
    anchor.vote(1);
    anchor.apply();
  };

  it('is not decided when all have prepared, and is aborted in the end', () => {
    const anchor = new Primary();
    begin(anchor, 'prepared');
    anchor.now += limits.txPauseMs - 1;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['stage']);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.apply();
    expect(anchor.types).toEqual(['stage', 'abort']);
    expect(JSON.stringify(anchor.replies)).toContain('paused');
  });

  it('is told to nobody when it is decided, and goes on in the end', () => {
    const anchor = new Primary();
    begin(anchor, 'decided');
    expect([anchor.types, anchor.replies.length]).toEqual([['stage', 'decide'], 1]);
    anchor.query(1);
    for (let passed = 0; passed < limits.txPauseMs - limits.txRetryMs; passed += limits.txRetryMs) {
      anchor.now += limits.txRetryMs;
      anchor.tx.tick();
    }
    expect(anchor.ends).toEqual([]);
    anchor.now += 2 * limits.txRetryMs;
    anchor.tx.tick();
    expect(anchor.ends).toEqual([[true, 7]]);
  });
});

describe('what nobody knows', () => {
  it('is aborted once for all who ask, and each is told', () => {
    const anchor = new Primary();
    const ask = (from: number): void =>
      anchor.tx.onQuery({ type: 'tx-query', p: 0, tx: anchor.id(3), from, seq: 7 });
    anchor.now += limits.txReturnMs - 1;
    ask(1);
    expect(anchor.types).toEqual([]);
    anchor.now += 1;
    for (const from of [1, 2, 1]) ask(from);
    expect(anchor.types).toEqual(['abort']);
    anchor.apply();
    expect(take(anchor).map((m) => m.type === 'tx-finish' && [m.p, m.commit, m.seq])).toEqual([
      [1, false, 0],
      [2, false, 0],
    ]);
    // Now its session knows of it.
    ask(4);
    expect(take(anchor)).toMatchObject([{ type: 'tx-finish', p: 4, commit: false }]);
    expect(anchor.types).toEqual(['abort']);
  });

  it('is told to nobody while too few are in sync', () => {
    const anchor = new Primary();
    anchor.now += limits.txReturnMs;
    anchor.query(3);
    anchor.enoughInSync = false;
    anchor.apply();
    expect(anchor.told).toEqual([]);
  });
});

describe('who waits for a key', () => {
  const other = '1:9.9:1';
  const held = (at: number, by = other): Parameters<Primary['tx']['onPrepare']>[0] => ({
    type: 'tx-prepare',
    p: 0,
    tx: by,
    anchor: 1,
    epoch: 1,
    at,
    items: [{ type: 'put', key: keyOf(0), value: 'x' } as TxItem],
  });

  it.each([
    ['younger', 1, '1:9.9:2', limits.txYieldMs],
    ['older', 0, '1:9.9:2', limits.txWaitMs],
    ['as old, with a greater name', 0.5, '1:9.9:2', limits.txYieldMs],
    ['as old, with a smaller name', 0.5, '1:9.9:0', limits.txWaitMs],
  ] as const)(
    'waits as long as its age says, against what is prepared and what is about to be: %s',
    (_, at, tx, ms) => {
      for (const applied of [false, true]) {
        const anchor = new Primary();
        anchor.tx.onPrepare(held(0.5));
        if (applied) anchor.apply();
        take(anchor);
        anchor.tx.onPrepare(held(at, tx));
        anchor.now += ms - 1;
        anchor.tx.tick();
        expect(anchor.told.filter((m) => m.type === 'tx-vote')).toEqual([]);
        anchor.now += 1;
        anchor.tx.tick();
        expect(anchor.told.filter((m) => m.type === 'tx-vote')).toMatchObject([
          { tx, yes: false, reason: 'conflict', epoch: 1 },
        ]);
      }
    },
  );

  it('is refused nothing, and done, when the partition opens again', () => {
    const anchor = new Primary();
    let gone = 0;
    anchor.tx.onPrepare(held(1));
    anchor.apply();
    anchor.tx.wait(
      [{ type: 'get', key: keyOf(0) }],
      null,
      () => gone++,
      () => {
        throw new Error('it gave up');
      },
      1000,
    );
    anchor.tx.onFinish({ type: 'tx-finish', p: 0, tx: other, anchor: 1, commit: false, seq: 2 });
    expect(gone).toBe(1);
  });

  it('that is an operation is refused when the primary ends, a transaction is not', () => {
    const anchor = new Primary();
    const said: string[] = [];
    anchor.tx.onPrepare(held(1));
    for (const tx of [null, '1:9.9:2'])
      anchor.tx.wait(
        held(1).items,
        tx,
        () => said.push('go'),
        () => said.push(`give ${tx}`),
        1000,
      );
    anchor.begin(1);
    expect(anchor.tx.end()).toEqual([1]);
    expect(said).toEqual(['give null']);
    expect(anchor.tx.end()).toEqual([]);
  });
});

describe('what a transaction did', () => {
  it('is told step by step', () => {
    const anchor = committed();
    finished(anchor);
    expect(anchor.tx.trace(anchor.id(1)).map(({ what, p, seq, yes }) => [what, p, seq, yes])).toEqual([
      ['came', 0, null, null],
      ['prepare', 1, null, null],
      ['vote', 0, 2, true],
      ['vote', 1, 7, true],
      ['answered', 0, null, true],
      ['decided', 0, 3, true],
      ['finish', 1, 7, true],
      ['finished', 1, null, null],
    ]);
    expect(anchor.tx.trace('0:1.1:9')).toEqual([]);
  });

  it('is told of what was refused, too', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.apply();
    anchor.refuse(1, 1, 'conflict');
    anchor.apply();
    const events = anchor.tx.trace(anchor.id(1)).map(({ what, p, yes }) => [what, p, yes]);
    expect(events).toEqual([
      ['came', 0, null],
      ['prepare', 1, null],
      ['vote', 0, true],
      ['vote', 1, false],
      ['decided', 0, false],
      ['answered', 0, false],
      ['finish', 1, false],
    ]);
  });
});

it('a participant asks what became of a transaction, every so often', () => {
  const other = new Primary(1);
  const tx = '0:1.1:1';
  const part = [items[1] as TxItem];
  other.tx.onPrepare({ type: 'tx-prepare', p: 1, tx, anchor: 0, epoch: 4, at: 1, items: part });
  other.apply();
  take(other);
  other.tx.tick();
  other.now += limits.txAskMs - 1;
  other.tx.tick();
  expect(other.told).toEqual([]);
  for (let i = 0; i < 2; i++) {
    other.now += i === 0 ? 1 : limits.txAskMs;
    other.tx.tick();
    other.tx.tick();
    expect(take(other)).toEqual([{ type: 'tx-query', p: 0, tx, from: 1, seq: 2 }]);
  }
  const end: Command = { type: 'finish', ends: [[tx, true, 2]] };
  other.log.push(end);
  other.apply();
  take(other);
  other.now += limits.txAskMs;
  other.tx.tick();
  expect(other.told).toEqual([]);
});
