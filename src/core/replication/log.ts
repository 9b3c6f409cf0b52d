import { sizeOf } from '../machine/size.js';
import type { Command, Entry } from '../machine/types.js';
import type { WireEntry } from '../messages.js';

/**
 * The part of a partition's log kept in memory: everything that is not applied yet, and a tail of what is, to
 * bring other replicas up to date. `base` is the last entry before it.
 */
export class ReplicaLog {
  #baseSeq: number;
  #baseEpoch: number;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(baseSeq: number, baseEpoch: number, entries: readonly Entry[] = []) {
    this.#baseSeq = baseSeq;
    this.#baseEpoch = baseEpoch;
    for (const entry of entries) this.append(entry);
  }

  get baseSeq(): number {
    return this.#baseSeq;
  }

  get tailSeq(): number {
    return this.#baseSeq + this.#entries.length;
  }

  get tailEpoch(): number {
    return this.#entries.length === 0
      ? this.#baseEpoch
      : (this.#entries[this.#entries.length - 1] as Entry).epoch;
  }

  /** The epoch of the entry at `seq`, or null when the log does not reach there (any more). */
  epochAt(seq: number): number | null {
    if (seq === this.#baseSeq) return this.#baseEpoch;
    return this.at(seq)?.epoch ?? null;
  }

  at(seq: number): Entry | undefined {
    return seq <= this.#baseSeq ? undefined : this.#entries[seq - this.#baseSeq - 1];
  }

  append(entry: Entry): void {
    if (entry.seq !== this.tailSeq + 1) throw new Error(`log: appending ${entry.seq} after ${this.tailSeq}`);
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry.command);
  }

  /** Cuts off everything after `seq`. */
  truncateAfter(seq: number): void {
    if (seq < this.#baseSeq) throw new Error(`log: cutting after ${seq}, below the base ${this.#baseSeq}`);
    for (const entry of this.#entries.splice(seq - this.#baseSeq)) this.#bytes -= sizeOf(entry.command);
  }

  /** Entries from `seq` on, at least one and otherwise no more than `maxBytes`. */
  slice(seq: number, maxBytes: number): { entries: WireEntry[]; bytes: number } {
    const entries: WireEntry[] = [];
    let bytes = 0;
    for (let i = seq - this.#baseSeq - 1; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Entry;
      const size = sizeOf(entry.command);
      if (entries.length > 0 && bytes + size > maxBytes) break;
      bytes += size;
      entries.push([entry.epoch, entry.command]);
    }
    return { entries, bytes };
  }

  /**
   * Forgets applied entries beyond `keepEntries` and `keepBytes`, half of them at a time so that it is seldom done; but
   * none that someone catching up still needs (`pinned`: the first one after what it has), up to `pinnedBytes`.
   */
  compact(
    appliedSeq: number,
    keepEntries: number,
    keepBytes: number,
    pinned: number,
    pinnedBytes: number,
  ): void {
    if (this.#entries.length <= keepEntries * 2 && this.#bytes <= keepBytes * 2) return;
    const applied = this.#bytes <= pinnedBytes ? Math.min(appliedSeq, pinned - 1) : appliedSeq;
    let count = 0;
    let bytes = this.#bytes;
    const most = Math.min(applied - this.#baseSeq, this.#entries.length);
    if (most <= 0) return;
    while (count < most && (this.#entries.length - count > keepEntries || bytes > keepBytes)) {
      bytes -= sizeOf((this.#entries[count] as Entry).command);
      count++;
    }
    if (count === 0) return;
    const last = this.#entries[count - 1] as Entry;
    this.#baseSeq = last.seq;
    this.#baseEpoch = last.epoch;
    this.#bytes = bytes;
    this.#entries = this.#entries.slice(count);
  }
}

/** The keys and values that a command carries, in UTF-16 code units, as a partition's size counts them. */
export function unitsOf(command: Command): number {
  if (command.type !== 'op') return 0;
  return command.op.key.length + (command.op.type === 'put' ? command.op.value.length : 16);
}
