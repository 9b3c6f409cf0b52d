import type { PendingRow, Query, QueryResult, Row } from '../core/machine/types.js';
import type { CallOptions } from './api.js';

export type RowsQuery = Extract<Query, { type: 'rows' }>;

/** Partitions asked at once: the node they are all on has their pages in one connection's queue, and cuts off what is too slow. */
const atOnce = 8;

/**
 * What `view` makes of all rows of a kind, page after page, in no order of the partitions. Each page is read linearizably; the
 * list as a whole is not one snapshot. Rejects as every call does; `options.timeoutMs` is that of each page.
 */
export async function listRows<T>(
  calls: {
    read(p: number, query: RowsQuery, options: CallOptions): Promise<QueryResult>;
    partitions(): Promise<number>;
  },
  kind: RowsQuery['kind'],
  options: CallOptions,
  view: (p: number, name: string, row: Row | PendingRow) => T | null,
): Promise<T[]> {
  const partitions = await calls.partitions();
  const found: T[] = [];
  let next = 0;
  const follow = async (): Promise<void> => {
    while (next < partitions) {
      const p = next++;
      // Views are made at once: the rows themselves may be large.
      for (let after: string | null = null; ; ) {
        const page = await calls.read(p, { type: 'rows', kind, after }, options);
        if (page.type !== 'rows') break;
        for (const [name, row] of page.rows) {
          const one = view(p, name, row);
          if (one !== null) found.push(one);
        }
        const last = page.rows.at(-1);
        if (!page.more || last === undefined) break;
        after = last[0];
      }
    }
  };
  const stop = (error: unknown): never => {
    next = partitions;
    throw error;
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, partitions) }, () => follow().catch(stop)));
  return found;
}
