import { describe, expect, test } from 'vitest';
import { type AppendTx, checkAppends } from '../../src/check/append.js';
import { checkCell } from '../../src/check/cell.js';
import type { CellValue, Observation, Write } from '../../src/check/history.js';
import { checkLedger, type LedgerEntry } from '../../src/check/ledger.js';
import { checkHoldings, type Holding } from '../../src/check/lock.js';
import { checkVersions } from '../../src/check/versions.js';
import { Random } from '../../src/core/random.js';
import { type Plain, someOrder } from './brute.js';

const never = Number.POSITIVE_INFINITY;

/** An interval around the i-th instant, long enough to overlap some of its neighbours. */
const around = (random: Random, i: number): { start: number; end: number } => ({
  start: i * 10 + 5 - random.next() * 25,
  end: i * 10 + 5 + random.next() * 25,
});

const change = <T>(random: Random, list: readonly T[], how: (one: T) => T): T[] => {
  const at = random.below(list.length);
  return list.map((one, i) => (i === at ? how(one) : one));
};

// ---- one key

interface Held {
  readonly value: CellValue;
  readonly version: number | null;
}

/** The same meaning as in src/check/cell.ts, spelt out once more. */
function plainCell(history: readonly Observation[]): boolean {
  const counted = history.filter(
    (o) => o.outcome !== 'failed' && (o.outcome !== 'unknown' || o.write !== undefined),
  );
  const told = new Set(counted.flatMap((o) => (o.version === undefined ? [] : [o.version])));
  const readAs = new Map(
    counted.flatMap((o) => (typeof o.read?.value === 'string' ? [[o.read.value, o.read.version]] : [])),
  );
  const steps = counted.map((o): Plain<Held> => {
    const put = o.write?.type === 'put' ? o.write.value : '';
    const version = o.version ?? readAs.get(put) ?? null;
    return {
      start: o.start,
      end: o.end,
      optional: o.outcome === 'unknown',
      apply(held) {
        const maybe = held.version === null && o.ifVersion !== 0 && !told.has(o.ifVersion as number);
        const holds = o.ifVersion === undefined || o.ifVersion === held.version || maybe;
        const fails = o.ifVersion !== undefined && (o.ifVersion !== held.version || maybe);
        const valueHolds = o.ifValue === undefined || o.ifValue === held.value;
        if (o.outcome === 'refused') return fails || !valueHolds ? held : null;
        if (!holds || !valueHolds) return null;
        if (o.read !== undefined && o.read.value !== held.value) return null;
        const { write } = o;
        if (write === undefined) return held;
        if (write.type === 'put' || write.type === 'reset') return { value: write.value, version };
        if (write.type === 'delete') {
          const there = held.value !== null;
          return o.existed === undefined || o.existed === there ? { value: null, version: 0 } : null;
        }
        const after = Number(held.value ?? 0) + write.by;
        return o.after === undefined || o.after === after ? { value: after, version } : null;
      },
    };
  });
  return someOrder<Held>(steps, { value: null, version: 0 });
}

/** What clients would see of operations done one after the other, some of them lost or doubled. */
function cellHistory(random: Random, counter: boolean, honest: boolean): Observation[] {
  let value: CellValue = null;
  let version = 0;
  let versions = 0;
  const seen = [0];
  const reads = random.pick([0.35, 0.7]);
  const history: Observation[] = [];
  const execute = (write: Write): { existed: boolean } => {
    const existed = value !== null;
    if (write.type === 'delete') {
      value = null;
      version = 0;
      return { existed };
    }
    value = write.type === 'incr' ? Number(value ?? 0) + write.by : write.value;
    version = ++versions;
    return { existed };
  };
  for (let i = 0; i < 6; i++) {
    const when = { client: i, key: 'k', ...around(random, i) };
    if (random.chance(reads)) {
      history.push({ ...when, outcome: 'ok', read: { value, version } });
      seen.push(version);
      continue;
    }
    const kind = 0.35 + random.next() * 0.65;
    const write: Write =
      kind < 0.5
        ? { type: 'delete' }
        : !counter
          ? { type: 'put', value: `v${i}` }
          : kind < 0.6
            ? { type: 'reset', value: random.below(3) }
            : { type: 'incr', by: 1 + random.below(3) };
    const expected = random.pick(seen);
    const condition = write.type !== 'incr' && random.chance(0.3) ? { ifVersion: expected } : {};
    if (condition.ifVersion !== undefined && condition.ifVersion !== version) {
      history.push({ ...when, outcome: 'refused', write, ...condition });
      continue;
    }
    if (random.chance(0.2)) {
      if (random.chance(0.5)) execute(write);
      history.push({
        ...when,
        end: random.chance(0.5) ? never : when.end,
        outcome: 'unknown',
        write,
        ...condition,
      });
      continue;
    }
    const lost = !honest && random.chance(0.1);
    const before: Held = { value, version };
    const { existed } = execute(write);
    if (write.type === 'delete') history.push({ ...when, outcome: 'ok', write, existed, ...condition });
    else {
      const after = write.type === 'incr' ? { after: value as unknown as number } : {};
      // A transaction is told neither.
      const answer = random.chance(0.3) ? {} : { version, ...after };
      history.push({ ...when, outcome: 'ok', write, ...condition, ...answer });
      seen.push(version);
    }
    if (lost) {
      value = before.value;
      version = before.version as number;
    } else if (!honest && random.chance(0.1)) execute(write);
  }
  return history;
}

