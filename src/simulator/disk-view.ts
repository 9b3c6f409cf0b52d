import { emptySnapshot } from '../core/machine/digest.js';
import { PartitionMachine } from '../core/machine/machine.js';
import type { Entry, Snapshot } from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from '../core/records.js';
import type { Rules } from '../core/rules.js';

interface Copy {
  promised: number;
  /** The last snapshot record; what came before it is gone. */
  snapshot: Snapshot;
  entries: Entry[];
}

const empty = emptySnapshot();

/** What a disk ought to hold, kept in the plainest way, for the invariants to look at and each recovery to be compared with. */
export class DiskView {
  readonly #copies: Map<number, Copy>;

  constructor(copies: ReadonlyMap<number, Copy> = new Map()) {
    this.#copies = new Map([...copies].map(([p, copy]) => [p, { ...copy, entries: [...copy.entries] }]));
  }

  clone(): DiskView {
    return new DiskView(this.#copies);
  }

  /** From now on it holds what was found: it has no history to go back in. */
  set(found: readonly StoredPartition[]): void {
    this.#copies.clear();
    for (const { partition, promised, snapshot, entries } of found)
      this.#copies.set(partition, { promised, snapshot, entries: [...entries] });
  }

  /** A checkpoint has the partition in this state, whatever its log says. */
  replace(partition: number, snapshot: Snapshot): void {
    Object.assign(this.#copy(partition), { snapshot, entries: [] });
  }

  #copy(p: number): Copy {
    let copy = this.#copies.get(p);
    if (copy === undefined) {
      copy = { promised: 0, snapshot: empty, entries: [] };
      this.#copies.set(p, copy);
    }
    return copy;
  }

  apply(record: LogRecord): void {
    if (record.type === 'drop') {
      this.#copies.delete(record.partition);
      return;
    }
    const copy = this.#copy(record.partition);
    if (record.type === 'promise') copy.promised = Math.max(copy.promised, record.epoch);
    else if (record.type === 'snapshot') Object.assign(copy, { snapshot: record.snapshot, entries: [] });
    else {
      const { entry } = record;
      // Below the base, or of the history that a checkpoint ahead of its snapshot record has replaced (replay.ts, rule 3).
      if (entry.seq <= copy.snapshot.seq || entry.epoch < copy.snapshot.epoch) return;
      const index = entry.seq - copy.snapshot.seq - 1;
      if (index > copy.entries.length)
        throw new Error(`#${entry.seq} of p${record.partition} does not follow its log`);
      copy.entries.length = index;
      copy.entries.push(entry);
    }
  }

  /** How what was recovered differs from this; null: not at all. `rules`: those of the state machine. */
  differs(stored: StoredPartition, rules: Rules): string | null {
    const copy = this.#copy(stored.partition);
    const p = `p${stored.partition}`;
    if (tailOf(stored) !== tailOf(copy))
      return `${p} recovered ${tailOf(stored)}, stored was ${tailOf(copy)}`;
    if (stored.promised < copy.promised) return `${p} forgot its promise of e${copy.promised}`;
    const recovered = replayed(stored, rules);
    const expected = replayed(copy, rules);
    return recovered === expected ? null : `${p} recovered ${recovered}, stored was ${expected}`;
  }

  promised(p: number): number {
    return this.#copy(p).promised;
  }

  tail(p: number): number {
    const copy = this.#copy(p);
    return copy.snapshot.seq + copy.entries.length;
  }

  /** The epoch of the entry at `seq`; `covered` when a snapshot stands past it; null when it is not there. */
  epochAt(p: number, seq: number): number | 'covered' | null {
    const copy = this.#copy(p);
    if (seq < copy.snapshot.seq) return 'covered';
    if (seq === copy.snapshot.seq) return copy.snapshot.epoch;
    return copy.entries[seq - copy.snapshot.seq - 1]?.epoch ?? null;
  }
}

function tailOf(s: { readonly snapshot: Snapshot; readonly entries: readonly Entry[] }): string {
  const last = s.entries.at(-1) ?? s.snapshot;
  return `#${last.seq}@${last.epoch}`;
}

/** The state after the whole log, as text. */
function replayed(
  { snapshot, entries }: { snapshot: Snapshot; entries: readonly Entry[] },
  rules: Rules,
): string {
  const machine = PartitionMachine.fromSnapshot(snapshot, rules);
  for (const entry of entries) machine.apply(entry);
  // The checksum of the log is the log's, and stored entries bear none.
  const { digest, ...state } = machine.snapshot();
  return JSON.stringify({ ...state, gen: 0, hash: digest.hash });
}
