/**
 * Takes up to `limit` entries of a paged listing. With `each`, entries are handed on one by one (waiting for
 * it, so that memory stays bounded however long the listing is) and nothing is kept.
 */
export async function collect<T>(
  source: AsyncIterable<T>,
  limit: number | undefined,
  each: ((entry: T) => Promise<void>) | null,
): Promise<T[]> {
  const rows: T[] = [];
  let count = 0;
  if (limit === 0) return rows;
  for await (const entry of source) {
    if (each) await each(entry);
    else rows.push(entry);
    count++;
    if (limit !== undefined && count >= limit) break;
  }
  return rows;
}
