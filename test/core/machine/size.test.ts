import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitsBytes,
  growthOf,
  growthOfPart,
  itemsBeyond,
  sizeOf,
  unitsOfCell,
  unitsOfResult,
  unitsOfRow,
} from '../../../src/core/machine/size.js';
import type { Cell, Command, Operation, Row, TxItem } from '../../../src/core/machine/types.js';
import { LogEntry, ReplicaLog } from '../../../src/core/replication/log.js';
import { limits } from '../../../src/limits.js';
import { txCommand } from '../../wire/arbitraries-tx.js';

const put = (value: string): Command => ({
  type: 'prepare',
  tx: '1:1.1:1',
  anchor: 1,
  at: 0,
  items: [{ type: 'put', key: 'k', value }],
});

describe('the size of a command', () => {
  it('is as many bytes as its JSON, to the byte, wherever that matters', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', maxLength: 300 }));
    fc.assert(
      fc.property(text, (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(put(value)));
        expect([fitsBytes(put(value), bytes - 1), fitsBytes(put(value), bytes)]).toEqual([false, true]);
      }),
    );
  });

  it('counts the bytes of each character as UTF-8 does', () => {
    const units = [
      '\u0001',
      '\u007f',
      '\u0080',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ud800',
      '\udfff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
    ];
    for (const unit of units) {
      const command = put(unit.repeat(200));
      const bytes = Buffer.byteLength(JSON.stringify(command));
      expect([fitsBytes(command, bytes - 1), fitsBytes(command, bytes)], JSON.stringify(unit)).toEqual([
        false,
        true,
      ]);
    }
  });

  const ofItems: TxItem[] = [
    { type: 'put', key: 'a', value: 'bcd' },
    { type: 'check', key: 'ef', equals: 'ghij' },
    { type: 'check', key: 'k', equals: 7 },
    { type: 'check', key: 'k', equals: null },
    { type: 'get', key: 'lmn' },
    { type: 'delete', key: 'o' },
    { type: 'incr', key: 'p', by: 1 },
    { type: 'version', key: 'q', version: 1 },
  ];
  const itemSize = 8 * 32 + 4 + 6 + 1 + 1 + 3 + 1 + 1 + 1;
  const op = (of: Operation): Command => ({ type: 'op', session: '1.1', n: 1, first: 1, op: of });
  const of = { tx: '1:1.1:1', session: '1.1', n: 1, first: 1 } as const;
  it.each<[Command, number]>([
    [op({ type: 'tx', key: 'a', items: ofItems }), 128 + itemSize],
    [op({ type: 'put', key: 'ab', value: 'cde' }), 96 + 2 + 3],
    [op({ type: 'put', key: 'ab', value: 'cde', fence: { name: 'lock', token: 1 } }), 96 + 2 + 3 + 4],
    [op({ type: 'incr', key: 'ab', by: 1 }), 96 + 2],
    [op({ type: 'leave', key: 'ab', ticket: 'cde' }), 96 + 2 + 3],
    [{ type: 'prepare', tx: of.tx, anchor: 1, at: 0, items: ofItems }, 96 + itemSize],
    [{ type: 'stage', ...of, at: 0, own: ofItems, others: [1, 2, 3] }, 128 + itemSize + 24],
    [
      {
        type: 'decide',
        tx: of.tx,
        reads: [
          ['ab', 'cde', 1],
          ['f', 7, 1],
        ],
        prepared: [
          [1, 2],
          [2, 3],
        ],
      },
      96 + 2 * 32 + 2 + 3 + 1 + 8 + 2 * 16,
    ],
    [{ type: 'abort', ...of, reason: 'asked', message: 'abcd' }, 128 + 4],
    [
      {
        type: 'finish',
        ends: [
          ['1:1.1:1', true, 1],
          ['1:1.1:2', false, 1],
        ],
      },
      32 + 2 * 48,
    ],
    [{ type: 'forget', txs: ['a', 'b', 'c'] }, 32 + 3 * 32],
    [{ type: 'lapse', lock: 'abc', ticket: 'de', renewed: 1 }, 64 + 3 + 2],
    [{ type: 'barrier' }, 48],
  ])('is about so much: %j', (command, size) => {
    expect(sizeOf(command)).toBe(size);
  });

  it('is never far below what its JSON takes in characters', () => {
    fc.assert(
      fc.property(txCommand, (command) => {
        expect(JSON.stringify(command).length).toBeLessThan(sizeOf(command) * 6 + 512);
      }),
    );
  });

  it('keeps several large transactions out of one message', () => {
    const log = new ReplicaLog(0, 0, 0);
    const large = put('x'.repeat(limits.appendBytes - 1000));
    for (let seq = 1; seq <= 3; seq++) log.append(new LogEntry(1, seq, large));
    expect(log.slice(1, limits.appendBytes).entries).toHaveLength(1);
    const wide: Command = {
      type: 'op',
      session: '1.1',
      n: 1,
      first: 1,
      op: { type: 'tx', key: 'k', items: [] },
    };
    expect(
      sizeOf({ ...wide, op: { ...wide.op, items: 'items' in large ? large.items : [] } } as Command),
    ).toBeGreaterThan(limits.appendBytes - 1000);
  });
});

