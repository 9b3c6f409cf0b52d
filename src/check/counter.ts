import { describeObservation, greatestEndedBefore, type Observation } from './history.js';

/**
 * Does the history of one counter, incremented by one each time, count exactly? Every acknowledged increment has a
 * value of its own; values grow with real time; no value is greater than the increments begun by then; the gaps
 * between the acknowledged values are no more than the increments of unknown outcome.
 * Returns the first thing that contradicts it, or null.
 */
export function checkCounter(history: readonly Observation[]): string | null {
  const seen = new Map<number, Observation>();
  const items: { start: number; end: number; rank: number; o: Observation }[] = [];
  let acknowledged = 0;
  let unknown = 0;
  let greatest = 0;
  for (const o of history) {
    if (o.type === 'incr' && o.outcome === 'unknown') unknown++;
    if (o.outcome !== 'ok') continue;
    const value = o.value as number;
    if (o.type === 'incr') {
      acknowledged++;
      const other = seen.get(value);
      if (other !== undefined)
        return `two increments gave one value:\n  ${describeObservation(other)}\n  ${describeObservation(o)}`;
      seen.set(value, o);
    }
    greatest = Math.max(greatest, value);
    items.push({ start: o.start, end: o.end, rank: value, o });
  }
  for (const [item, earlier] of greatestEndedBefore(items)) {
    if (earlier.rank > item.rank || (item.o.type === 'incr' && earlier.rank === item.rank)) {
      return `the counter went back:\n  ${describeObservation(earlier.o)}\n  ${describeObservation(item.o)}`;
    }
  }
  const starts = history
    .filter((o) => o.type === 'incr' && o.outcome !== 'failed')
    .map((o) => o.start)
    .sort((a, b) => a - b);
  const byEnd = [...items].sort((a, b) => a.end - b.end);
  let begun = 0;
  for (const item of byEnd) {
    while (begun < starts.length && (starts[begun] as number) <= item.end) begun++;
    if (item.rank > begun)
      return `counted more than the ${begun} increments begun by then: ${describeObservation(item.o)}`;
  }
  if (greatest > acknowledged + unknown) {
    return `the counter reached ${greatest} by ${acknowledged} acknowledged and ${unknown} unknown increments`;
  }
  return null;
}
