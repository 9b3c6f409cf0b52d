import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/core/machine/digest.js';
import { Rows, rowId } from '../../../src/core/machine/rows.js';
import { unitsOfRow } from '../../../src/core/machine/size.js';
import type { Row } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const fence = (token: number): Row => ({ kind: 'fence', token });
const record = (tx: string): Row => ({ kind: 'record', tx, keys: ['k'], prepared: [[1, 7]] });

/** What a checkpoint holds that is brought up to date by deltas. */
class Checkpoint {
  readonly rows = new Map<string, Row>();

  take(from: Rows, full = false): string[] {
    const delta = from.takeDirty(full);
    const ids = delta.map(([id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    if (full) this.rows.clear();
    for (const [id, row] of delta) {
      // Nothing is taken away that is not there.
      if (row === null) expect(this.rows.delete(id)).toBe(true);
      else this.rows.set(id, row);
    }
    return ids;
  }
}

describe('rows in checkpoints', () => {
  it('that come and go between two of them are in none', () => {
    const rows = new Rows();
    const checkpoint = new Checkpoint();
    for (const row of [fence(1), record('a')]) {
      rows.set('a', row);
      rows.delete(row.kind, 'a');
      expect(checkpoint.take(rows)).toEqual([]);
      rows.set('a', row);
      expect(checkpoint.take(rows)).toEqual([rowId(row.kind, 'a')]);
      expect(checkpoint.take(rows)).toEqual([]);
      rows.delete(row.kind, 'a');
      expect(checkpoint.take(rows)).toEqual([rowId(row.kind, 'a')]);
      expect(checkpoint.take(rows)).toEqual([]);
    }
  });

  it('make up all that there is, in whatever order they come, change, go and are taken', () => {
    const step = fc.record({
      what: fc.constantFrom('set', 'set', 'delete', 'take', 'full', 'restart'),
      kind: fc.constantFrom<Row['kind'][]>('fence', 'record'),
      name: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let rows = new Rows();
        const checkpoint = new Checkpoint();
        for (const [i, { what, kind, name }] of steps.entries()) {
          if (what === 'set') rows.set(name, kind === 'fence' ? fence(i) : record(name));
          else if (what === 'delete') rows.delete(kind, name);
          else {
            checkpoint.take(rows, what === 'full');
            expect([...checkpoint.rows].sort()).toEqual(rows.sorted().sort());
            expect(rows.size).toBe(checkpoint.rows.size);
            if (what === 'restart') rows = new Rows(checkpoint.rows);
            else expect(checkpoint.take(rows)).toEqual([]);
          }
        }
      }),
    );
  });
});

describe('rows', () => {
  const lock: Row = { kind: 'lock', permits: 1, holders: [], queue: [{ ticket: 't', ttl: 1 }] };
  it('are counted with what they take, as they come, change and go', () => {
    const rows = new Rows();
    const check = (...held: [string, Row][]): void => {
      const ids = held.map(([name, row]) => [rowId(row.kind, name), row] as const);
      expect(rows.sorted()).toEqual([...ids].sort(([a], [b]) => (a < b ? -1 : 1)));
      expect(rows.size).toBe(held.length);
      expect(rows.units).toBe(held.reduce((sum, [name, row]) => sum + unitsOfRow(name, row), 0));
      expect(rows.sum.with()).toBe(digestOf({ cells: [], sessions: [], rows: ids }).hash);
    };
    check();
    rows.set('b', fence(1));
    check(['b', fence(1)]);
    rows.set('long name', record('long name'));
    rows.set('a', fence(2));
    rows.set('b', lock);
    check(['b', fence(1)], ['long name', record('long name')], ['a', fence(2)], ['b', lock]);
    rows.set('b', { ...lock, queue: [] });
    check(
      ['b', fence(1)],
      ['long name', record('long name')],
      ['a', fence(2)],
      ['b', { ...lock, queue: [] }],
    );
    rows.delete('fence', 'b');
    rows.delete('fence', 'none');
    rows.delete('staged', 'b');
    check(['long name', record('long name')], ['a', fence(2)], ['b', { ...lock, queue: [] }]);
    rows.delete('record', 'long name');
    rows.delete('fence', 'a');
    rows.delete('lock', 'b');
    check();
  });

  it('are found by kind and name', () => {
    const rows = new Rows();
    rows.set('a', fence(1));
    rows.set('a', lock);
    rows.set('b', lock);
    expect([rows.get('fence', 'a'), rows.get('lock', 'a'), rows.get('record', 'a')]).toEqual([
      fence(1),
      lock,
      undefined,
    ]);
    expect([
      rows.get('fence', 'b'),
      [...rows.of('lock')].map(([name]) => name),
      [...rows.of('staged')],
    ]).toEqual([undefined, ['a', 'b'], []]);
  });
});

describe('a page of rows', () => {
  const names = (rows: Rows, of: 'lock' | 'tx', after: string | null = null): [string[], boolean] => {
    const page = rows.page(of, after);
    return [page.rows.map(([name]) => name), page.more];
  };
  it('has locks, or transactions that are prepared or recorded, and nothing else', () => {
    const rows = new Rows();
    const of = { at: 0, seq: 1, items: [], reads: [] };
    rows.set('l2', { kind: 'lock', permits: 1, holders: [], queue: [] });
    rows.set('l1', { kind: 'lock', permits: 1, holders: [], queue: [] });
    rows.set('f', fence(1));
    rows.set('t3', record('t3'));
    rows.set('t1', { kind: 'prepared', tx: 't1', anchor: 0, ...of });
    rows.set('t2', { kind: 'staged', tx: 't2', ...of, others: [] });
    expect([names(rows, 'lock'), names(rows, 'lock', 'l1'), names(rows, 'lock', 'l2')]).toEqual([
      [['l1', 'l2'], false],
      [['l2'], false],
      [[], false],
    ]);
    expect([names(rows, 'tx'), names(rows, 'tx', 't1')]).toEqual([
      [['t1', 't3'], false],
      [['t3'], false],
    ]);
  });

  it('has at most so many rows', () => {
    const rows = new Rows();
    const name = (i: number): string => `r${String(i).padStart(6, '0')}`;
    for (let i = limits.scanPage; i > 0; i--) rows.set(name(i), record(name(i)));
    const whole = Array.from({ length: limits.scanPage }, (_, i) => name(i + 1));
    expect(names(rows, 'tx')).toEqual([whole, false]);
    rows.set(name(limits.scanPage + 1), record('x'));
    expect(names(rows, 'tx')).toEqual([whole, true]);
    expect(names(rows, 'tx', whole.at(-1))).toEqual([[name(limits.scanPage + 1)], false]);
  });

  it('has at most so much JSON, and always one row', () => {
    const wide = (tx: string, length: number): Row => {
      const row: Row = { kind: 'record', tx, keys: [''], prepared: [] };
      return { ...row, keys: ['x'.repeat(length - JSON.stringify([tx, row]).length)] };
    };
    const half = limits.rowsUnits / 2;
    for (const [lengths, found] of [
      [
        [half, half],
        [['0', '1'], false],
      ],
      [
        [half, half + 1],
        [['0'], true],
      ],
      [
        [half, half, 100],
        [['0', '1'], true],
      ],
      [[2 * limits.rowsUnits], [['0'], false]],
      [
        [2 * limits.rowsUnits, 100],
        [['0'], true],
      ],
    ] as const) {
      const rows = new Rows();
      for (const [i, length] of lengths.entries()) rows.set(`${i}`, wide(`${i}`, length));
      expect(names(rows, 'tx')).toEqual(found);
    }
  });

  it('begins after the name given, in order, pending ones among them', () => {
    const rows = new Rows();
    for (const tx of ['d', 'b', 'a']) rows.set(tx, record(tx));
    const pending = { kind: 'pending', tx: 'c', keys: ['k'], others: [1] } as const;
    const withPending = (after: string | null): string[] =>
      rows.page('tx', after, [pending]).rows.map(([name]) => name);
    expect([null, 'a', 'c', 'd'].map(withPending)).toEqual([
      ['a', 'b', 'c', 'd'],
      ['b', 'c', 'd'],
      ['d'],
      [],
    ]);
  });

  it('shows the keys of what is prepared, not its values', () => {
    const rows = new Rows();
    const items = [
      { type: 'put', key: 'p', value: 'secret' },
      { type: 'check', key: 'c', equals: 'secret' },
      { type: 'incr', key: 'i', by: 3 },
    ] as const;
    rows.set('a', {
      kind: 'prepared',
      tx: 'a',
      anchor: 0,
      at: 0,
      seq: 1,
      items,
      reads: [['r', 'secret', 1]],
    });
    expect(rows.page('tx', null).rows).toEqual([
      [
        'a',
        {
          kind: 'prepared',
          tx: 'a',
          anchor: 0,
          at: 0,
          seq: 1,
          items: [
            { type: 'put', key: 'p', value: '' },
            { type: 'check', key: 'c', equals: null },
            { type: 'incr', key: 'i', by: 3 },
          ],
          reads: [],
        },
      ],
    ]);
  });
});
