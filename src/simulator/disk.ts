import type {
  Cell,
  CheckpointDelta,
  Entry,
  SessionId,
  SessionState,
  Snapshot,
} from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from '../core/records.js';

interface Held {
  promised: number;
  snapshot: Snapshot;
  entries: Entry[];
}

/** A node's disk: what is durable, as the storage contract describes it. What is being written belongs to the process. */
export class SimDisk {
  boot = 0;
  readonly #partitions = new Map<number, Held>();

  constructor(readonly store: string) {}

  #held(p: number): Held {
    let held = this.#partitions.get(p);
    if (held === undefined) {
      held = {
        promised: 0,
        snapshot: { gen: 0, seq: 0, epoch: 0, cells: [], sessions: [] },
        entries: [],
      };
      this.#partitions.set(p, held);
    }
    return held;
  }

  apply(record: LogRecord): void {
    const held = this.#held(record.partition);
    switch (record.type) {
      case 'promise':
        held.promised = Math.max(held.promised, record.epoch);
        break;
      case 'append': {
        const { entry } = record;
        // The checkpoint may be ahead of the log: applied state is committed, and never rewritten.
        if (entry.seq <= held.snapshot.seq) break;
        const index = entry.seq - held.snapshot.seq - 1;
        if (index > held.entries.length)
          throw new Error(`disk ${this.store}: gap before ${entry.seq} of partition ${record.partition}`);
        held.entries.length = index;
        held.entries.push(entry);
        break;
      }
      case 'snapshot':
        held.snapshot = record.snapshot;
        held.entries = [];
        break;
      case 'drop':
        this.#partitions.delete(record.partition);
        break;
    }
  }

  checkpoint(delta: CheckpointDelta): void {
    const held = this.#held(delta.partition);
    // A snapshot record later in the log replaces what the checkpoint says.
    if (delta.seq < held.snapshot.seq) return;
    const cells = new Map<string, Cell>(delta.full ? [] : held.snapshot.cells);
    const sessions = new Map<SessionId, SessionState>(delta.full ? [] : held.snapshot.sessions);
    for (const [key, cell] of delta.cells) cell === null ? cells.delete(key) : cells.set(key, cell);
    for (const [id, session] of delta.sessions)
      session === null ? sessions.delete(id) : sessions.set(id, session);
    const { gen, seq, epoch } = delta;
    held.promised = Math.max(held.promised, delta.promised);
    held.entries = held.entries.filter((entry) => entry.seq > seq);
    held.snapshot = { gen, seq, epoch, cells: [...cells], sessions: [...sessions] };
  }

  stored(): StoredPartition[] {
    return [...this.#partitions].map(([partition, held]) => ({
      partition,
      promised: held.promised,
      snapshot: held.snapshot,
      entries: [...held.entries],
    }));
  }

  tail(p: number): number {
    const held = this.#held(p);
    return held.snapshot.seq + held.entries.length;
  }

  promised(p: number): number {
    return this.#held(p).promised;
  }

  /** The epoch of the entry at `seq`; `covered` when the checkpoint stands at or past it; null when it is not there. */
  epochAt(p: number, seq: number): number | 'covered' | null {
    const held = this.#held(p);
    if (seq < held.snapshot.seq) return 'covered';
    if (seq === held.snapshot.seq) return held.snapshot.epoch;
    return held.entries[seq - held.snapshot.seq - 1]?.epoch ?? null;
  }

  /** A copy as of now, under another identity: what a restored backup of the disk would be. */
  clone(store: string): SimDisk {
    const copy = new SimDisk(store);
    copy.boot = this.boot;
    for (const [p, held] of this.#partitions)
      copy.#partitions.set(p, { ...held, entries: [...held.entries] });
    return copy;
  }
}