function mutated(random: Random, o: Observation): Observation {
  if (o.read !== undefined && random.chance(0.7)) {
    const value = typeof o.read.value === 'number' ? o.read.value + 1 : random.pick(['v1', 'v2', 'v3', null]);
    return { ...o, read: { ...o.read, value } };
  }
  if (o.after !== undefined) return { ...o, after: o.after + 1 };
  if (o.existed !== undefined) return { ...o, existed: !o.existed };
  if (o.outcome === 'refused') return { ...o, outcome: 'ok' };
  return { ...o, start: o.start + 30, end: o.end + 30 };
}

describe.each([
  ['register', false],
  ['counter', true],
])('a %s', (_, counter) => {
  test('is judged as by trying every order, and every change of its meaning is found', () => {
    const random = new Random(counter ? 11 : 12);
    const count = { ok: 0, wrong: 0 };
    for (let i = 0; i < 6000; i++) {
      const honest = random.chance(0.3);
      const made = cellHistory(random, counter, honest);
      const history = honest || random.chance(0.3) ? made : change(random, made, (o) => mutated(random, o));
      const expected = plainCell(history);
      const verdict = checkCell(history);
      if (honest) expect([expected, checkVersions(history)], JSON.stringify(history)).toEqual([true, null]);
      expect(verdict.type, JSON.stringify(history, null, 1)).toBe(expected ? 'ok' : 'wrong');
      count[expected ? 'ok' : 'wrong']++;
    }
    expect(count.ok).toBeGreaterThan(900);
    expect(count.wrong).toBeGreaterThan(900);
  });
});

// ---- accounts

const plainLedger = (history: readonly LedgerEntry[]): boolean =>
  someOrder<ReadonlyMap<string, number>>(
    history
      .filter(({ outcome }) => outcome !== 'failed')
      .map(({ start, end, outcome, adds, sees }) => ({
        start,
        end,
        optional: outcome === 'unknown',
        apply(balances) {
          const after = new Map(balances);
          for (const [account, by] of adds) after.set(account, (after.get(account) ?? 0) + by);
          return sees.every(([account, balance]) => (after.get(account) ?? 0) === balance) ? after : null;
        },
      })),
    new Map(),
  );

function ledgerHistory(random: Random, honest: boolean): LedgerEntry[] {
  const accounts = ['a', 'b', 'c'];
  const balances = new Map<string, number>();
  const add = (adds: LedgerEntry['adds']): void => {
    for (const [account, by] of adds) balances.set(account, (balances.get(account) ?? 0) + by);
  };
  const of = (account: string) => [account, balances.get(account) ?? 0] as const;
  return Array.from({ length: 7 }, (_, i): LedgerEntry => {
    const when = { client: i, ...around(random, i) };
    const kind = random.next();
    if (kind < 0.2) return { ...when, outcome: 'ok', adds: [], sees: accounts.map(of) };
    if (kind < 0.35) return { ...when, outcome: 'ok', adds: [], sees: [of(random.pick(accounts))] };
    const [from, to] = [random.pick(accounts), random.pick(accounts)];
    // Amounts that come to the same in many ways: the judge has to try them all.
    const by = 1 + random.below(2);
    const adds =
      kind < 0.55 || from === to
        ? ([[to, by]] as const)
        : ([
            [from, -by],
            [to, by],
          ] as const);
    if (random.chance(0.2)) {
      if (random.chance(0.5)) add(adds);
      return { ...when, end: random.chance(0.5) ? never : when.end, outcome: 'unknown', adds, sees: [] };
    }
    if (random.chance(0.1)) return { ...when, outcome: 'failed', adds, sees: [] };
    if (honest || random.chance(0.9)) add(adds);
    if (!honest && random.chance(0.1)) add(adds.slice(0, 1));
    return { ...when, outcome: 'ok', adds, sees: kind < 0.55 ? [of(to)] : [] };
  });
}

