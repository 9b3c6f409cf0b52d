import { describe, expect, test } from 'vitest';
import { checkCell } from '../../src/check/cell.js';
import { checkDecisions } from '../../src/check/decision.js';
import type { Observation } from '../../src/check/history.js';
import { checkLedger, type LedgerEntry } from '../../src/check/ledger.js';
import { checkFenced, type FencedWrite } from '../../src/check/lock.js';
import { search } from '../../src/check/search.js';
import { checkVersions } from '../../src/check/versions.js';

const never = Number.POSITIVE_INFINITY;
const of = (start: number, end: number, more: Partial<Observation>): Observation => ({
  client: 1,
  key: 'k',
  start,
  end,
  outcome: 'ok',
  ...more,
});
const put = (start: number, end: number, value: string, version: number, more: Partial<Observation> = {}) =>
  of(start, end, { write: { type: 'put', value }, version, ...more });
const lost = (start: number, value: string, end = never) =>
  of(start, end, { outcome: 'unknown', write: { type: 'put', value } });
const get = (start: number, end: number, value: string | number | null, version: number) =>
  of(start, end, { read: { value, version } });
const remove = (start: number, end: number, existed: boolean, more: Partial<Observation> = {}) =>
  of(start, end, { write: { type: 'delete' }, existed, ...more });

describe('a register', () => {
  const good: Record<string, Observation[]> = {
    'a sequential history': [get(0, 1, null, 0), put(2, 3, 'a', 5), get(4, 5, 'a', 5), put(6, 7, 'b', 9)],
    'a read beside a write that sees either value': [
      put(0, 10, 'a', 5),
      get(1, 2, null, 0),
      get(3, 4, 'a', 5),
    ],
    'a write of unknown outcome that happens late': [lost(0, 'a'), get(5, 6, null, 0), get(7, 8, 'a', 3)],
    'a delete, and a value put after it': [
      put(0, 1, 'a', 5),
      remove(2, 3, true),
      get(4, 5, null, 0),
      put(6, 7, 'b', 9),
    ],
    'a condition that was refused because it did not hold': [
      put(0, 1, 'a', 3),
      put(2, 3, 'b', 5),
      put(4, 5, 'c', 0, { outcome: 'refused', ifVersion: 3 }),
    ],
  };
  test.each(Object.entries(good))('%s is accepted', (_, history) => {
    expect([checkCell(history).type, checkVersions(history)]).toEqual(['ok', null]);
  });

  const bad: Record<string, Observation[]> = {
    'a stale read': [put(0, 1, 'a', 5), put(2, 3, 'b', 9), get(4, 5, 'a', 5)],
    'an acknowledged write that is gone': [put(0, 1, 'a', 5), get(2, 3, null, 0)],
    'a write seen and then not': [put(0, 20, 'a', 5), get(1, 2, 'a', 5), get(3, 4, null, 0)],
    'a value nobody wrote': [get(0, 1, 'x', 3)],
    'a value of a failed write': [put(0, 1, 'a', 0, { outcome: 'failed' }), get(2, 3, 'a', 3)],
    'a value read before it was written': [get(0, 1, 'a', 3), put(2, 3, 'a', 3)],
    'a value that comes back after its delete': [put(0, 1, 'a', 5), remove(2, 3, true), get(4, 5, 'a', 5)],
    'a delete of nothing that says there was something': [remove(0, 1, true)],
    'a conditional put that overlooked a write': [
      put(0, 1, 'a', 3),
      put(2, 3, 'b', 5),
      put(4, 5, 'c', 7, { ifVersion: 3 }),
    ],
    'a conditional delete that overlooked a write': [
      put(0, 1, 'a', 3),
      put(2, 3, 'b', 5),
      remove(4, 5, true, { ifVersion: 3 }),
    ],
    'a condition that was refused, and held': [
      put(0, 1, 'a', 3),
      of(2, 3, { outcome: 'refused', ifValue: 'a' }),
    ],
    'an unknown write that happens after its end': [lost(0, 'a', 3), get(5, 6, null, 0), get(7, 8, 'a', 3)],
  };
  test.each(Object.entries(bad))('%s is found', (_, history) => {
    expect(checkCell(history).type).toBe('wrong');
  });
});

