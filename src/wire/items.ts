import type { PartEntry, TxItem, TxRead, TxReason } from '../core/machine/types.js';
import { limits } from '../limits.js';
import {
  asFields,
  bad,
  checkKey,
  checkValue,
  type Fields,
  isArray,
  isCount,
  isInteger,
  isPartition,
  onlyFields,
  want,
} from './check.js';

/** What transactions are made of: their items, what they read, who takes part, and what they came to. */

/** A list of `least` to `limits.txItems` items. */
export function checkItems(value: unknown, where: string, least = 1): asserts value is readonly TxItem[] {
  if (!isArray(value) || value.length < least || value.length > limits.txItems)
    bad(where, `a list of ${least} to ${limits.txItems} items`);
  for (let i = 0; i < value.length; i++) checkItem(value[i], where);
}

function checkItem(value: unknown, where: string): void {
  const item = asFields(value, `${where}[]`) as Fields & TxItem;
  let fields = 3;
  switch (item.type) {
    case 'check':
      checkContent(item.equals, `${where}[].equals`);
      break;
    case 'version':
      if (!isCount(item.version)) bad(`${where}[].version`, want.count);
      break;
    case 'put':
      checkValue(item.value, `${where}[].value`);
      break;
    case 'incr':
      if (!isInteger(item.by)) bad(`${where}[].by`, want.integer);
      break;
    case 'get':
    case 'delete':
      fields = 2;
      break;
    default:
      bad(`${where}[].type`, 'check, version, get, put, delete or incr');
  }
  checkKey(item.key, `${where}[].key`);
  onlyFields(item, fields, `${where}[]`);
}

/** What a key holds: text, a counter's number, or null for nothing. */
function checkContent(value: unknown, where: string): void {
  if (value === null) return;
  if (typeof value === 'string') checkValue(value, where);
  else if (!isInteger(value)) bad(where, 'text, a whole number or null');
}

/** A list of `[key, value, version]`. */
export function checkReads(value: unknown, where: string): asserts value is readonly TxRead[] {
  if (!isArray(value) || value.length > limits.txItems) bad(where, `a list of at most ${limits.txItems}`);
  for (const read of value) {
    if (!isArray(read) || read.length !== 3) bad(`${where}[]`, 'a list of key, value and version');
    checkKey(read[0], `${where}[][0]`);
    checkContent(read[1], `${where}[][1]`);
    if (!isCount(read[2])) bad(`${where}[][2]`, want.count);
  }
}

export function checkPartitions(value: unknown, where: string): asserts value is readonly number[] {
  if (!isArray(value) || value.length > limits.txItems) bad(where, `a list of at most ${limits.txItems}`);
  for (const p of value) if (!isPartition(p)) bad(`${where}[]`, want.partition);
}

/** A list of pairs of partition and entry. */
export function checkPartEntries(value: unknown, where: string): asserts value is readonly PartEntry[] {
  for (const [p, seq] of tuples(value, 2, where)) {
    if (!isPartition(p)) bad(`${where}[][0]`, want.partition);
    if (!isCount(seq)) bad(`${where}[][1]`, want.count);
  }
}

/** A list of lists of so many. Each participant has an item at least, so there are no more of them than items. */
export function tuples(value: unknown, length: number, where: string): readonly (readonly unknown[])[] {
  if (!isArray(value) || value.length > limits.txItems)
    bad(where, `a list of at most ${limits.txItems} lists`);
  for (const one of value)
    if (!isArray(one) || one.length !== length) bad(`${where}[]`, `a list of ${length}`);
  return value as readonly (readonly unknown[])[];
}

const reasons: Readonly<Record<TxReason, true>> = {
  check: true,
  stale: true,
  conflict: true,
  'wrong-type': true,
  'too-large': true,
  overflow: true,
  unavailable: true,
  timeout: true,
  asked: true,
  lost: true,
};

export function checkReason(value: unknown, where: string): asserts value is TxReason {
  if (typeof value !== 'string' || !Object.hasOwn(reasons, value))
    bad(where, Object.keys(reasons).join(', '));
}
