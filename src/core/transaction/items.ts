import { isWrite } from '../machine/transactions.js';
import type { TxItem } from '../machine/types.js';
import { hashKey, partitionOf } from '../ring/hash.js';

/** A transaction's items by partition, each in its own order. */
export function byPartition(items: readonly TxItem[], partitions: number): Map<number, TxItem[]> {
  const parts = new Map<number, TxItem[]>();
  for (const item of items) {
    const p = partitionOf(hashKey(item.key), partitions);
    const part = parts.get(p);
    if (part === undefined) parts.set(p, [item]);
    else part.push(item);
  }
  return parts;
}

/** The key whose partition is the anchor: that of the first write, else of the first item. */
export function anchorKey(items: readonly TxItem[]): string {
  return (items.find(isWrite) ?? (items[0] as TxItem)).key;
}

/**
 * Why no primary may take these items; null: it may. A vote looks at each item against what is there, so two writes of one key could
 * not both be done; and a key of another partition would be written where nobody looks for it. `p`: all are to be of this partition.
 */
export function itemsProblem(items: readonly TxItem[], p: number | null, partitions: number): string | null {
  const written = new Set<string>();
  for (const item of items) {
    if (p !== null && partitionOf(hashKey(item.key), partitions) !== p)
      return `${item.key} is no key of partition ${p}`;
    if (!isWrite(item)) continue;
    if (written.has(item.key)) return `a transaction writes ${item.key} twice`;
    written.add(item.key);
  }
  return null;
}
