import { accepted, type CellValue, describeObservation, type Observation, type Verdict } from './history.js';
import { type Step, search } from './search.js';

/** What a key holds. */
interface Held {
  readonly value: CellValue;
  /** Of the write that it holds; null: nobody was told. */
  readonly version: number | null;
}

const nothing: Held = { value: null, version: 0 };

/**
 * Is the history of one key, a register or a counter, linearizable? All that was read and answered must fit an order of what was done,
 * in which each operation stands between its start and its end. Versions do not decide about that order: they only name the writes that
 * conditions are about, and say where the search begins (`checkVersions` judges them).
 */
export function checkCell(history: readonly Observation[], most?: number): Verdict {
  const counted = withoutRepeatedReads(history.filter(counts));
  const spare = counted.reduce((sum, o) => sum + (o.version === undefined ? addedBy(o) : 0), 0);
  const found = search(
    stepsOf(counted),
    nothing,
    ({ value, version }) => `${value}@${version}`,
    (held, i, next) => mayLead(held, counted[i] as Observation, counted[next] as Observation, spare),
    most,
  );
  if (found.type === 'ok') return accepted;
  if (found.type === 'unknown')
    return { type: 'unknown', why: `no verdict on ${history.length} operations within the bound` };
  const stuck = counted[found.stuck] as Observation;
  const near = counted.filter((o) => o.end >= stuck.start - 50 && o.start <= stuck.end).slice(0, 40);
  return {
    type: 'wrong',
    why: `no order of its operations explains them, at the latest here:\n  ${describeObservation(stuck)}\namong\n  ${near.map(describeObservation).join('\n  ')}`,
  };
}

/**
 * A version is held for one period. If it lasts from the read of it that ends first to the one that starts last, it has room for all
 * others: those need not be looked at.
 */
function withoutRepeatedReads(history: readonly Observation[]): Observation[] {
  const kept = new Map<string, { firstEnd: Observation; lastStart: Observation }>();
  const others: Observation[] = [];
  for (const o of history) {
    const { read, write, ifVersion, ifValue } = o;
    if (
      read === undefined ||
      read.version === 0 ||
      write !== undefined ||
      ifVersion !== undefined ||
      ifValue !== undefined
    ) {
      others.push(o);
      continue;
    }
    const key = `${read.version} ${read.value}`;
    const two = kept.get(key);
    if (two === undefined) kept.set(key, { firstEnd: o, lastStart: o });
    else {
      if (o.end < two.firstEnd.end) two.firstEnd = o;
      if (o.start > two.lastStart.start) two.lastStart = o;
    }
  }
  for (const { firstEnd, lastStart } of kept.values())
    others.push(...(firstEnd === lastStart ? [firstEnd] : [firstEnd, lastStart]));
  return others;
}

/** Did it happen, or could it, or does it say something of the state? */
const counts = (o: Observation): boolean =>
  o.outcome !== 'failed' && (o.outcome !== 'unknown' || o.write !== undefined);

/**
 * May that bring about what the next is about to find? Not an increment beyond it; nor a delete, when all that can come after it
 * together (`spare`) is less; and nothing brings back a value that was put.
 */
function mayLead(
  { value }: Held,
  { write, outcome }: Observation,
  next: Observation,
  spare: number,
): boolean {
  if (typeof value === 'string' || typeof next.read?.value === 'string')
    return next.write !== undefined || next.read?.value === value;
  const found =
    next.write?.type === 'incr' && next.after !== undefined ? next.after - next.write.by : next.read?.value;
  if (typeof found !== 'number') return outcome !== 'unknown' || write?.type === 'delete';
  if (write?.type === 'incr') return (value ?? 0) + write.by <= found;
  if (write?.type === 'reset') return write.value <= found;
  return found < (value ?? 0) || found <= spare;
}

const addedBy = ({ write }: Observation): number =>
  write?.type === 'incr' ? write.by : write?.type === 'reset' ? write.value : 0;

/** The steps of observations that count. */
export function stepsOf(counted: readonly Observation[]): Step<Held>[] {
  // A value put is unique, so whoever read it tells the version of a write that was not answered.
  const versionOf = new Map<CellValue, number>();
  for (const { read } of counted)
    if (typeof read?.value === 'string') versionOf.set(read.value, read.version);
  const known = new Set(counted.flatMap(({ version }) => version ?? []));
  const written = (o: Observation): number | null =>
    o.version ?? (o.write?.type === 'put' ? (versionOf.get(o.write.value) ?? null) : null);
  return counted.map((o): Step<Held> => {
    const rank = rankOf(o, written(o));
    const { start, end } = o;
    const optional = o.outcome === 'unknown';
    const pure = o.outcome === 'refused' || o.write === undefined || o.existed === false;
    return { start, end, optional, pure, rank, apply: (held) => applied(o, held, written(o), known) };
  });
}

function rankOf(o: Observation, written: number | null): number | null {
  if (o.write !== undefined && written !== null) return 2 * written;
  return o.write === undefined && o.read !== undefined && o.read.version > 0 ? 2 * o.read.version + 1 : null;
}

/** May this be the version of what is held, and may it not be? Of a write that nobody was told the version of, both. */
function compare(version: number, held: Held, known: ReadonlySet<number>): 'yes' | 'no' | 'open' {
  if (held.version !== null) return held.version === version ? 'yes' : 'no';
  return version === 0 || known.has(version) ? 'no' : 'open';
}

function applied(
  o: Observation,
  held: Held,
  version: number | null,
  known: ReadonlySet<number>,
): Held | null {
  const sameVersion = o.ifVersion === undefined ? 'yes' : compare(o.ifVersion, held, known);
  const sameValue = o.ifValue === undefined || o.ifValue === held.value;
  if (o.outcome === 'refused') return sameVersion === 'yes' && sameValue ? null : held;
  if (sameVersion === 'no' || !sameValue) return null;
  if (o.read !== undefined && o.read.value !== held.value) return null;
  const { write } = o;
  switch (write?.type) {
    case undefined:
      return held;
    case 'put':
    case 'reset':
      return { value: write.value, version };
    case 'delete':
      if (o.existed !== undefined && o.existed !== (held.value !== null)) return null;
      return nothing;
    case 'incr': {
      if (typeof held.value === 'string') return null;
      const after = (held.value ?? 0) + write.by;
      return o.after !== undefined && o.after !== after ? null : { value: after, version };
    }
  }
}
