import { sizeOf } from '../machine/size.js';
import type { Command, Entry } from '../machine/types.js';
import { chainOf } from './chain.js';
import type { LogEnd } from './log-check.js';

/**
 * An entry as a replica's log keeps it. Its JSON is made once, for the disk and for all whom it is sent to. When it is applied the
 * JSON is all that is kept of the command: a fifth of the memory, and one object for the collector to look at instead of a dozen.
 */
export class LogEntry implements Entry {
  readonly epoch: number;
  readonly seq: number;
  /** About how many characters the JSON has. */
  readonly size: number;
  /** The keys and values it carries, in UTF-16 code units, as a partition's size counts them. */
  readonly units: number;
  /** The running checksum up to here, once it is in a log. */
  chain = 0;
  #command: Command | null;
  #json: string | null = null;

  constructor(epoch: number, seq: number, command: Command) {
    this.epoch = epoch;
    this.seq = seq;
    this.size = sizeOf(command);
    this.units = unitsOf(command);
    this.#command = command;
  }

  get command(): Command {
    return this.#command ?? (JSON.parse(this.json) as Command);
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.#command);
    return this.#json;
  }

  toJSON(): Entry {
    const { epoch, seq, command } = this;
    return { epoch, seq, command };
  }

  /** It is applied: who still wants the command is catching up, or looks. */
  settle(): void {
    if (this.#json !== null) this.#command = null;
  }
}

/**
 * The part of a partition's log kept in memory: everything that is not applied yet, and a tail of what is, to
 * bring other replicas up to date. `base` is the last entry before it.
 */
export class ReplicaLog {
  #baseSeq: number;
  #baseEpoch: number;
  #baseChain: number;
  #entries: LogEntry[] = [];
  #bytes = 0;

  constructor(baseSeq: number, baseEpoch: number, baseChain: number, entries: readonly Entry[] = []) {
    this.#baseSeq = baseSeq;
    this.#baseEpoch = baseEpoch;
    this.#baseChain = baseChain;
    for (const { epoch, seq, command } of entries) this.append(new LogEntry(epoch, seq, command));
  }

  get baseSeq(): number {
    return this.#baseSeq;
  }

  /** The last entry before it. */
  get base(): LogEnd {
    return { epoch: this.#baseEpoch, seq: this.#baseSeq };
  }

  /** The last entry. */
  get end(): LogEnd {
    return { epoch: this.tailEpoch, seq: this.tailSeq };
  }

  get tailSeq(): number {
    return this.#baseSeq + this.#entries.length;
  }

  get tailEpoch(): number {
    return this.#entries.length === 0
      ? this.#baseEpoch
      : (this.#entries[this.#entries.length - 1] as LogEntry).epoch;
  }

  /** The epoch of the entry at `seq`, or null when the log does not reach there (any more). */
  epochAt(seq: number): number | null {
    if (seq === this.#baseSeq) return this.#baseEpoch;
    return this.at(seq)?.epoch ?? null;
  }

  /** The running checksum up to the entry at `seq`, or null when the log does not reach there (any more). */
  chainAt(seq: number): number | null {
    if (seq === this.#baseSeq) return this.#baseChain;
    return this.at(seq)?.chain ?? null;
  }

  at(seq: number): LogEntry | undefined {
    return seq <= this.#baseSeq ? undefined : this.#entries[seq - this.#baseSeq - 1];
  }

  append(entry: LogEntry): void {
    if (entry.seq !== this.tailSeq + 1) throw new Error(`log: appending ${entry.seq} after ${this.tailSeq}`);
    entry.chain = chainOf(this.chainAt(this.tailSeq) as number, entry.epoch, entry.json);
    this.#entries.push(entry);
    this.#bytes += entry.size;
  }

  /** Cuts off everything after `seq`. */
  truncateAfter(seq: number): void {
    if (seq < this.#baseSeq) throw new Error(`log: cutting after ${seq}, below the base ${this.#baseSeq}`);
    for (const entry of this.#entries.splice(seq - this.#baseSeq)) this.#bytes -= entry.size;
  }

  /** Entries from `seq` on, at least one and otherwise no more than `maxBytes`. */
  slice(seq: number, maxBytes: number): { entries: readonly LogEntry[]; bytes: number } {
    const from = seq - this.#baseSeq - 1;
    let bytes = 0;
    let to = from;
    for (; to < this.#entries.length; to++) {
      const { size } = this.#entries[to] as LogEntry;
      if (to > from && bytes + size > maxBytes) break;
      bytes += size;
    }
    return { entries: this.#entries.slice(from, to), bytes };
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
      bytes -= (this.#entries[count] as LogEntry).size;
      count++;
    }
    if (count === 0) return;
    const last = this.#entries[count - 1] as LogEntry;
    this.#baseSeq = last.seq;
    this.#baseEpoch = last.epoch;
    this.#baseChain = last.chain;
    this.#bytes = bytes;
    this.#entries = this.#entries.slice(count);
  }
}

function unitsOf(command: Command): number {
  if (command.type !== 'op') return 0;
  return command.op.key.length + (command.op.type === 'put' ? command.op.value.length : 16);
}
