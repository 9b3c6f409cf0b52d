/** Who waits for a key: for whom, until when, and in which state of the partition. */
import { describe, expect, it } from 'vitest';
import { HashedCell } from '../../../src/core/machine/digest.js';
import type { TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { alone, increment, items, keyOf, Primary, take } from './primary.js';

const key = keyOf(0);
const put: TxItem = { type: 'put', key, value: 'x' };
const get: TxItem = { type: 'get', key };
/** The same for another key of the same partition. */
const elsewhere: TxItem = { type: 'put', key: keyOf(0, 1), value: 'x' };

/** An operation that waits, and what became of it. */
function operation(anchor: Primary, needs: readonly TxItem[] = alone, ms = 1000): string[] {
  const said: string[] = [];
  anchor.tx.wait(
    needs,
    null,
    () => said.push('go'),
    () => said.push('give'),
    ms,
  );
  return said;
}

describe('a key', () => {
  it('is held from the entry that prepares it until the one that ends it is in the log', () => {
    const anchor = new Primary();
    const held = (): boolean[] => [alone, [elsewhere]].map((needs) => anchor.tx.blocks(needs));
    expect(held()).toEqual([false, false]);
    anchor.prepare(1, [put]);
    anchor.prepare(2, [elsewhere]);
    expect(held()).toEqual([true, true]);
    anchor.apply(1);
    expect(held()).toEqual([true, true]);
    // The other one is not even applied yet.
    anchor.end(1);
    expect(held()).toEqual([false, true]);
    expect(anchor.types).toEqual(['prepare', 'prepare', 'finish']);
    anchor.apply();
    expect(held()).toEqual([false, true]);
    anchor.end(2);
    expect(held()).toEqual([false, false]);
  });

  it('is held while nothing but applied entries hold any', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    expect([anchor.tx.blocks(alone), anchor.tx.blocks([elsewhere])]).toEqual([true, false]);
  });

  it('is free again when the entry that was to prepare it could not', () => {
    const anchor = new Primary();
    anchor.machine.cells.set(key, new HashedCell(key, 'text', 'no counter', 1));
    anchor.prepare(1, [increment(0)]);
    const said = operation(anchor);
    anchor.apply();
    expect([anchor.tx.blocks(alone), said]).toEqual([false, ['go']]);
  });

  it("is free again when the coordinator's own part could not be prepared", () => {
    const anchor = new Primary();
    anchor.begin(1);
    const value = new HashedCell(key, 'text', 'no counter', 1);
    anchor.machine.cells.set(key, value);
    const said = operation(anchor);
    anchor.apply();
    expect([anchor.types, anchor.tx.blocks(alone), said]).toEqual([['stage'], false, ['go']]);
  });
});

describe('an operation that waits', () => {
  it('is done when its own key is free, whoever else waits', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.prepare(2, [elsewhere]);
    anchor.apply();
    const [first, second, third] = [alone, [elsewhere], alone].map((needs) => operation(anchor, needs));
    anchor.end(1);
    expect([first, second, third]).toEqual([['go'], [], ['go']]);
    anchor.end(2);
    expect([first, second, third]).toEqual([['go'], ['go'], ['go']]);
  });

  it('has ends logged that nobody waited for before', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    anchor.end(1);
    expect(anchor.types).toEqual(['prepare']);
    operation(anchor);
    expect(anchor.types).toEqual(['prepare', 'finish']);
  });

  it('has every end logged at once, whichever key that frees', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.prepare(2, [elsewhere]);
    anchor.apply();
    const said = operation(anchor, [elsewhere]);
    anchor.end(1);
    expect([anchor.types, said]).toEqual([['prepare', 'prepare', 'finish'], []]);
  });

  it('that reads is done as soon as the end is applied', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    const read: unknown[] = [];
    const look = (): void => {
      if (anchor.tx.blocksRead(get as { type: 'get'; key: string }))
        anchor.tx.wait([get], null, look, () => read.push('gave up'), 1000);
      else read.push(anchor.value);
    };
    look();
    anchor.end(1, true, 2);
    anchor.tx.tick();
    expect([anchor.types, read]).toEqual([['prepare', 'finish'], []]);
    anchor.apply();
    expect(read).toEqual(['x']);
  });

  it('is neither done nor refused while the partition is being handed over', () => {
    const anchor = new Primary();
    anchor.begin(1);
    anchor.machine.cells.set(key, new HashedCell(key, 'text', 'no counter', 1));
    const said = operation(anchor);
    anchor.open = false;
    anchor.apply();
    expect([anchor.tx.blocks(alone), said]).toEqual([false, []]);
    anchor.tx.tick();
    expect(said).toEqual([]);
    anchor.open = true;
    anchor.tx.tick();
    expect(said).toEqual(['go']);
  });

  it('has no ends logged while the partition is being handed over', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    anchor.end(1);
    anchor.open = false;
    operation(anchor);
    anchor.tx.tick();
    expect(anchor.types).toEqual(['prepare']);
    anchor.open = true;
    anchor.tx.tick();
    expect(anchor.types).toEqual(['prepare', 'finish']);
  });

  it('is refused when its time has passed, not before, and is over then', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    const said = operation(anchor, alone, 100);
    anchor.now += 99;
    anchor.tx.tick();
    expect(said).toEqual([]);
    anchor.now += 1;
    anchor.tx.tick();
    anchor.tx.tick();
    anchor.apply();
    anchor.end(1);
    expect(said).toEqual(['give']);
  });

  it('is refused once when the primary ends', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    const said = operation(anchor);
    anchor.tx.end();
    anchor.tx.end();
    anchor.now += 1000;
    anchor.tx.tick();
    expect(said).toEqual(['give']);
  });

  it('is refused at once exactly when as many wait as may', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    const last = Array.from({ length: limits.txWaiting }, () => operation(anchor)).at(-1);
    expect(last).toEqual([]);
    expect(operation(anchor)).toEqual(['give']);
  });
});

