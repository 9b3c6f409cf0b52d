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
