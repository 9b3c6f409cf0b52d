import { describe, expect, it } from 'vitest';
import type { Command, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { alone, items, keyOf, Primary, refusal, take, types } from './primary.js';

describe('an operation by itself', () => {
  it('waits for a key that is held, and gives way after a while', () => {
    const anchor = new Primary();
    expect(anchor.tx.blocks(alone)).toBe(false);
    anchor.begin(1);
    expect(anchor.tx.blocks(alone)).toBe(true);
    expect(anchor.tx.blocks([{ type: 'delete', key: 'another' }])).toBe(false);
    const said: string[] = [];
    anchor.tx.wait(
      alone,
      null,
      () => said.push('go'),
      () => said.push('give'),
      100,
    );
    anchor.now += 99;
    anchor.tx.tick();
    expect(said).toEqual([]);
    anchor.now += 1;
    anchor.tx.tick();
    expect(said).toEqual(['give']);
    anchor.tx.wait(
      alone,
      null,
      () => said.push('go'),
      () => said.push('give'),
      1000,
    );
    anchor.apply();
    anchor.refuse(1, 1, 'conflict');
    expect(said).toEqual(['give', 'go']);
  });

  it('gives way at once where too many wait', () => {
    const anchor = new Primary();
    anchor.begin(1);
    let given = 0;
    for (let n = 0; n <= limits.txWaiting; n++)
      anchor.tx.wait(
        alone,
        null,
        () => {},
        () => given++,
        1000,
      );
    expect(given).toBe(1);
  });
});

describe('a participant', () => {
  const tx = '0:1.1:1';
  const part: readonly TxItem[] = [items[1] as TxItem];
  const prepare = { type: 'tx-prepare', p: 1, tx, anchor: 0, epoch: 4, at: 1, items: part } as const;
  const finish = { type: 'tx-finish', p: 1, tx, anchor: 0, commit: true, seq: 2 } as const;
  const prepared = (): Primary => {
    const other = new Primary(1);
    other.tx.onPrepare(prepare);
    other.apply();
    return other;
  };
  const value = (other: Primary): unknown => other.machine.cells.get(keyOf(1))?.value;

  it('prepares once, and votes each time that it is asked', () => {
    const other = new Primary(1);
    other.tx.onPrepare(prepare);
    other.tx.onPrepare(prepare);
    expect([other.types, other.told]).toEqual([['prepare'], []]);
    expect(other.log.at(-1)).toEqual({ type: 'prepare', tx, anchor: 0, at: 1, items: part });
    other.apply();
    other.tx.onPrepare(prepare);
    expect(other.types).toEqual(['prepare']);
    expect(other.told).toMatchObject([
      { type: 'tx-vote', p: 0, tx, from: 1, yes: true, seq: 2 },
      { type: 'tx-vote', p: 0, tx, from: 1, yes: true, seq: 2 },
    ]);
  });

  it('refuses what may not be written here, or conflicts, naming the epoch that asked', () => {
    const other = new Primary(1);
    other.unwritable = refusal('unavailable', 'too few');
    other.tx.onPrepare(prepare);
    other.unwritable = null;
    other.full = refusal('busy', 'full');
    other.tx.onPrepare(prepare);
    other.full = null;
    expect(other.told).toMatchObject([
      { type: 'tx-vote', yes: false, epoch: 4, reason: 'unavailable', message: 'too few' },
      { type: 'tx-vote', yes: false, epoch: 4, reason: 'unavailable', message: 'full' },
    ]);
    expect(other.types).toEqual([]);
    take(other);
    other.tx.onPrepare({ ...prepare, items: [{ type: 'put', key: keyOf(1), value: '' }] });
    other.apply();
    take(other);
    other.tx.onPrepare({ ...prepare, tx: '0:1.2:1', at: 2 });
    other.tx.onPrepare({ ...prepare, tx: '0:1.2:1', at: 2 });
    other.now += limits.txYieldMs;
    other.tx.tick();
    expect(take(other)).toMatchObject([{ tx: '0:1.2:1', yes: false, reason: 'conflict' }]);
  });

  it('does nothing while it is not open', () => {
    const other = new Primary(1);
    other.open = false;
    other.tx.onPrepare(prepare);
    other.tx.onAsk({ type: 'tx-ask', p: 1, tx, anchor: 0, epoch: 5 });
    other.tx.tick();
    expect([other.told, other.types]).toEqual([[], []]);
    const later = prepared();
    later.open = false;
    later.tx.onFinish(finish);
    later.open = true;
    later.tx.finish();
    expect(later.types).toEqual(['prepare']);
  });

  it('does what was decided once, and says so when it is in its log for good', () => {
    for (const commit of [true, false]) {
      const other = prepared();
      take(other);
      other.tx.onFinish({ ...finish, commit });
      other.tx.onFinish({ ...finish, commit });
      // It goes along with the next entry, or the next tick.
      expect([other.types, other.told]).toEqual([['prepare'], []]);
      other.tx.onPrepare(prepare);
      expect(other.told).toEqual([]);
      other.tx.tick();
      expect(other.log.at(-1)).toEqual({ type: 'finish', ends: [[tx, commit, 2]] });
      other.apply();
      expect(other.told).toEqual([{ type: 'tx-finished', p: 0, tx, from: 1 }]);
      expect([value(other), other.machine.rows.size]).toEqual([commit ? 1 : undefined, 0]);
      other.tx.tick();
      expect(other.types).toEqual(['prepare', 'finish']);
    }
  });

  it('logs many ends in one entry, but not more than are sent to the disk at once', () => {
    const other = new Primary(1);
    const count = 70;
    for (let n = 1; n <= count; n++) other.tx.onPrepare({ ...prepare, tx: `0:1.1:${n}` });
    other.apply();
    for (let n = 1; n <= count; n++) other.tx.onFinish({ ...finish, tx: `0:1.1:${n}`, seq: n + 1 });
    other.tx.tick();
    const ends = other.log.flatMap((c: Command) => (c.type === 'finish' ? [c.ends.length] : []));
    expect(ends).toEqual([64, 6]);
    other.apply();
    expect(value(other)).toBe(count);
  });

  it('asks the coordinator when it has heard nothing for long, again and again', () => {
    const other = prepared();
    take(other);
    other.tx.tick();
    other.now += limits.txAskMs - 1;
    other.tx.tick();
    expect(other.told).toEqual([]);
    other.now += 1;
    other.tx.tick();
    other.tx.tick();
    expect(take(other)).toEqual([{ type: 'tx-query', p: 0, tx, from: 1, seq: 2 }]);
    other.now += limits.txAskMs;
    other.tx.tick();
    expect(types(take(other))).toEqual(['tx-query']);
  });

  it('holds a read of the key until the decision is applied', () => {
    const other = prepared();
    const get = { type: 'get', key: keyOf(1) } as const;
    const scan = (prefix: string) =>
      ({ type: 'scan', kind: 'counter', after: null, prefix, limit: 1 }) as const;
    expect([get, scan(''), scan(keyOf(1))].map((query) => other.tx.blocksRead(query))).toEqual([
      true,
      true,
      true,
    ]);
    expect(other.tx.blocksRead(scan('zzz'))).toBe(false);
    expect(other.tx.blocksRead({ type: 'get', key: 'another' })).toBe(false);
    expect(other.tx.blocksRead({ type: 'lock', key: keyOf(1) })).toBe(false);
    other.tx.onFinish(finish);
    other.tx.tick();
    expect(other.tx.blocksRead(get)).toBe(true);
    expect(other.tx.blocks([{ type: 'delete', key: keyOf(1) }])).toBe(false);
    other.apply();
    expect(other.tx.blocksRead(get)).toBe(false);
  });
});