describe('a transaction that waits', () => {
  it.each<[string, number, number]>([
    ['older than all in its way', 0, limits.txWaitMs],
    ['older than one of two', 3, limits.txYieldMs],
    ['younger than both', 6, limits.txYieldMs],
  ])('gives way when it is %s', (_, at, ms) => {
    const anchor = new Primary();
    anchor.prepare(1, [get], 2);
    anchor.prepare(2, [get], 5);
    anchor.apply();
    take(anchor);
    anchor.prepare(3, [put], at);
    anchor.now += ms - 1;
    anchor.tx.tick();
    expect(anchor.told.filter((m) => m.type === 'tx-vote')).toEqual([]);
    anchor.now += 1;
    anchor.tx.tick();
    expect(anchor.told.filter((m) => m.type === 'tx-vote')).toMatchObject([
      { p: 1, tx: anchor.foreign(3), yes: false, reason: 'conflict', epoch: 4, seq: 0, reads: [] },
    ]);
  });

  it.each([
    [0, limits.txWaitMs],
    [2, limits.txYieldMs],
  ])("is as old as it is against the coordinator's own part: %d", (at, ms) => {
    for (const applied of [false, true]) {
      const anchor = new Primary();
      anchor.begin(1);
      if (applied) anchor.apply();
      anchor.prepare(1, [put], at);
      anchor.now += ms - 1;
      anchor.tx.tick();
      expect(anchor.told.some((m) => m.type === 'tx-vote')).toBe(false);
      anchor.now += 1;
      anchor.tx.tick();
      expect(anchor.told.some((m) => m.type === 'tx-vote')).toBe(true);
    }
  });

  it('is one of several, and each is refused once', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    take(anchor);
    for (const n of [2, 3, 2, 3]) anchor.prepare(n, [put], 2);
    anchor.now += limits.txYieldMs;
    anchor.tx.tick();
    expect(anchor.told).toMatchObject([
      { tx: anchor.foreign(2), yes: false },
      { tx: anchor.foreign(3), yes: false },
    ]);
  });

  it('holds nothing, and prepares when the key is free', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    anchor.prepare(2, [put, elsewhere], 2);
    expect(anchor.tx.blocks([elsewhere])).toBe(false);
    take(anchor);
    anchor.end(1);
    expect([anchor.types, anchor.tx.blocks([elsewhere])]).toEqual([['prepare', 'finish', 'prepare'], true]);
    anchor.apply();
    expect(take(anchor)).toMatchObject([
      { type: 'tx-finished', tx: anchor.foreign(1) },
      { type: 'tx-vote', p: 1, tx: anchor.foreign(2), yes: true, seq: 4 },
    ]);
  });

  it('is not begun, nor refused, once an abort that was in the log before it came has ended it', () => {
    for (const frees of [true, false]) {
      const anchor = new Primary();
      anchor.now += limits.txReturnMs;
      anchor.query(1);
      anchor.prepare(1, [put]);
      anchor.begin(1);
      anchor.apply();
      expect([anchor.types, anchor.replies.length]).toEqual([['abort', 'prepare'], 1]);
      if (frees) anchor.end(1);
      anchor.now += limits.txWaitMs;
      anchor.tx.tick();
      expect([anchor.types.includes('stage'), anchor.replies.length]).toEqual([false, 1]);
    }
  });

  it('is judged by what an end in the log will make of its keys, not by what is applied', () => {
    const anchor = new Primary();
    anchor.prepare(1, [put]);
    anchor.apply();
    anchor.end(1, true, 2);
    anchor.begin(1, 1, [{ type: 'check', key, equals: 'x' }, put, items[1] as TxItem]);
    expect(anchor.types).toEqual(['prepare', 'finish', 'stage']);
    anchor.apply();
    anchor.vote(1);
    expect(anchor.types).toEqual(['prepare', 'finish', 'stage', 'decide']);
  });
});
