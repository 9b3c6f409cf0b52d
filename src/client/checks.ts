import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { isWellFormed, want } from '../wire/check.js';

/** Rejects with `key-invalid`. */
export function checkKey(key: string): void {
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0;
  if (bytes === 0 || bytes > limits.keyBytes || !isWellFormed(key)) {
    const found =
      typeof key !== 'string'
        ? `a ${typeof key}`
        : isWellFormed(key)
          ? `${bytes} bytes`
          : 'half a surrogate pair';
    throw new MusterError(
      'key-invalid',
      `invalid key: expected 1 to ${limits.keyBytes} bytes of UTF-8 text, got ${found}`,
    );
  }
}

/** Rejects with `usage` or `value-too-large`. */
export function checkText(key: string, value: string): void {
  if (typeof value !== 'string' || !isWellFormed(value))
    throw invalid(`value of ${key}`, value, 'well-formed Unicode text');
  const size = Buffer.byteLength(value);
  if (size > limits.valueBytes)
    throw new MusterError(
      'value-too-large',
      `value of ${key} is too large: ${size} bytes, at most ${limits.valueBytes} allowed`,
    );
}

/** Rejects with `usage`. */
export function checkInteger(what: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw invalid(what, String(value), want.integer);
}
