import type { SessionId, TxId } from '../core/machine/types.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { badMessage } from './rpc-errors.js';

/**
 * The checks all validators are made of. Written by hand: every message is validated, 100,000 of them a second,
 * and `benchmarks/wire.ts` shows by how much a schema library is slower. Texts are only made when a check fails.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** What a field should have been, in the words that most checks use. */
export const want = {
  count: 'a whole number from 0',
  integer: 'a whole number within ±(2^53−1)',
  flag: 'true or false',
  time: 'a finite number',
  serviceName: `a name of 1 to ${limits.serviceName} letters, digits, "_" or "-", starting with a letter`,
  partition: `a partition, 0 to ${limits.partitions - 1}`,
  node: 'a node such as "n1"',
  replica: 'a replica such as "n1/store"',
  session: 'a session such as "1.42"',
  ticket: 'a ticket such as "1.42.7"',
  tx: 'a transaction such as "3:1.42:7"',
} as const;

/** Fails with `bad-message`: `where` names the field, `want` what it should have been. */
export function bad(where: string, want: string): never {
  throw badMessage(`${where} must be ${want}`);
}

/** A JSON object, its fields not yet checked. */
export function asFields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) bad(where, 'an object');
  return value as Fields;
}

/** No field but those that were checked: a misspelt `ifVersion` must not be taken for its absence. */
export function onlyFields(value: Fields, count: number, where: string): void {
  let found = 0;
  for (const _ in value) found++;
  if (found !== count) bad(where, `an object of ${count} known fields, got ${found}`);
}

/** 0, 1, 2, … up to 2^53−1; not −0, which would not be what it was when it is sent on. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && (value > 0 || Object.is(value, 0));
}

/** A whole number a counter can hold. −0 is refused: JSON would make it 0 on its way to the backups. */
export function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** The number of a partition. */
export function isPartition(value: unknown): value is number {
  return isCount(value) && value < limits.partitions;
}

/** The name of a service or a method. */
export function isServiceName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= limits.serviceName && /^[a-z][\w-]*$/i.test(value);
}

export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The name of a node. */
export function isNode(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= limits.nameLength;
}

const replicaLength = limits.nameLength + 1 + 128;

/** `node/store`. */
export function isReplica(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > replicaLength) return false;
  const slash = value.indexOf('/');
  return slash > 0 && slash < value.length - 1;
}

/**
 * Whole numbers with just these separators between them, none beyond 2^53−1 and none with a needless zero in front:
 * these texts are names, so that each has one spelling only.
 */
function isNumbers(value: unknown, separators: string): value is string {
  if (typeof value !== 'string') return false;
  const length = value.length;
  let found = 0;
  let digits = 0;
  let number = 0;
  for (let i = 0; i < length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 && number === 0) return false;
      number = number * 10 + digit;
      digits++;
      if (number > Number.MAX_SAFE_INTEGER) return false;
    } else {
      if (digits === 0 || found === separators.length || value[i] !== separators[found]) return false;
      found++;
      digits = 0;
      number = 0;
    }
  }
  return digits > 0 && found === separators.length;
}

/** `gen.seq`, digits on both sides of one dot. */
export function isSession(value: unknown): value is SessionId {
  return isNumbers(value, '.');
}

/** `session.n`: an operation that asked for a lock. */
export function isTicket(value: unknown): value is string {
  return isNumbers(value, '..');
}

/** `p:session:n`: a transaction, by its anchor's partition. */
export function isTxId(value: unknown): value is TxId {
  return isNumbers(value, ':.:') && isPartition(Number(value.slice(0, value.indexOf(':'))));
}

/** A time on any clock, in ms, with any origin. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** At most `bytes` long in UTF-8. A UTF-16 unit takes one to three bytes, so most strings need no counting. */
export function fits(text: string, bytes: number): boolean {
  const length = text.length;
  return length * 3 <= bytes || (length <= bytes && Buffer.byteLength(text) <= bytes);
}

/** Half a surrogate pair has no UTF-8 form: it would come back from a disk as another character. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** A key: 1 to 512 bytes. Fails with `key-invalid`. */
export function checkKey(value: unknown, where: string): void {
  if (typeof value !== 'string') bad(where, 'a string');
  if (value.length === 0) throw keyInvalid('invalid key "": expected at least 1 byte');
  checkKeyText(value);
}

/** Part of a key, or none: what a scan starts after, or its prefix. Fails with `key-invalid`. */
export function checkKeyPart(value: unknown, where: string): void {
  if (typeof value !== 'string') bad(where, 'a string');
  checkKeyText(value);
}

function checkKeyText(key: string): void {
  if (!fits(key, limits.keyBytes))
    throw keyInvalid(`invalid key: expected at most ${limits.keyBytes} bytes, got ${Buffer.byteLength(key)}`);
  if (!isWellFormed(key))
    throw keyInvalid('invalid key: expected well-formed text, got half a surrogate pair');
}

function keyInvalid(message: string): MusterError {
  return new MusterError('key-invalid', message);
}

/** A value: up to 1 MiB. Fails with `value-too-large`, or `bad-message` when it is no text. */
export function checkValue(value: unknown, where: string): void {
  if (typeof value !== 'string') bad(where, 'a string');
  if (!fits(value, limits.valueBytes)) {
    throw new MusterError(
      'value-too-large',
      `value is too large: ${Buffer.byteLength(value)} bytes, at most ${limits.valueBytes} allowed`,
    );
  }
  if (!isWellFormed(value)) bad(where, 'well-formed text, got half a surrogate pair');
}
