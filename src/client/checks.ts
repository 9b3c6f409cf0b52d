import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { isWellFormed } from '../wire/check.js';

/** Rejects with `key-invalid`. */
export function checkKey(key: string): void {
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0;
  if (bytes === 0 || bytes > limits.keyBytes || !isWellFormed(key)) {
    throw new MusterError('key-invalid', `a key has 1 to ${limits.keyBytes} bytes of text, not ${bytes}`);
  }
}

/** Rejects with `usage` or `value-too-large`. */
export function checkText(key: string, value: string): void {
  if (typeof value !== 'string' || !isWellFormed(value))
    throw new MusterError('usage', 'a value is text of whole Unicode characters');
  const size = Buffer.byteLength(value);
  if (size > limits.valueBytes)
    throw new MusterError(
      'value-too-large',
      `the value of ${key} has ${size} bytes, and ${limits.valueBytes} are allowed`,
    );
}

/** Rejects with `usage`. */
export function checkInteger(what: string, value: number): void {
  if (!Number.isSafeInteger(value))
    throw new MusterError('usage', `${what} is a whole number within ±(2^53−1), not ${value}`);
}