describe('versions', () => {
  const bad: Record<string, Observation[]> = {
    'two writes have one version': [put(0, 9, 'a', 5), put(0, 9, 'b', 5)],
    'went before one that had ended': [put(0, 1, 'a', 9), put(2, 3, 'b', 5)],
    'under another version': [put(0, 1, 'a', 5), get(2, 3, 'a', 6)],
    'two values have one version': [get(0, 1, 4, 6), get(0, 1, 5, 6)],
    'a stale read': [get(0, 1, 4, 6), get(2, 3, 4, 5)],
    'a value without a version': [get(0, 1, 4, 0)],
  };
  test.each(Object.entries(bad))('"%s" is found', (message, history) => {
    expect(checkVersions(history)).toContain(message);
  });
});

const incr = (start: number, end: number, by: number, after?: number) =>
  of(start, end, { write: { type: 'incr', by }, ...(after === undefined ? {} : { after }) });
const maybe = (start: number, by: number) =>
  of(start, never, { outcome: 'unknown', write: { type: 'incr', by } });
const reset = (start: number, end: number, value: number) =>
  of(start, end, { write: { type: 'reset', value } });

describe('a counter', () => {
  const good: Record<string, Observation[]> = {
    'increments in whatever order': [
      incr(0, 5, 3, 10),
      incr(1, 4, 7, 7),
      incr(6, 7, 1, 11),
      get(8, 9, 11, 4),
    ],
    'an unknown increment that counted': [incr(0, 1, 1, 1), maybe(2, 5), get(3, 4, 6, 2)],
    'an unknown increment that did not': [incr(0, 1, 1, 1), maybe(2, 5), get(3, 4, 1, 2)],
    'a reset between two': [incr(0, 1, 4, 4), reset(0, 9, 100), incr(2, 3, 1, 101)],
    'an increment of a transaction, which is told no value': [incr(0, 1, 4), incr(2, 3, 1, 5)],
  };
  test.each(Object.entries(good))('%s: accepted', (_, history) => {
    expect(checkCell(history).type).toBe('ok');
  });
  const bad: Record<string, Observation[]> = {
    'an increment counted twice': [incr(0, 1, 4, 4), incr(2, 3, 1, 9)],
    'an acknowledged increment that got lost': [incr(0, 1, 4, 4), incr(2, 3, 1, 1)],
    'an increment of a transaction that got lost': [incr(0, 1, 4), get(2, 3, null, 0)],
    'a failed increment that counted': [{ ...incr(0, 1, 4), outcome: 'failed' }, get(2, 3, 4, 1)],
    'a reset that did nothing': [incr(0, 1, 4, 4), reset(2, 3, 100), incr(4, 5, 1, 5)],
  };
  test.each(Object.entries(bad))('%s is found', (_, history) => {
    expect(checkCell(history).type).toBe('wrong');
  });
});

const moved = (start: number, end: number, by: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  client: 1,
  start,
  end,
  outcome: 'ok',
  adds: [
    ['a', -by],
    ['b', by],
  ],
  sees: [],
  ...more,
});
const look = (start: number, end: number, a: number, b: number): LedgerEntry => ({
  client: 2,
  start,
  end,
  outcome: 'ok',
  adds: [],
  sees: [
    ['a', a],
    ['b', b],
  ],
});

