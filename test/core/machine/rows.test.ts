import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rows, rowId } from '../../../src/core/machine/rows.js';
import type { Row } from '../../../src/core/machine/types.js';

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

describe('a page of rows', () => {
  it('begins after the name given, in order, pending ones among them', () => {
    const rows = new Rows();
    for (const tx of ['d', 'b', 'a']) rows.set(tx, record(tx));
    const pending = { kind: 'pending', tx: 'c', keys: ['k'], others: [1] } as const;
    const names = (after: string | null): string[] =>
      rows.page('tx', after, [pending]).rows.map(([name]) => name);
    expect([names(null), names('a'), names('c'), names('d')]).toEqual([
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
    const page = JSON.stringify(rows.page('tx', null));
    expect(page).toContain('"key":"c"');
    expect(page).not.toContain('secret');
  });
});
