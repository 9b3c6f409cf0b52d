import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rows } from '../../../src/core/machine/rows.js';
import {
  fitsReads,
  hasRoom,
  holdingOf,
  Intents,
  isWrite,
  othersOf,
  partsOf,
  tooManyReads,
  unitsOfReads,
  voteOn,
} from '../../../src/core/machine/transactions.js';
import type { Cell, TxItem, TxRead, TxReason } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const { counterMax, counterMin, txReadUnits } = limits;

const text = (value: string): Cell => ({ kind: 'text', value, version: 3 });
const counter = (value: number): Cell => ({ kind: 'counter', value, version: 4 });

describe('the vote on a part of a transaction', () => {
  const cells = new Map([
    ['text', text('x')],
    ['five', counter(5)],
    ['zero', counter(0)],
    ['minus', counter(-5)],
    ['json80', text('x'.repeat(78))],
    ['json81', text('x'.repeat(79))],
  ]);
  const check = (key: string, equals: string | number | null): TxItem => ({ type: 'check', key, equals });
  const version = (key: string, at: number): TxItem => ({ type: 'version', key, version: at });
  const incr = (key: string, by: number): TxItem => ({ type: 'incr', key, by });
  const of = <T extends 'get' | 'delete'>(type: T, key: string): TxItem => ({ type, key });
  const put = (key: string): TxItem => ({ type: 'put', key, value: 'y' });

  it.each<[TxItem, readonly TxRead[]]>([
    [check('text', 'x'), []],
    [check('five', 5), []],
    [check('zero', 0), []],
    [check('none', null), []],
    [version('text', 3), []],
    [version('five', 4), []],
    [version('none', 0), []],
    [of('get', 'text'), [['text', 'x', 3]]],
    [of('get', 'five'), [['five', 5, 4]]],
    [of('get', 'none'), [['none', null, 0]]],
    [put('text'), []],
    [put('none'), []],
    [of('delete', 'text'), []],
    [of('delete', 'five'), []],
    [of('delete', 'none'), []],
    [incr('five', 1), []],
    [incr('none', 1), []],
    [incr('none', counterMax), []],
    [incr('none', counterMin), []],
    [incr('five', counterMax - 5), []],
    [incr('minus', counterMin + 5), []],
  ])('is yes: %j', (item, reads) => {
    expect(voteOn([item], cells)).toEqual({ yes: true, reads });
  });

  it.each<[TxItem, TxReason, string]>([
    [check('text', 'y'), 'check', 'text is "x"'],
    [check('text', null), 'check', 'text is "x"'],
    [check('five', '5'), 'check', 'five is 5'],
    [check('zero', null), 'check', 'zero is 0'],
    [check('none', ''), 'check', 'none is not there'],
    [check('json80', ''), 'check', `json80 is "${'x'.repeat(78)}"`],
    [check('json81', ''), 'check', `json81 is "${'x'.repeat(76)}...`],
    [version('text', 2), 'stale', 'text is at version 3, not 2'],
    [version('text', 0), 'stale', 'text is at version 3, not 0'],
    [version('none', 1), 'stale', 'none is at version 0, not 1'],
    [put('five'), 'wrong-type', 'five holds a counter'],
    [incr('text', 1), 'wrong-type', 'text holds a value'],
    [incr('none', counterMax + 1), 'overflow', 'counter none would pass ±(2^53−1)'],
    [incr('none', counterMin - 1), 'overflow', 'counter none would pass ±(2^53−1)'],
    [incr('five', counterMax - 4), 'overflow', 'counter five would pass ±(2^53−1)'],
    [incr('minus', counterMin + 4), 'overflow', 'counter minus would pass ±(2^53−1)'],
  ])('is no: %j', (item, reason, message) => {
    expect(voteOn([item], cells)).toEqual({ yes: false, reason, message });
    expect(voteOn([of('get', 'none'), item, check('text', 'never')], cells)).toMatchObject({ reason });
  });

  it('gives what was read in the order of the items', () => {
    const items = [of('get', 'text'), put('none'), of('get', 'none'), check('five', 5), of('get', 'five')];
    expect(voteOn(items, cells)).toEqual({
      yes: true,
      reads: [
        ['text', 'x', 3],
        ['none', null, 0],
        ['five', 5, 4],
      ],
    });
  });

  it('is no when more is read than fits an entry', () => {
    const reads: TxRead[] = [
      ['ab', 'cde', 1],
      ['f', 7, 1],
      ['g', null, 0],
    ];
    expect([unitsOfReads([]), unitsOfReads(reads)]).toEqual([0, 2 + 3 + 1 + 16 + 1 + 16]);
    for (const [length, fits] of [
      [txReadUnits - 1, true],
      [txReadUnits, false],
    ] as const) {
      const value = 'x'.repeat(length);
      expect(fitsReads([['k', value, 1]])).toBe(fits);
      expect(voteOn([of('get', 'k')], new Map([['k', text(value)]]))).toEqual(
        fits
          ? { yes: true, reads: [['k', value, 3]] }
          : { yes: false, reason: 'too-large', message: tooManyReads },
      );
    }
  });
});

