import type { CellValue, Observation } from '../check/history.js';
import type { OpResult, QueryResult, TxItem, TxOutcome } from '../core/machine/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { Settled } from './sim-user.js';

/** Increments are up to so large: no two sets of them come to the same, so that each is known by what it adds. */
export const mostAdded = 2 ** 30;

type When = Pick<Observation, 'client' | 'start' | 'end'>;
type What = Omit<Observation, 'end' | 'outcome'>;

/** What a settled operation of its own on one key shows. */
export function settledObservation(what: What, how: Settled): Observation {
  const { end } = how;
  if (how.type === 'unknown') return { ...what, end, outcome: 'unknown' };
  if (how.type === 'not-done') {
    const refused = how.code === 'conflict' && how.message.includes(' is at version ');
    return { ...what, end, outcome: refused && what.ifVersion !== undefined ? 'refused' : 'failed' };
  }
  return { ...what, end, outcome: 'ok', ...answer(what, how.result) };
}

function answer(
  { write }: What,
  { value, version }: OpResult & { ok: true },
): Pick<Observation, 'version' | 'after' | 'existed'> {
  if (write?.type === 'delete') return { existed: value as boolean };
  const at = version === undefined ? {} : { version };
  return write?.type === 'incr' ? { ...at, after: value as number } : at;
}

/** A page of a listing is one look at all of its keys: those of `keys` that it ought to show, and does not, are not there. */
export function scanObservations(
  when: When,
  page: Extract<QueryResult, { type: 'scan' }>,
  keys: readonly string[],
): Observation[] {
  const shown = new Map(page.rows);
  const last = page.rows.at(-1)?.[0] ?? '';
  return keys
    .filter((key) => shown.has(key) || !page.more || key < last)
    .map((key) => {
      const cell = shown.get(key);
      const read = { value: cell?.value ?? null, version: cell?.version ?? 0 };
      return { ...when, key, outcome: 'ok', read };
    });
}

export const keysOf = (prefix: string, count: number, p: number, partitions: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`).filter(
    (key) => partitionOf(hashKey(key), partitions) === p,
  );

/** A transaction's items, by key, as one observation each. Null reads: it told nothing. */
export function txObservations(when: When, items: readonly TxItem[], how: TxEnd): Observation[] {
  if (how !== 'unknown' && how !== null && how.outcome === 'aborted') {
    // Which of several conditions did not hold, nobody is told.
    const type = how.reason === 'check' ? 'check' : 'version';
    const conditions = items.filter((item) => item.type === type);
    const [only] = conditions;
    if (conditions.length !== 1 || only === undefined || (how.reason !== 'check' && how.reason !== 'stale'))
      return failures(when, items);
    return [...failures(when, items), { ...when, key: only.key, outcome: 'refused', ...conditionOf(only) }];
  }
  if (how === null) return failures(when, items);
  const found: Observation[] = [];
  for (const key of new Set(items.map((item) => item.key))) {
    const own = items.filter((item) => item.key === key);
    const write = own.map(writeOf).find((one) => one !== undefined);
    const read = how === 'unknown' ? undefined : how.reads.find(([of]) => of === key);
    found.push({
      ...when,
      key,
      outcome: how === 'unknown' ? 'unknown' : 'ok',
      ...Object.assign({}, ...own.map(conditionOf)),
      ...(read === undefined ? {} : { read: { value: read[1], version: read[2] } }),
      ...(write === undefined ? {} : { write }),
    });
  }
  return found;
}

/** What a transaction came to; null: certainly nothing. */
export type TxEnd = TxOutcome | null | 'unknown';

const failures = (when: When, items: readonly TxItem[]): Observation[] =>
  items.flatMap((item) => {
    const write = writeOf(item);
    return write === undefined ? [] : [{ ...when, key: item.key, outcome: 'failed' as const, write }];
  });

function conditionOf(item: TxItem): { ifValue?: CellValue; ifVersion?: number } {
  if (item.type === 'check') return { ifValue: item.equals };
  return item.type === 'version' ? { ifVersion: item.version } : {};
}

function writeOf(item: TxItem): Observation['write'] {
  switch (item.type) {
    case 'put':
      return { type: 'put', value: item.value };
    case 'delete':
      return { type: 'delete' };
    case 'incr':
      return { type: 'incr', by: item.by };
    default:
      return undefined;
  }
}
