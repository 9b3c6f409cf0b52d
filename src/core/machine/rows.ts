import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../util/turnover.js';
import { DigestSum } from './digest.js';
import { unitsOfRow } from './size.js';
import type { PendingRow, QueryResult, Row, TxItem } from './types.js';

type Kind = Row['kind'];
type OneOf<K extends Kind> = Extract<Row, { kind: K }>;

const kinds = ['lock', 'fence', 'staged', 'record', 'prepared'] as const satisfies readonly Kind[];

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;

const itemWithoutValue = (item: TxItem): TxItem =>
  item.type === 'put' ? { ...item, value: '' } : item.type === 'check' ? { ...item, equals: null } : item;

/** Whoever looks at transactions wants to know their keys; with what is read and written, one that just fits a frame would not fit one here. */
function withoutValues(row: Row | PendingRow): Row | PendingRow {
  return row.kind === 'prepared' ? { ...row, items: row.items.map(itemWithoutValue), reads: [] } : row;
}

/** What all rows come to. */
interface Tally {
  readonly sum: DigestSum;
  units: number;
}

/** The rows of one kind. By name alone: most operations would otherwise join two texts, and hash the result. */
class OfKind<R extends Row> {
  readonly rows = new TurnoverMap<string, R>();
  /** What changed since the last checkpoint, of what it has or, unless they pass, of all. */
  readonly dirty = new TurnoverSet<string>();
  /** What the checkpoint has: most rows come and go between two of them, and are none of its business. */
  readonly kept = new TurnoverSet<string>();
  readonly #tally: Tally;
  /** They last for moments and never change: those that the checkpoint has not are found by looking at all there are. */
  readonly #passing: boolean;

  constructor(passing: boolean, tally: Tally) {
    this.#passing = passing;
    this.#tally = tally;
  }

  /** A row that the checkpoint has. */
  keep(name: string, row: R): void {
    this.#put(name, row);
    this.kept.add(name);
  }

  #put(name: string, row: R): void {
    const before = this.rows.get(name);
    if (before !== undefined) this.#count(name, before, -1);
    this.#count(name, row, 1);
    this.rows.set(name, row);
  }

  #count(name: string, row: R, by: 1 | -1): void {
    this.#tally.sum.row(name, row, by);
    this.#tally.units += by * unitsOfRow(name, row);
  }

  set(name: string, row: R): void {
    this.#put(name, row);
    if (!this.#passing || this.kept.has(name)) this.dirty.add(name);
  }

  delete(name: string): void {
    const before = this.rows.get(name);
    if (before === undefined) return;
    this.#count(name, before, -1);
    this.rows.delete(name);
    if (this.kept.has(name)) this.dirty.add(name);
    else if (!this.#passing) this.dirty.delete(name);
  }

  take(full: boolean): (readonly [string, R | null])[] {
    const names = full ? [...this.rows.keys()] : [...this.dirty];
    if (!full && this.#passing)
      for (const name of this.rows.keys()) if (!this.kept.has(name)) names.push(name);
    this.dirty.clear();
    if (full) this.kept.clear();
    return names.map((name) => {
      const row = this.rows.get(name) ?? null;
      if (row === null) this.kept.delete(name);
      else this.kept.add(name);
      return [name, row] as const;
    });
  }
}

/** Rows by kind and name, with what changed since the last checkpoint. */
export class Rows {
  readonly #tally: Tally = { sum: new DigestSum(), units: 0 };
  /** Most partitions have none of most kinds. */
  readonly #kinds: { [K in Kind]: OfKind<OneOf<K>> | null } = {
    lock: null,
    fence: null,
    staged: null,
    record: null,
    prepared: null,
  };

  /** `rows` are those of the checkpoint, unless everything is taken at first. */
  constructor(rows: Iterable<readonly [string, Row]> = []) {
    for (const [id, row] of rows) {
      const name = id.slice(row.kind.length + 1);
      this.#of(row.kind).keep(name, row);
    }
  }

  #of(kind: Kind): OfKind<Row> {
    const kinds = this.#kinds as { [K in Kind]: OfKind<Row> | null };
    kinds[kind] ??= new OfKind<Row>(kind !== 'lock' && kind !== 'fence', this.#tally);
    return kinds[kind];
  }

  /** Those kinds of which there are, or were, rows. */
  *#used(): Iterable<readonly [Kind, OfKind<Row>]> {
    for (const kind of kinds) {
      const of = this.#kinds[kind];
      if (of !== null) yield [kind, of as OfKind<Row>];
    }
  }

  get size(): number {
    let size = 0;
    for (const [, { rows }] of this.#used()) size += rows.size;
    return size;
  }

  /** Of all of them. */
  get sum(): DigestSum {
    return this.#tally.sum;
  }

  /** About what they hold, in UTF-16 code units. */
  get units(): number {
    return this.#tally.units;
  }

  get<K extends Kind>(kind: K, name: string): OneOf<K> | undefined {
    return this.#kinds[kind]?.rows.get(name) as OneOf<K> | undefined;
  }

  set(name: string, row: Row): void {
    this.#of(row.kind).set(name, row);
  }

  delete(kind: Kind, name: string): void {
    this.#kinds[kind]?.delete(name);
  }

  of<K extends Kind>(kind: K): Iterable<readonly [name: string, row: OneOf<K>]> {
    return (this.#kinds[kind]?.rows ?? []) as Iterable<readonly [string, OneOf<K>]>;
  }

  /**
   * The rows of a kind whose names come after `after`: at most `limits.scanPage` of them, and `limits.rowsUnits` of JSON unless a single
   * one is larger.
   */
  page(
    of: 'lock' | 'tx',
    after: string | null,
    pending: Iterable<PendingRow | OneOf<'record'>> = [],
  ): Extract<QueryResult, { type: 'rows' }> {
    const found: (readonly [string, Row | PendingRow])[] = [];
    for (const row of pending) if (after === null || row.tx > after) found.push([row.tx, row]);
    // A transaction's coordinator is no participant of it as well, and tells itself of what is staged: its id names one row.
    for (const kind of of === 'lock' ? (['lock'] as const) : (['record', 'prepared'] as const))
      for (const named of this.of(kind)) if (after === null || named[0] > after) found.push(named);
    found.sort(byName);
    const rows: (readonly [string, Row | PendingRow])[] = [];
    let units = 0;
    for (const [name, row] of found) {
      const shown = withoutValues(row);
      units += JSON.stringify([name, shown]).length;
      if (rows.length === limits.scanPage || (rows.length > 0 && units > limits.rowsUnits))
        return { type: 'rows', rows, more: true };
      rows.push([name, shown]);
    }
    return { type: 'rows', rows, more: false };
  }

  /** With their ids, in an order that depends on these alone. */
  sorted(): (readonly [string, Row])[] {
    const all: (readonly [string, Row])[] = [];
    for (const [kind, { rows }] of this.#used())
      for (const [name, row] of rows) all.push([rowId(kind, name), row]);
    return all.sort(byName);
  }

  /** What changed since the last call, or everything, by id; a row that is gone is null. */
  takeDirty(full: boolean): (readonly [string, Row | null])[] {
    const all: (readonly [string, Row | null])[] = [];
    for (const [kind, of] of this.#used())
      for (const [name, row] of of.take(full)) all.push([rowId(kind, name), row]);
    return all;
  }
}

export const rowId = (kind: Kind, name: string): string => `${kind}/${name}`;
