/** What a client saw: the only thing a verdict rests on. Times in ms on one clock common to all clients. */
export interface Observation {
  readonly client: number;
  readonly key: string;
  readonly type: 'put' | 'get' | 'incr';
  readonly start: number;
  /** +∞ while no answer came: it may take effect at any later time. */
  readonly end: number;
  /** `failed`: it certainly did not and never will happen. `unknown`: it may. */
  readonly outcome: 'ok' | 'failed' | 'unknown';
  /** Put: the value asked for. Get: what was read (null: nothing). Incr: the value after. */
  readonly value: string | number | null;
  /** Put and get, answered: the version written or read (0: nothing there). */
  readonly version?: number;
  /** Put: only if the version was still this one. */
  readonly ifVersion?: number;
}

export function describeObservation(o: Observation): string {
  const condition = o.ifVersion === undefined ? '' : ` if v${o.ifVersion}`;
  const version = o.version === undefined ? '' : ` v${o.version}`;
  const end = o.end === Number.POSITIVE_INFINITY ? '∞' : o.end.toFixed(1);
  return `client ${o.client} ${o.type} ${o.key}${condition} → ${o.outcome} ${o.value}${version} [${o.start.toFixed(1)}, ${end}]`;
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
