import type { Cell } from '../core/machine/types.js';

export interface Page {
  readonly rows: readonly (readonly [key: string, cell: Cell])[];
  readonly more: boolean;
}

interface Cursor {
  readonly p: number;
  rows: Page['rows'];
  at: number;
  more: boolean;
}

/** Pages are read ahead for this many partitions at once. */
const atOnce = 16;

/**
 * All entries of all partitions in the order of their keys: each partition gives its own in order, a page at a time,
 * and the least of the heads is next. Each page is read linearizably; the list as a whole is not one snapshot.
 */
export async function* mergePages<T>(
  partitions: () => Promise<number>,
  page: (p: number, after: string | null) => Promise<Page>,
  after: string | null,
  entry: (key: string, cell: Cell) => T,
): AsyncGenerator<T> {
  const count = await partitions();
  let heap: Cursor[] = [];
  for (let first = 0; first < count; first += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => first + i);
    const pages = await Promise.all(
      numbers.map(async (p): Promise<Cursor> => ({ p, at: 0, ...(await page(p, after)) })),
    );
    heap.push(...pages.filter((cursor) => cursor.rows.length > 0));
  }
  heap.sort(byHead);
  while (heap.length > 0) {
    const cursor = heap[0] as Cursor;
    const [key, cell] = cursor.rows[cursor.at] as Page['rows'][number];
    yield entry(key, cell);
    cursor.at++;
    if (cursor.at === cursor.rows.length && cursor.more)
      Object.assign(cursor, await page(cursor.p, key), { at: 0 });
    if (cursor.at >= cursor.rows.length) heap = heap.slice(1);
    else settle(heap);
  }
}

const headOf = (cursor: Cursor): string => (cursor.rows[cursor.at] as Page['rows'][number])[0];
const byHead = (a: Cursor, b: Cursor): number => (headOf(a) < headOf(b) ? -1 : 1);

/** The first cursor has moved on: lets it sink to its place among the others, which are in order. */
function settle(sorted: Cursor[]): void {
  const moved = sorted[0] as Cursor;
  let i = 0;
  while (i + 1 < sorted.length && headOf(sorted[i + 1] as Cursor) < headOf(moved)) {
    sorted[i] = sorted[i + 1] as Cursor;
    i++;
  }
  sorted[i] = moved;
}
