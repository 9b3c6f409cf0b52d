import type { Holder, PendingRow, Row } from '../core/machine/types.js';
import { limits } from '../limits.js';
import {
  asFields,
  bad,
  checkKey,
  type Fields,
  isArray,
  isCount,
  isPartition,
  isTicket,
  isTime,
  isTxId,
  onlyFields,
  want,
} from './check.js';
import { checkItems, checkPartEntries, checkPartitions, checkReads } from './items.js';
import { isPermits, isTtl, wantPermits, wantTtl } from './operations.js';

/** A row of a partition: a lock, a fence, or a part of a transaction. */
export function checkRow(value: unknown, where: string): asserts value is Row | PendingRow {
  const row = asFields(value, where) as Fields & (Row | PendingRow);
  switch (row.kind) {
    case 'lock':
      if (!isPermits(row.permits)) bad(`${where}.permits`, wantPermits);
      checkHolders(row.holders, `${where}.holders`);
      checkQueue(row.queue, `${where}.queue`);
      onlyFields(row, 4, where);
      break;
    case 'fence':
      if (!isCount(row.token)) bad(`${where}.token`, want.count);
      onlyFields(row, 2, where);
      break;
    case 'record':
      if (!isTxId(row.tx)) bad(`${where}.tx`, want.tx);
      checkKeys(row.keys, `${where}.keys`);
      checkPartEntries(row.prepared, `${where}.prepared`);
      onlyFields(row, 4, where);
      break;
    case 'pending':
      if (!isTxId(row.tx)) bad(`${where}.tx`, want.tx);
      checkKeys(row.keys, `${where}.keys`);
      checkPartitions(row.others, `${where}.others`);
      onlyFields(row, 4, where);
      break;
    case 'staged':
    case 'prepared':
      if (!isTxId(row.tx)) bad(`${where}.tx`, want.tx);
      if (!isTime(row.at)) bad(`${where}.at`, want.time);
      if (!isCount(row.seq)) bad(`${where}.seq`, want.count);
      // All items of a transaction may be elsewhere than at its anchor.
      checkItems(row.items, `${where}.items`, row.kind === 'staged' ? 0 : 1);
      checkReads(row.reads, `${where}.reads`);
      if (row.kind === 'staged') checkPartitions(row.others, `${where}.others`);
      else if (!isPartition(row.anchor)) bad(`${where}.anchor`, want.partition);
      onlyFields(row, 7, where);
      break;
    default:
      bad(`${where}.kind`, 'lock, fence, staged, record, pending or prepared');
  }
}

function checkKeys(value: unknown, where: string): void {
  if (!isArray(value) || value.length > limits.txItems) bad(where, `a list of at most ${limits.txItems}`);
  for (const key of value) checkKey(key, `${where}[]`);
}

function checkHolders(value: unknown, where: string): void {
  if (!isArray(value) || value.length > limits.lockPermits)
    bad(where, `a list of at most ${limits.lockPermits}`);
  for (const one of value) {
    const holder = asFields(one, `${where}[]`) as Fields & Holder;
    checkPlace(holder, `${where}[]`);
    if (!isCount(holder.token)) bad(`${where}[].token`, want.count);
    if (!isCount(holder.renewed)) bad(`${where}[].renewed`, want.count);
    onlyFields(holder, 4, `${where}[]`);
  }
}

function checkQueue(value: unknown, where: string): void {
  if (!isArray(value)) bad(where, 'a list');
  for (const one of value) {
    const waiter = asFields(one, `${where}[]`);
    checkPlace(waiter, `${where}[]`);
    onlyFields(waiter, 2, `${where}[]`);
  }
}

function checkPlace(place: Fields, where: string): void {
  if (!isTicket(place.ticket)) bad(`${where}.ticket`, want.ticket);
  if (!isTtl(place.ttl)) bad(`${where}.ttl`, wantTtl);
}