describe('accounts', () => {
  test('a look shows what was acknowledged before it, and some of what is under way', () => {
    expect(checkLedger([moved(0, 1, 7), look(2, 3, -7, 7)]).type).toBe('ok');
    expect(checkLedger([moved(0, 5, 7), look(2, 3, -7, 7), look(3, 4, -7, 7)]).type).toBe('ok');
    expect(checkLedger([moved(0, 5, 7), look(2, 3, 0, 0)]).type).toBe('ok');
  });
  test.each([
    ['a lost transfer', [moved(0, 1, 7), look(2, 3, 0, 0)]],
    ['a doubled transfer', [moved(0, 1, 7), look(2, 3, -14, 14)]],
    ['half a transfer', [moved(0, 5, 7), look(2, 3, -7, 0)]],
    ['a failed transfer that happened', [moved(0, 1, 7, { outcome: 'failed' }), look(2, 3, -7, 7)]],
    ['a transfer seen and then not', [moved(0, 9, 7), look(1, 2, -7, 7), look(3, 4, 0, 0)]],
    ['a transfer of the future', [look(0, 1, -7, 7), moved(2, 3, 7)]],
    ['two looks that cannot agree', [moved(0, 9, 7), moved(0, 9, 5), look(1, 8, -7, 7), look(1, 8, -5, 5)]],
  ] as [string, LedgerEntry[]][])('%s is found', (_, history) => {
    expect(checkLedger(history).type).toBe('wrong');
  });
  test('it is said which addition accounts for the difference', () => {
    const verdict = checkLedger([moved(0, 1, 7), moved(0, 1, 1000), look(2, 3, -1000, 1000)]);
    expect(verdict).toMatchObject({
      type: 'wrong',
      why: expect.stringContaining('as much as client 1 added in [0.0, 1.0] (ok)'),
    });
  });
  test('no verdict is given beyond the bound', () => {
    const many = Array.from({ length: 40 }, () => moved(0, never, 1, { outcome: 'unknown' }));
    expect(checkLedger([...many, look(1, 2, -20, 21)], 1000).type).toBe('unknown');
  });
});

test('a search that passes its bound accepts nothing', () => {
  const step = { start: 0, end: 1, optional: false, pure: false, rank: null };
  const steps = Array.from({ length: 30 }, (_, i) => ({ ...step, apply: (s: number) => s + 2 ** i }));
  const impossible = { ...step, apply: () => null };
  expect(search([...steps, impossible], 0, String, undefined, 10_000)).toEqual({ type: 'unknown' });
  // That no order follows the ranks is found at once, and breaks a promise as well.
  const ranked = steps.map((one, i) => ({ ...one, rank: i }));
  expect(search([...ranked, { ...impossible, rank: 15.5 }], 0, String, undefined, 10_000).type).toBe('wrong');
});

test('a decision that is told in two ways is found', () => {
  const told = { tx: '1:1.1:1', client: 1, at: 5 };
  expect(
    checkDecisions([
      { ...told, outcome: 'committed' },
      { ...told, outcome: 'committed' },
    ]),
  ).toBeNull();
  expect(
    checkDecisions([
      { ...told, outcome: 'committed' },
      { ...told, outcome: 'aborted' },
    ]),
  ).toContain('is aborted');
});

describe('fences', () => {
  const write = (
    token: number,
    version: number,
    start: number,
    more: Partial<FencedWrite> = {},
  ): FencedWrite => ({
    client: token,
    key: 'k',
    token,
    start,
    end: start + 1,
    outcome: 'ok',
    version,
    ...more,
  });
  test('greater tokens follow smaller ones, and smaller ones are refused', () => {
    expect(checkFenced([write(1, 10, 0), write(2, 11, 2), write(1, 0, 4, { outcome: 'fenced' })])).toBeNull();
  });
  test('an older token that wrote, and one that was refused without reason, are found', () => {
    expect(checkFenced([write(2, 10, 0), write(1, 11, 2)])).toContain('after token 2');
    expect(checkFenced([write(2, 11, 0), write(1, 10, 2)])).toContain('when a greater one had written');
    expect(checkFenced([write(1, 0, 0, { outcome: 'fenced' }), write(2, 10, 2)])).toContain('no greater one');
  });
});
