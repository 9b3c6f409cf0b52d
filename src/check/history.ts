/** What clients saw of single keys: the only thing a verdict rests on. Times in ms on one clock common to all clients. */

export type CellValue = string | number | null;

export type Write =
  /** Every value put is unique. */
  | { readonly type: 'put'; readonly value: string }
  | { readonly type: 'delete' }
  | { readonly type: 'incr'; readonly by: number }
  | { readonly type: 'reset'; readonly value: number };

/**
 * One client's operation on one key, or what a transaction does with that key: its conditions, then a read, then a write, all at
 * one instant between `start` and `end`.
 */
export interface Observation {
  readonly client: number;
  readonly key: string;
  readonly start: number;
  /** +∞ while no answer came. */
  readonly end: number;
  /**
   * `failed`: it did not happen and never will. `unknown`: it may have happened, or may happen until `end`. `refused`: it did nothing,
   * because one of its conditions did not hold at that instant.
   */
  readonly outcome: 'ok' | 'failed' | 'unknown' | 'refused';
  /** Only if the key was still at this version; 0: there is nothing. */
  readonly ifVersion?: number;
  /** Only if the key held this value; null: there is nothing. */
  readonly ifValue?: CellValue;
  /** What was there before the write. */
  readonly read?: { readonly value: CellValue; readonly version: number };
  readonly write?: Write;
  /** What the answer to a write said: the version written, the counter's value after, whether there was something to delete. */
  readonly version?: number;
  readonly after?: number;
  readonly existed?: boolean;
}

/** What a judge found. `unknown`: the search was given up at its bound, and the history is neither accepted nor refused. */
export type Verdict =
  | { readonly type: 'ok' }
  | { readonly type: 'wrong'; readonly why: string }
  | { readonly type: 'unknown'; readonly why: string };

export const accepted: Verdict = { type: 'ok' };

function describeWrite({ write, version, after, existed }: Observation): string {
  if (write === undefined) return '';
  const value = write.type === 'put' || write.type === 'reset' ? ` ${write.value}` : '';
  const by = write.type === 'incr' ? ` by ${write.by}` : '';
  const answer = [
    ...(after === undefined ? [] : [`now ${after}`]),
    ...(existed === undefined ? [] : [existed ? 'was there' : 'was not there']),
    ...(version === undefined ? [] : [`v${version}`]),
  ].join(' ');
  return ` ${write.type}${value}${by}${answer === '' ? '' : ` (${answer})`}`;
}

export function describeObservation(o: Observation): string {
  const conditions = [
    ...(o.ifVersion === undefined ? [] : [` if v${o.ifVersion}`]),
    ...(o.ifValue === undefined ? [] : [` if ${o.ifValue}`]),
  ].join('');
  const read = o.read === undefined ? '' : ` read ${o.read.value} v${o.read.version}`;
  return `client ${o.client} ${o.key}${conditions}${read}${describeWrite(o)} → ${o.outcome} ${interval(o)}`;
}

/** From when to when, as text. */
export function interval({ start, end }: { readonly start: number; readonly end: number }): string {
  return `[${start.toFixed(1)}, ${end === Number.POSITIVE_INFINITY ? '∞' : end.toFixed(1)}]`;
}

/** In time order, `at` each observation's start: the greatest `rank` among those that had ended before. */
export function greatestEndedBefore<T extends { start: number; end: number; rank: number }>(
  items: readonly T[],
): Map<T, T> {
  const byEnd = items.filter((item) => item.end < Number.POSITIVE_INFINITY).sort((a, b) => a.end - b.end);
  const byStart = [...items].sort((a, b) => a.start - b.start);
  const result = new Map<T, T>();
  let greatest: T | undefined;
  let i = 0;
  for (const item of byStart) {
    while (i < byEnd.length && (byEnd[i] as T).end < item.start) {
      const ended = byEnd[i++] as T;
      if (greatest === undefined || ended.rank > greatest.rank) greatest = ended;
    }
    if (greatest !== undefined) result.set(item, greatest);
  }
  return result;
}
