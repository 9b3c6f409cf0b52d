import { describe, expect, test } from 'vitest';
import { checkCounter } from '../../src/check/counter.js';
import type { Observation } from '../../src/check/history.js';
import { checkRegister } from '../../src/check/register.js';

const never = Number.POSITIVE_INFINITY;
const put = (
  start: number,
  end: number,
  value: string,
  version: number,
  more: Partial<Observation> = {},
): Observation => ({
  client: 1,
  key: 'k',
  type: 'put',
  start,
  end,
  outcome: 'ok',
  value,
  version,
  ...more,
});
const lost = (start: number, value: string): Observation => ({
  client: 1,
  key: 'k',
  type: 'put',
  start,
  end: never,
  outcome: 'unknown',
  value,
});
const get = (start: number, end: number, value: string | null, version: number): Observation => ({
  client: 2,
  key: 'k',
  type: 'get',
  start,
  end,
  outcome: 'ok',
  value,
  version,
});

describe('a register', () => {
  test('a sequential history is linearizable', () => {
    expect(
      checkRegister([
        get(0, 1, null, 0),
        put(2, 3, 'a', 5),
        get(4, 5, 'a', 5),
        put(6, 7, 'b', 9),
        get(8, 9, 'b', 9),
      ]),
    ).toBeNull();
  });
  test('a read beside a write may see either value', () => {
    expect(checkRegister([put(0, 10, 'a', 5), get(1, 2, null, 0), get(3, 4, 'a', 5)])).toBeNull();
  });
  test('a write of unknown outcome may have happened, at once or late', () => {
    expect(checkRegister([lost(0, 'a'), get(5, 6, null, 0), get(7, 8, 'a', 3)])).toBeNull();
    expect(checkRegister([lost(0, 'a'), put(1, 2, 'b', 3), get(3, 4, 'b', 3), get(5, 6, 'a', 4)])).toBeNull();
  });
  test('a stale read is found', () => {
    expect(checkRegister([put(0, 1, 'a', 5), put(2, 3, 'b', 9), get(4, 5, 'a', 5)])).toMatch(/stale read/);
    expect(checkRegister([put(0, 1, 'a', 5), get(2, 3, null, 0)])).toMatch(/stale read/);
  });
  test('two reads that see a write and then do not are found, though the write has not ended', () => {
    expect(checkRegister([put(0, 20, 'a', 5), get(1, 2, 'a', 5), get(3, 4, null, 0)])).toMatch(/stale read/);
  });
  test('a write put before one that had ended is found', () => {
    expect(checkRegister([put(0, 1, 'a', 9), put(2, 3, 'b', 5)])).toMatch(/went before/);
  });
  test('a value nobody wrote, and one whose write failed, are found', () => {
    expect(checkRegister([get(0, 1, 'x', 3)])).toMatch(/nobody wrote/);
    expect(checkRegister([put(0, 1, 'a', 0, { outcome: 'failed' }), get(2, 3, 'a', 3)])).toMatch(
      /failed was read/,
    );
  });
  test('a value read before it was written is found', () => {
    expect(checkRegister([get(0, 1, 'a', 3), put(2, 3, 'a', 3)])).toMatch(/before it was written/);
  });
  test('one version for two writes is found', () => {
    expect(checkRegister([put(0, 9, 'a', 5), put(0, 9, 'b', 5)])).toMatch(/one version/);
  });
  test('a conditional put that overlooked a write is found', () => {
    expect(
      checkRegister([put(0, 9, 'a', 3), put(0, 9, 'b', 5), put(0, 9, 'c', 7, { ifVersion: 3 })]),
    ).toMatch(/overlooked/);
    expect(checkRegister([put(0, 9, 'a', 3), put(0, 9, 'c', 7, { ifVersion: 3 })])).toBeNull();
  });
});

const incr = (start: number, end: number, value: number): Observation => ({
  client: 1,
  key: 'c',
  type: 'incr',
  start,
  end,
  outcome: 'ok',
  value,
});
const maybe = (start: number): Observation => ({
  client: 1,
  key: 'c',
  type: 'incr',
  start,
  end: never,
  outcome: 'unknown',
  value: null,
});
const look = (start: number, end: number, value: number): Observation => ({
  client: 2,
  key: 'c',
  type: 'get',
  start,
  end,
  outcome: 'ok',
  value,
});

describe('a counter', () => {
  test('increments that count exactly are right, in whatever order concurrent ones take', () => {
    expect(checkCounter([incr(0, 5, 2), incr(1, 4, 1), incr(6, 7, 3), look(8, 9, 3)])).toBeNull();
  });
  test('an unknown increment may have counted, or not', () => {
    expect(checkCounter([incr(0, 1, 1), maybe(2), look(3, 4, 2)])).toBeNull();
    expect(checkCounter([incr(0, 1, 1), maybe(2), look(3, 4, 1)])).toBeNull();
  });
  test('an increment counted twice is found', () => {
    expect(checkCounter([incr(0, 1, 1), incr(2, 3, 3)])).toMatch(/more than the 2 increments begun/);
    expect(checkCounter([incr(0, 1, 1), look(2, 3, 2)])).toMatch(/more than the 1 increments begun/);
  });
  test('an acknowledged increment that got lost is found', () => {
    expect(checkCounter([incr(0, 1, 1), look(2, 3, 0)])).toMatch(/went back/);
    expect(checkCounter([incr(0, 1, 1), incr(2, 3, 1)])).toMatch(/one value/);
  });
  test('a failed increment that counted is found', () => {
    expect(checkCounter([{ ...maybe(0), outcome: 'failed', end: 1 }, look(2, 3, 1)])).toMatch(
      /more than the 0/,
    );
  });
});
