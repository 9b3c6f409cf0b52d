import { type CellValue, describeObservation, greatestEndedBefore, type Observation } from './history.js';

/**
 * Do the versions of one key keep their promise? Each write has a version of its own, whoever reads a version reads what that write
 * wrote, and versions grow with real time. Together with `checkCell` that is more than linearizability: a witness of the order.
 * Returns the first thing that contradicts it, or null.
 */
export function checkVersions(history: readonly Observation[]): string | null {
  const putOf = new Map<CellValue, Observation>();
  for (const o of history) if (o.write?.type === 'put') putOf.set(o.write.value, o);
  const writes = new Map<number, Observation>();
  const values = new Map<number, { value: CellValue; o: Observation }>();
  const items: { start: number; end: number; rank: number; o: Observation; write: boolean }[] = [];

  for (const o of history) {
    if (o.outcome !== 'ok' || o.version === undefined) continue;
    const { start, end, version } = o;
    const other = writes.get(version);
    if (other !== undefined)
      return `two writes have one version:\n  ${describeObservation(other)}\n  ${describeObservation(o)}`;
    writes.set(version, o);
    const value = writtenBy(o);
    if (value !== undefined) values.set(version, { value, o });
    items.push({ start, end, rank: version, o, write: true });
  }
  for (const o of history) {
    const { read, start, end } = o;
    if (o.outcome !== 'ok' || read === undefined) continue;
    if ((read.version === 0) !== (read.value === null))
      return `a value without a version, or the other way round: ${describeObservation(o)}`;
    if (read.version === 0) continue;
    items.push({ start, end, rank: read.version, o, write: false });
    const wrong = typeof read.value === 'string' ? sourceProblem(o, putOf.get(read.value)) : null;
    if (wrong !== null) return wrong;
    const known = values.get(read.version);
    if (known === undefined) values.set(read.version, { value: read.value, o });
    else if (known.value !== read.value)
      return `two values have one version:\n  ${describeObservation(known.o)}\n  ${describeObservation(o)}`;
  }
  for (const [item, earlier] of greatestEndedBefore(items)) {
    if (earlier.rank > item.rank || (item.write && earlier.rank === item.rank)) {
      const what = item.write ? 'a write went before one that had ended' : 'a stale read';
      return `${what}:\n  ${describeObservation(earlier.o)}\n  ${describeObservation(item.o)}`;
    }
  }
  return null;
}

/** What the key holds after that write, if the answer or the request says so. */
function writtenBy({ write, after }: Observation): CellValue | undefined {
  if (write?.type === 'put' || write?.type === 'reset') return write.value;
  return after;
}

function sourceProblem(o: Observation, source: Observation | undefined): string | null {
  if (source === undefined) return `a value nobody wrote: ${describeObservation(o)}`;
  const both = `\n  ${describeObservation(source)}\n  ${describeObservation(o)}`;
  if (source.outcome === 'failed' || source.outcome === 'refused')
    return `a write that failed was read:${both}`;
  if (source.start > o.end) return `a value read before it was written:${both}`;
  if (source.version !== undefined && source.version !== o.read?.version)
    return `a write was read under another version:${both}`;
  return null;
}
