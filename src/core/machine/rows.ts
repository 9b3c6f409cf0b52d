import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../turnover.js';
import type { QueryResult, Row } from './types.js';

/** Rows by their name, with what changed since the last checkpoint. */
export class Rows {
  readonly #rows = new TurnoverMap<string, Row>();
  readonly #dirty = new TurnoverSet<string>();

  /** The ids that the checkpoint has: most rows come and go between two of them, and are none of its business. */
  readonly #kept = new TurnoverSet<string>();

  /** `rows` are those of the checkpoint, unless everything is taken at first. */
  constructor(rows: Iterable<readonly [string, Row]> = []) {
    for (const [id, row] of rows) {
      this.#rows.set(id, row);
      this.#kept.add(id);
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  get<K extends Row['kind']>(kind: K, name: string): Extract<Row, { kind: K }> | undefined {
    return this.#rows.get(rowId(kind, name)) as Extract<Row, { kind: K }> | undefined;
  }

  set(name: string, row: Row): void {
    const id = rowId(row.kind, name);
    this.#rows.set(id, row);
    this.#dirty.add(id);
  }

  delete(kind: Row['kind'], name: string): void {
    const id = rowId(kind, name);
    if (!this.#rows.delete(id)) return;
    if (this.#kept.has(id)) this.#dirty.add(id);
    else this.#dirty.delete(id);
  }

  *of<K extends Row['kind']>(kind: K): Generator<readonly [name: string, row: Extract<Row, { kind: K }>]> {
    for (const [id, row] of this.#rows)
      if (row.kind === kind) yield [id.slice(kind.length + 1), row as Extract<Row, { kind: K }>];
  }

  /**
   * The rows of a kind whose names come after `after`: at most `limits.scanPage` of them, and `limits.rowsUnits` of JSON unless a single
   * one is larger.
   */
  page(of: 'lock' | 'tx', after: string | null): Extract<QueryResult, { type: 'rows' }> {
    const found: (readonly [string, Row])[] = [];
    // A transaction's coordinator is no participant of it as well, so its id names one row.
    for (const kind of of === 'lock' ? (['lock'] as const) : (['record', 'prepared'] as const))
      for (const named of this.of(kind)) if (after === null || named[0] > after) found.push(named);
    found.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const rows: (readonly [string, Row])[] = [];
    let units = 0;
    for (const [name, row] of found) {
      // With what it has read, a transaction that just fits a frame would not fit one here.
      const shown = row.kind === 'record' || row.kind === 'prepared' ? { ...row, reads: [] } : row;
      units += JSON.stringify([name, shown]).length;
      if (rows.length === limits.scanPage || (rows.length > 0 && units > limits.rowsUnits))
        return { type: 'rows', rows, more: true };
      rows.push([name, shown]);
    }
    return { type: 'rows', rows, more: false };
  }

  /** By name, in an order that depends on the names alone. */
  sorted(): (readonly [string, Row])[] {
    return [...this.#rows].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  /** What changed since the last call, or everything; a row that is gone is null. */
  takeDirty(full: boolean): (readonly [string, Row | null])[] {
    const ids = full ? [...this.#rows.keys()] : [...this.#dirty];
    this.#dirty.clear();
    if (full) this.#kept.clear();
    return ids.map((id) => {
      const row = this.#rows.get(id) ?? null;
      if (row === null) this.#kept.delete(id);
      else this.#kept.add(id);
      return [id, row] as const;
    });
  }
}

export const rowId = (kind: Row['kind'], name: string): string => `${kind}/${name}`;