it.each<[TxItem, boolean, string]>([
  [{ type: 'put', key: 'k', value: '' }, true, 'exclusive'],
  [{ type: 'delete', key: 'k' }, true, 'exclusive'],
  [{ type: 'incr', key: 'k', by: 1 }, true, 'add'],
  [{ type: 'get', key: 'k' }, false, 'shared'],
  [{ type: 'check', key: 'k', equals: null }, false, 'shared'],
  [{ type: 'version', key: 'k', version: 1 }, false, 'shared'],
])('whether it writes, and how it holds its key: %j', (item, writes, how) => {
  expect([isWrite(item), holdingOf(item)]).toEqual([writes, how]);
});

it.each<[value: number, by: number, plus: number, minus: number, fits: boolean]>([
  [0, 1, 0, 0, true],
  // The sum of what is added.
  [-10, 1, counterMax - 1, 0, true],
  [-10, 1, counterMax, 0, false],
  [10, -1, 0, counterMin + 1, true],
  [10, -1, 0, counterMin, false],
  // The value with it.
  [counterMax - 2, 1, 1, 0, true],
  [counterMax - 1, 1, 1, 0, false],
  [counterMin + 2, -1, 0, -1, true],
  [counterMin + 1, -1, 0, -1, false],
  // What others take away makes no room for what is added, and the other way round.
  [counterMax, 1, 0, -5, false],
  [counterMin, -1, 5, 0, false],
  [counterMax - 1, 1, 0, counterMin, true],
  [counterMin + 1, -1, counterMax, 0, true],
  // Nothing is added.
  [counterMax, 0, 1, 0, true],
])('room at %d for %d more beside %d and %d: %s', (value, by, plus, minus, fits) => {
  expect(hasRoom(value, by, plus, minus)).toBe(fits);
});

it('the id of a transaction says whose it is', () => {
  expect(partsOf('12:34.56:78')).toEqual({ anchor: 12, session: '34.56', n: 78 });
});

it('those who take part besides the anchor are in both kinds of rows', () => {
  const of = { tx: '1:1.1:1', keys: [] };
  expect(
    othersOf({
      kind: 'record',
      ...of,
      prepared: [
        [3, 9],
        [5, 11],
      ],
    }),
  ).toEqual([3, 5]);
  expect(othersOf({ kind: 'pending', ...of, others: [4, 2] })).toEqual([4, 2]);
});

