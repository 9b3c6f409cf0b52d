import type { Row } from './types.js';

/** Rows by their name, with what changed since the last checkpoint. */
export class Rows {
  readonly #rows = new Map<string, Row>();
  readonly #dirty = new Set<string>();

  constructor(rows: Iterable<readonly [string, Row]> = []) {
    for (const [id, row] of rows) this.#rows.set(id, row);
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
    if (this.#rows.delete(id)) this.#dirty.add(id);
  }

  *of<K extends Row['kind']>(kind: K): Generator<readonly [name: string, row: Extract<Row, { kind: K }>]> {
    for (const [id, row] of this.#rows)
      if (row.kind === kind) yield [id.slice(kind.length + 1), row as Extract<Row, { kind: K }>];
  }

  /** By name, in an order that depends on the names alone. */
  sorted(): (readonly [string, Row])[] {
    return [...this.#rows].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  /** What changed since the last call, or everything; a row that is gone is null. */
  takeDirty(full: boolean): (readonly [string, Row | null])[] {
    const ids = full ? [...this.#rows.keys()] : [...this.#dirty];
    this.#dirty.clear();
    return ids.map((id) => [id, this.#rows.get(id) ?? null] as const);
  }
}

export const rowId = (kind: Row['kind'], name: string): string => `${kind}/${name}`;
