import { describeObservation, greatestEndedBefore, type Observation } from './history.js';

/**
 * Is the history of one register linearizable (Herlihy & Wing 1990)? Every value put is unique. The versions that
 * the answers carry propose an order; it is checked to be a witness: each read returns what the write of its
 * version wrote, real time is respected, and a conditional put follows directly on the version it named. A witness
 * proves linearizability whatever the versions mean; where they are no witness, the promise that versions grow is broken.
 * Returns the first thing that contradicts it, or null.
 */
export function checkRegister(history: readonly Observation[]): string | null {
  const putOf = new Map<string, Observation>();
  for (const o of history) if (o.type === 'put') putOf.set(o.value as string, o);
  const writes = new Map<number, { start: number; end: number; rank: number; o: Observation; write: true }>();
  const reads: { start: number; end: number; rank: number; o: Observation; write: false }[] = [];

  for (const o of history) {
    if (o.type !== 'put' || o.outcome !== 'ok') continue;
    const other = writes.get(o.version as number);
    if (other !== undefined)
      return `two writes have one version:\n  ${describeObservation(other.o)}\n  ${describeObservation(o)}`;
    writes.set(o.version as number, {
      start: o.start,
      end: o.end,
      rank: o.version as number,
      o,
      write: true,
    });
  }
  for (const o of history) {
    if (o.type !== 'get' || o.outcome !== 'ok') continue;
    const version = o.version as number;
    reads.push({ start: o.start, end: o.end, rank: version, o, write: false });
    if (version === 0) {
      if (o.value !== null) return `a value without a version: ${describeObservation(o)}`;
      continue;
    }
    const source = putOf.get(o.value as string);
    if (source === undefined) return `a value nobody wrote: ${describeObservation(o)}`;
    if (source.outcome === 'failed')
      return `a write that failed was read:\n  ${describeObservation(source)}\n  ${describeObservation(o)}`;
    if (source.start > o.end)
      return `a value read before it was written:\n  ${describeObservation(source)}\n  ${describeObservation(o)}`;
    const known = writes.get(version);
    if (known === undefined) {
      if (source.outcome === 'ok')
        return `a write was read under another version:\n  ${describeObservation(source)}\n  ${describeObservation(o)}`;
      writes.set(version, {
        start: source.start,
        end: Number.POSITIVE_INFINITY,
        rank: version,
        o: source,
        write: true,
      });
    } else if (known.o !== source) {
      return `two values have one version:\n  ${describeObservation(known.o)}\n  ${describeObservation(o)}`;
    }
  }
  const items = [...writes.values(), ...reads];
  for (const [item, earlier] of greatestEndedBefore(items)) {
    if (earlier.rank > item.rank || (item.write && earlier.rank === item.rank)) {
      const what = item.write ? 'a write went before one that had ended' : 'a stale read';
      return `${what}:\n  ${describeObservation(earlier.o)}\n  ${describeObservation(item.o)}`;
    }
  }
  const versions = [...writes.keys()].sort((a, b) => a - b);
  for (let i = 0; i < versions.length; i++) {
    const { o } = writes.get(versions[i] as number) as { o: Observation };
    const before = i === 0 ? 0 : (versions[i - 1] as number);
    if (o.ifVersion !== undefined && o.outcome === 'ok' && before > o.ifVersion) {
      return `a conditional put overlooked version ${before}: ${describeObservation(o)}`;
    }
  }
  return null;
}