describe('what prepared transactions hold', () => {
  const most = 10;
  const room = (item: { readonly by: number }, plus: number, minus: number): boolean =>
    item.by > 0 ? plus + item.by <= most : minus + item.by >= -most;
  const intents = (rows = new Rows()): Intents => new Intents(holdingOf, room, rows);
  const key = fc.constantFrom('a', 'ab', 'b');
  const item: fc.Arbitrary<TxItem> = fc.oneof(
    fc.record({ type: fc.constant('get' as const), key }),
    fc.record({ type: fc.constant('put' as const), key, value: fc.constant('') }),
    fc.record({ type: fc.constant('delete' as const), key }),
    fc.record({ type: fc.constant('check' as const), key, equals: fc.constant(null) }),
    fc.record({
      type: fc.constant('incr' as const),
      key,
      by: fc.constantFrom(1, -1, 2, 4, -4, 6, -6),
    }),
  );
  /** No key is written twice. */
  const items = fc
    .array(item, { minLength: 1, maxLength: 3 })
    .map((all) =>
      all.filter((one, i) => !isWrite(one) || !all.slice(0, i).some((o) => isWrite(o) && o.key === one.key)),
    );

  type Held = ReadonlyMap<string, readonly TxItem[]>;
  /** By looking at all that is held. */
  function expected(held: Held, tx: string | null, wanted: readonly TxItem[]): string[] {
    const found = new Set<string>();
    for (const one of wanted) {
      const on = [...held].flatMap(([id, its]) =>
        its.filter((other) => other.key === one.key).map((other) => [id, other] as const),
      );
      const added = on.flatMap(([, other]) => (other.type === 'incr' ? [other.by] : []));
      const sum = (sign: number): number =>
        added.filter((by) => by * sign > 0).reduce((all, by) => all + by, 0);
      const fits = one.type === 'incr' && room(one, sum(1), sum(-1));
      for (const [id, other] of on) {
        const hows = [holdingOf(one), holdingOf(other)];
        const both = (how: string): boolean => hows.every((its) => its === how);
        if (id !== tx && !both('shared') && !(both('add') && fits)) found.add(id);
      }
    }
    return [...found].sort();
  }

  it('is against others as their items are, whatever comes and goes', () => {
    const step = fc.record({ tx: fc.constantFrom('1', '2', '3', '4'), items, ends: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const all = intents();
        const held = new Map<string, readonly TxItem[]>();
        for (const { tx, items: wanted, ends } of steps) {
          const before = held.get(tx);
          if (before !== undefined) {
            if (!ends) continue;
            all.release(tx, before);
            held.delete(tx);
          } else if (expected(held, tx, wanted).length === 0) {
            all.hold(tx, wanted);
            held.set(tx, wanted);
          }
          const those = [...held.values()].flat();
          expect(all.size).toBe(new Set(those.map((one) => one.key)).size);
          for (const name of ['a', 'ab', 'b', ''] as const) {
            const writes = those.filter(isWrite);
            expect(all.writes(name)).toBe(writes.some((one) => one.key === name));
            expect(all.writesBelow(name)).toBe(writes.some((one) => one.key.startsWith(name)));
          }
          for (const asks of [null, '1', '2', '5'])
            expect([...all.against(asks, wanted)].sort()).toEqual(expected(held, asks, wanted));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('counts once what is held twice, and keeps what another one gives up', () => {
    const all = intents();
    const six: TxItem[] = [{ type: 'incr', key: 'a', by: 6 }];
    const four: TxItem[] = [{ type: 'incr', key: 'a', by: 4 }];
    all.hold('1', six);
    all.hold('1', six);
    expect([...all.against('2', four)]).toEqual([]);
    expect([...all.against('2', six)]).toEqual(['1']);
    all.release('2', six);
    all.release('2', [{ type: 'get', key: 'never' }]);
    expect([...all.against('2', six)]).toEqual(['1']);
    all.release('1', six);
    expect([all.size, [...all.against('2', six)]]).toEqual([0, []]);
  });

  it('is made of the rows of both kinds', () => {
    const rows = new Rows();
    const of = { at: 0, seq: 1, reads: [] };
    rows.set('1', { kind: 'staged', tx: '1', ...of, items: [{ type: 'get', key: 'a' }], others: [] });
    rows.set('2', { kind: 'prepared', tx: '2', anchor: 3, ...of, items: [{ type: 'delete', key: 'b' }] });
    const all = intents(rows);
    expect([all.size, all.writes('a'), all.writes('b')]).toEqual([2, false, true]);
    const gone: TxItem[] = ['a', 'b'].map((name) => ({ type: 'delete', key: name }));
    expect([...all.against(null, gone)]).toEqual(['1', '2']);
  });
});