test('accounts are judged as by trying every order: lost, doubled and torn additions are found', () => {
  const random = new Random(13);
  const count = { ok: 0, wrong: 0 };
  for (let i = 0; i < 4000; i++) {
    const honest = random.chance(0.3);
    const made = ledgerHistory(random, honest);
    const history =
      honest || random.chance(0.5)
        ? made
        : change(random, made, (entry) => ({
            ...entry,
            sees: entry.sees.map(([a, b]) => [a, b + 1] as const),
          }));
    const expected = plainLedger(history);
    if (honest) expect(expected).toBe(true);
    expect(checkLedger(history).type, JSON.stringify(history, null, 1)).toBe(expected ? 'ok' : 'wrong');
    count[expected ? 'ok' : 'wrong']++;
  }
  expect(count.ok).toBeGreaterThan(1000);
  expect(count.wrong).toBeGreaterThan(1000);
});

// ---- lists

const plainAppends = (history: readonly AppendTx[]): boolean =>
  someOrder<Readonly<Record<string, readonly number[]>>>(
    history
      .filter(({ outcome }) => outcome !== 'failed')
      .map(({ start, end, outcome, reads, appends }) => ({
        start,
        end,
        optional: outcome === 'unknown',
        apply(lists) {
          if (reads.some(([list, values]) => `${lists[list] ?? []}` !== `${values}`)) return null;
          const after = { ...lists };
          for (const [list, value] of appends) after[list] = [...(after[list] ?? []), value];
          return after;
        },
      })),
    {},
  );

function appendHistory(random: Random, honest: boolean): AppendTx[] {
  const lists: Record<string, number[]> = { x: [], y: [] };
  const read = (list: string) => [list, [...(lists[list] as number[])]] as const;
  const history = Array.from({ length: 6 }, (_, i): AppendTx => {
    const when = { client: i, ...around(random, i) };
    const reads = ['x', 'y'].filter(() => random.chance(0.5)).map(read);
    const appends = ['x', 'y'].filter(() => random.chance(0.4)).map((list) => [list, i] as const);
    const lost = !honest && random.chance(0.15);
    const unknown = random.chance(0.2);
    if (!lost && (!unknown || random.chance(0.5)))
      for (const [list, value] of appends) lists[list]?.push(value);
    if (!honest && random.chance(0.1)) lists.x?.reverse();
    return unknown
      ? { ...when, end: never, outcome: 'unknown', reads: [], appends }
      : { ...when, outcome: 'ok', reads, appends };
  });
  return [
    ...history,
    { client: 9, start: 1000, end: 1001, outcome: 'ok', reads: ['x', 'y'].map(read), appends: [] },
  ];
}

test('lists are judged as by trying every order', () => {
  const random = new Random(14);
  const count = { ok: 0, wrong: 0 };
  for (let i = 0; i < 4000; i++) {
    const honest = random.chance(0.3);
    const history = appendHistory(random, honest);
    const expected = plainAppends(history);
    if (honest) expect(expected).toBe(true);
    expect(checkAppends(history) === null, JSON.stringify(history, null, 1)).toBe(expected);
    count[expected ? 'ok' : 'wrong']++;
  }
  expect(count.ok).toBeGreaterThan(1000);
  expect(count.wrong).toBeGreaterThan(1000);
});

// ---- locks

test('holdings are judged as by counting the holders at every instant', () => {
  const random = new Random(15);
  const count = { ok: 0, wrong: 0 };
  for (let i = 0; i < 4000; i++) {
    const permits = 1 + random.below(3);
    const holdings = Array.from({ length: 5 }, (_, token): Holding => {
      const from = token * 10 + random.next() * 5;
      const of = { client: token, lock: 'l', permits, token: token + 1 };
      return { ...of, asked: from - random.next() * 10, from, until: from + random.next() * 18 * permits };
    });
    const shuffled = random.chance(0.2)
      ? change(random, holdings, (h) => ({ ...h, token: 1 + random.below(5) }))
      : holdings;
    const crowded = shuffled.some(
      ({ from }) => shuffled.filter((h) => h.from <= from && from < h.until).length > permits,
    );
    const tokens =
      new Set(shuffled.map(({ token }) => token)).size < shuffled.length ||
      shuffled.some((a) => shuffled.some((b) => a.from < b.asked && a.token >= b.token));
    expect(checkHoldings(shuffled) !== null, JSON.stringify(shuffled)).toBe(crowded || tokens);
    count[crowded || tokens ? 'wrong' : 'ok']++;
  }
  expect(count.ok).toBeGreaterThan(500);
  expect(count.wrong).toBeGreaterThan(500);
});
