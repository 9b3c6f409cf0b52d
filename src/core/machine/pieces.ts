/**
 * A snapshot as lines, one for each item, so that neither who sends or stores it nor who receives it ever makes a text whose length
 * grows with the number of items. A line is JSON, and so has no line break in it. The first is the head, which says how many follow.
 */
import { mismatch } from './digest.js';
import { unitsOfCell } from './size.js';
import type { Cell, OpResult, Row, SessionId, Snapshot, StateDigest } from './types.js';

type Head = Pick<Snapshot, 'gen' | 'seq' | 'epoch' | 'digest'>;
type Results = (readonly [n: number, result: OpResult])[];

/** An item as it is in a line. */
type Item =
  | readonly ['c', key: string, kind: Cell['kind'], value: Cell['value'], version: number]
  | readonly ['s', id: SessionId, first: number]
  | readonly ['r', id: SessionId, n: number, result: OpResult]
  | readonly ['w', id: string, row: Row];

export const headOf = ({ gen, seq, epoch, digest }: Snapshot): string =>
  JSON.stringify({ gen, seq, epoch, digest } satisfies Head);

/** The lines after the head, each with the keys and values in it, in UTF-16 code units. */
export function* itemsOf(snapshot: Snapshot): Generator<readonly [line: string, units: number]> {
  const line = (item: Item): string => JSON.stringify(item);
  for (const [key, cell] of snapshot.cells)
    yield [line(['c', key, cell.kind, cell.value, cell.version]), unitsOfCell(key, cell)];
  for (const [id, { first, results }] of snapshot.sessions) {
    yield [line(['s', id, first]), 0];
    for (const [n, result] of results) yield [line(['r', id, n, result]), 0];
  }
  for (const [id, row] of snapshot.rows) yield [line(['w', id, row]), 0];
}

const itemsIn = ({ cells, sessions, results, rows }: StateDigest): number =>
  cells + sessions + results + rows;

/** Puts a snapshot together from its lines. */
export class SnapshotBuilder {
  readonly #head: Head;
  readonly #cells: [string, Cell][] = [];
  readonly #sessions: [SessionId, { first: number; results: Results }][] = [];
  readonly #results = new Map<SessionId, Results>();
  readonly #rows: [string, Row][] = [];
  #missing: number;

  constructor(head: Head) {
    this.#head = head;
    this.#missing = itemsIn(head.digest);
  }

  /** Throws when the item is none, or one too many. */
  add(item: Item): void {
    if (this.#missing-- <= 0) throw new Error('a snapshot has more items than its head says');
    switch (item[0]) {
      case 'c': {
        const [, key, kind, value, version] = item;
        this.#cells.push([key, { kind, value, version }]);
        return;
      }
      case 's': {
        const results: Results = [];
        this.#results.set(item[1], results);
        this.#sessions.push([item[1], { first: item[2], results }]);
        return;
      }
      case 'r': {
        const results = this.#results.get(item[1]);
        if (results === undefined) throw new Error('a snapshot has a result of no session');
        results.push([item[2], item[3]]);
        return;
      }
      case 'w':
        this.#rows.push([item[1], item[2]]);
        return;
      default:
        throw new Error('a snapshot has an item of no known kind');
    }
  }

  /** Throws when items are missing, or it is not what its digest says. */
  finish(): Snapshot {
    const snapshot = { ...this.#head, cells: this.#cells, sessions: this.#sessions, rows: this.#rows };
    const wrong = mismatch(snapshot.digest, snapshot);
    if (wrong !== null) throw new Error(`a snapshot is not whole: ${wrong}`);
    return snapshot;
  }
}

/** Cuts the lines of a snapshot into pieces of text of at most so many UTF-16 code units. */
export class SnapshotWriter {
  readonly seq: number;
  readonly #items: Generator<readonly [line: string, units: number]>;
  /** What is left of the line that has been begun. */
  #rest: string;
  #ended = false;

  constructor(snapshot: Snapshot) {
    this.seq = snapshot.seq;
    this.#items = itemsOf(snapshot);
    this.#rest = headOf(snapshot);
  }

  /** The next piece; `units`: keys and values that began in it. Not to be asked for after the last one. */
  next(most: number): { readonly chunk: string; readonly units: number; readonly last: boolean } {
    const parts: string[] = [];
    let length = 0;
    let units = 0;
    for (;;) {
      const part = this.#rest.slice(0, most - length);
      this.#rest = this.#rest.slice(part.length);
      parts.push(part);
      length += part.length;
      if (this.#rest !== '' || length === most) break;
      const item = this.#ended ? null : this.#items.next();
      if (item === null || item.done === true) {
        this.#ended = true;
        break;
      }
      this.#rest = `\n${item.value[0]}`;
      units += item.value[1];
    }
    return { chunk: parts.join(''), units, last: this.#ended };
  }
}

/** Puts a snapshot together from the pieces of `SnapshotWriter`. */
export class SnapshotReader {
  #builder: SnapshotBuilder | null = null;
  /** The line that has been begun. */
  #parts: string[] = [];

  /** Throws when the piece is none of a snapshot. */
  add(chunk: string): void {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      this.#parts.push(chunk.slice(from, end));
      this.#line();
      from = end + 1;
    }
    this.#parts.push(chunk.slice(from));
  }

  #line(): void {
    const line = this.#parts.join('');
    this.#parts = [];
    if (this.#builder === null) this.#builder = new SnapshotBuilder(JSON.parse(line) as Head);
    else this.#builder.add(JSON.parse(line) as Item);
  }

  /** Throws when it is not whole, or not what its digest says. */
  finish(): Snapshot {
    this.#line();
    return (this.#builder as SnapshotBuilder).finish();
  }
}
