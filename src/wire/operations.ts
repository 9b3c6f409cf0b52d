import { itemsBeyond } from '../core/machine/size.js';
import type { Operation, TxItem } from '../core/machine/types.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import {
  asFields,
  bad,
  checkKey,
  checkValue,
  type Fields,
  isCount,
  isInteger,
  isTicket,
  onlyFields,
  want,
} from './check.js';
import { checkItems } from './items.js';

/** Strict: every field checked, none beyond them. Returns the same object, now known to be an `Operation`. */
export function checkOperation(value: unknown, where: string): Operation {
  const op = asFields(value, where) as Fields & Operation & { ifVersion?: unknown };
  let fields = 2;
  switch (op.type) {
    case 'incr':
      fields = 3;
      if (!isInteger(op.by)) bad(`${where}.by`, want.integer);
      break;
    case 'reset':
      fields = 3;
      if (!isInteger(op.value)) bad(`${where}.value`, want.integer);
      break;
    case 'put':
    case 'delete':
      if (op.type === 'put') {
        fields = 3;
        checkValue(op.value, `${where}.value`);
        if (op.fence !== undefined) {
          fields++;
          checkFence(op.fence, `${where}.fence`);
        }
      }
      if (op.ifVersion !== undefined) {
        fields++;
        if (!isCount(op.ifVersion)) bad(`${where}.ifVersion`, want.count);
      }
      break;
    case 'resolve':
      break;
    case 'tx':
      fields = 3;
      checkItems(op.items, `${where}.items`);
      checkTxSize(op.items);
      break;
    case 'acquire':
      fields = 5;
      if (!isTtl(op.ttl)) bad(`${where}.ttl`, wantTtl);
      if (typeof op.wait !== 'boolean') bad(`${where}.wait`, want.flag);
      if (!isPermits(op.permits)) bad(`${where}.permits`, wantPermits);
      break;
    case 'renew':
    case 'release':
      fields = 3;
      if (!isCount(op.token)) bad(`${where}.token`, want.count);
      break;
    case 'leave':
      fields = 3;
      if (!isTicket(op.ticket)) bad(`${where}.ticket`, want.ticket);
      break;
    default:
      bad(`${where}.type`, 'put, delete, incr, reset, resolve, tx, acquire, renew, release or leave');
  }
  checkKey(op.key, `${where}.key`);
  onlyFields(op, fields, where);
  return op;
}

/** `name` is that of a lock, so it is a key. */
function checkFence(value: unknown, where: string): void {
  const fence = asFields(value, where);
  checkKey(fence.name, `${where}.name`);
  if (!isCount(fence.token)) bad(`${where}.token`, want.count);
  onlyFields(fence, 2, where);
}

/** How long a lock is held without being renewed, in ms. */
export function isTtl(value: unknown): value is number {
  return isCount(value) && value >= limits.lockTtlLeastMs && value <= limits.lockTtlMostMs;
}
export const wantTtl = `${limits.lockTtlLeastMs} to ${limits.lockTtlMostMs}`;

/** How many hold a lock at once. */
export function isPermits(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= limits.lockPermits;
}
export const wantPermits = `1 to ${limits.lockPermits}`;

/**
 * All items of a transaction become one entry of its anchor's log: were that larger than a frame, no replica could
 * ever be sent it, and the partition would stand still.
 */
function checkTxSize(items: readonly TxItem[]): void {
  const bytes = itemsBeyond(items, limits.txBytes);
  if (bytes !== null) {
    throw new MusterError(
      'value-too-large',
      `transaction items too large: ${bytes} bytes of JSON, at most ${limits.txBytes} allowed`,
    );
  }
}
