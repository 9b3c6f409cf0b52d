import fc from 'fast-check';
import type { SessionId } from '../../src/core/machine/types.js';
import { limits } from '../../src/limits.js';

/** The values that messages are made of. */
export const count = fc.maxSafeNat();
export const integer = fc.maxSafeInteger().map((n) => n + 0);
export const partition = fc.nat(limits.partitions - 1);
export const session = fc.tuple(count, count).map(([gen, seq]) => `${gen}.${seq}` as SessionId);
export const ticket = fc.tuple(session, count).map(([id, n]) => `${id}.${n}`);
export const tx = fc.tuple(partition, session, count).map(([p, id, n]) => `${p}:${id}:${n}`);
export const text = fc.string({ unit: 'binary', maxLength: 60 });
export const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
/** On somebody's clock, in ms. */
export const time = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);
export const ttl = fc.integer({ min: limits.lockTtlLeastMs, max: limits.lockTtlMostMs });
export const permits = fc.integer({ min: 1, max: limits.lockPermits });