describe('what a partition keeps, in characters', () => {
  const items: TxItem[] = [
    { type: 'put', key: 'ab', value: 'cde' },
    { type: 'incr', key: 'fghi', by: 1 },
  ];
  const held = { ticket: 'abcdefg', token: 1, ttl: 1, renewed: 1 };
  const rows: readonly (readonly [Row, number])[] = [
    [{ kind: 'lock', permits: 1, holders: [], queue: [] }, 64 + 4],
    [{ kind: 'lock', permits: 1, holders: [held, held], queue: [] }, 64 + 4 + 2 * (64 + 7)],
    [{ kind: 'lock', permits: 1, holders: [], queue: [{ ticket: 'abc', ttl: 1 }] }, 64 + 4 + 48 + 3],
    [{ kind: 'fence', token: 1 }, 48 + 4],
    [{ kind: 'record', tx: 't', keys: [], prepared: [] }, 64 + 4],
    [
      {
        kind: 'record',
        tx: 't',
        keys: ['abc', 'd'],
        prepared: [
          [1, 2],
          [2, 3],
          [3, 4],
        ],
      },
      64 + 4 + 3 * 24 + 8 + 3 + 8 + 1,
    ],
  ];
  it.each(rows)('is so much for a row: %j', (row, units) => {
    expect(unitsOfRow('name', row)).toBe(units);
  });

  it('is for a part of a transaction what its items and reads take, and who else takes part', () => {
    const prepared = { kind: 'prepared', tx: 't', anchor: 1, at: 1, seq: 1, items: [], reads: [] } as const;
    const staged = { kind: 'staged', tx: 't', at: 1, seq: 1, items: [], reads: [], others: [] } as const;
    const of = (row: Row): number => unitsOfRow('name', row) - (64 + 4);
    expect([of(prepared), of(staged), of({ ...staged, others: [1, 2] })]).toEqual([0, 0, 32]);
    expect(
      of({
        ...prepared,
        reads: [
          ['ab', 'cde', 1],
          ['f', 7, 1],
          ['g', null, 0],
        ],
      }),
    ).toBe(3 * 32 + 2 + 3 + 1 + 8 + 1 + 8);
    expect(of({ ...prepared, items })).toBe(growthOfPart(items, new Map()) - 128 - (5 + 16 + 4));
    expect(of({ ...prepared, items })).toBeGreaterThan(2 + 3 + 4);
  });

  const text: Cell = { kind: 'text', value: 'xyz', version: 1 };
  const counter: Cell = { kind: 'counter', value: 123_456, version: 1 };
  it('is for a cell its key and value, and for a result what it says', () => {
    expect([unitsOfCell('ab', text), unitsOfCell('ab', counter)]).toEqual([5, 18]);
    expect([
      unitsOfResult({ ok: true, value: 'xyz' }),
      unitsOfResult({ ok: true, value: 5 }),
      unitsOfResult({ ok: false, code: 'overflow', message: 'abcd' }),
    ]).toEqual([35, 48, 36]);
  });

  const cells = new Map([
    ['text', text],
    ['counter', counter],
  ]);
  const acquire = { type: 'acquire', key: 'abc', ttl: 1, wait: true, permits: 1 } as const;
  const operations: readonly (readonly [Operation, number])[] = [
    [{ type: 'put', key: 'text', value: 'ab' }, 96 + 4 + 2],
    [{ type: 'put', key: 'a', value: 'bc', fence: { name: 'lock', token: 1 } }, 96 + 1 + 2 + 4 + 1],
    [{ type: 'incr', key: 'counter', by: 1 }, 0],
    [{ type: 'incr', key: 'abc', by: 1 }, 48 + 3],
    [{ type: 'reset', key: 'counter', value: 0 }, 0],
    [{ type: 'reset', key: 'abc', value: 0 }, 48 + 3],
    [{ type: 'delete', key: 'abc' }, 0],
    [acquire, 160 + 3],
    [{ type: 'release', key: 'abc', token: 1 }, 0],
    [{ type: 'tx', key: 'a', items }, 2 + 3 + 16 + 4],
    [{ type: 'tx', key: 'a', items: [{ type: 'incr', key: 'counter', by: 1 }] }, 0],
    [{ type: 'tx', key: 'a', items: [{ type: 'get', key: 'text' }] }, 32 + 4 + 3],
    [{ type: 'tx', key: 'a', items: [{ type: 'get', key: 'counter' }] }, 32 + 7 + 16],
    [{ type: 'tx', key: 'a', items: [{ type: 'get', key: 'b' }] }, 32 + 1 + 16],
    [{ type: 'tx', key: 'a', items: [{ type: 'delete', key: 'b' }] }, 0],
    [{ type: 'tx', key: 'a', items: [{ type: 'check', key: 'text', equals: 'xyz' }] }, 0],
  ];
  it.each(operations)('grows at most by so much: %j', (op, units) => {
    expect(growthOf(op, cells)).toBe(units);
  });

  it('of items is said when their JSON is longer than it may be, to the byte', () => {
    const some: TxItem[] = [{ type: 'put', key: 'k', value: 'é€🦊'.repeat(50) }];
    const bytes = Buffer.byteLength(JSON.stringify(some));
    expect([itemsBeyond(some, bytes), itemsBeyond(some, bytes - 1), itemsBeyond(some, 100_000)]).toEqual([
      null,
      bytes,
      null,
    ]);
  });
});
