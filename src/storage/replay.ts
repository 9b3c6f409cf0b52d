/**
 * From checkpoint and log to what a node finds when it starts. Pure; both implementations use it.
 *
 * A checkpoint of a partition holds applied state and `batch`: the last batch that was durable when the
 * checkpoint was taken. The log is a suffix of everything ever appended, in order. Why replaying it gives the right answer:
 *
 * 1. *Base state.* `snapshot` and `drop` records of batches ≤ `batch` happened before the checkpoint was taken, so it
 *    already contains them (or something later): they do not touch it. Those of batches > `batch` may be newer and
 *    replace it: a checkpoint is never taken of a copy whose own snapshot, or the drop before it, is not durable yet.
 *    Sequence numbers are not compared here: an unclean recovery may bring an older one.
 * 2. *Tail.* Whether an append record is part of the tail depends only on records **after** it: an append at or below its
 *    seq, a snapshot or a drop cuts it. A suffix of the log holds all of those, so replaying it yields exactly the surviving
 *    entries among its records. Surviving entries not in the suffix have seq ≤ that of a checkpoint, because their
 *    segment was removed, so they are not needed. Stale ones before a snapshot or drop record cannot resurface: segments
 *    go oldest first, so the record that cuts them never goes before them. Until that record is reached
 *    they may leave gaps, hence continuity is checked only at the end.
 * 3. *Leftovers.* A learner applies what is committed before its own disk has it. If such state was checkpointed and the
 *    entries it came from are lost, entries of an older history may remain above the base; their epoch is below the
 *    base's, and a log's epochs never fall: cut there.
 */
import { emptySnapshot } from '../core/machine/digest.js';
import type { Entry, Snapshot } from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from './contract.js';

/** A partition's checkpoint. `snapshot` null: only a promise was stored. */
export interface CheckpointRow {
  readonly snapshot: Snapshot | null;
  readonly snapshotBatch: number;
  readonly promised: number;
  readonly promiseBatch: number;
}

interface Partition {
  snapshot: Snapshot;
  snapshotBatch: number;
  /** The base is what the checkpoint holds. */
  checkpointed: boolean;
  promised: number;
  promiseBatch: number;
  /** Ascending by seq; gaps are possible on the way. */
  entries: Entry[];
}

export const EMPTY: Snapshot = emptySnapshot();

export class Replay {
  private readonly partitions = new Map<number, Partition>();

  constructor(rows: Iterable<readonly [partition: number, row: CheckpointRow]>) {
    for (const [partition, row] of rows) {
      this.partitions.set(partition, {
        ...row,
        snapshot: row.snapshot ?? EMPTY,
        checkpointed: true,
        entries: [],
      });
    }
  }

  batch(batch: number, records: readonly LogRecord[]): void {
    for (const record of records) this.record(batch, record);
  }

  private record(batch: number, record: LogRecord): void {
    const p = this.partition(record.partition);
    switch (record.type) {
      case 'append':
        cutFrom(p.entries, record.entry.seq);
        // Only a snapshot or drop changes the base, and both cut the tail: what is in the base now need not be kept.
        if (record.entry.seq > p.snapshot.seq) p.entries.push(record.entry);
        return;
      case 'promise':
        // A stored promise already holds those of its batches, less what a drop among them forgot.
        if (batch > p.promiseBatch) p.promised = Math.max(p.promised, record.epoch);
        return;
      case 'snapshot':
        p.entries = [];
        if (batch > p.snapshotBatch) {
          p.snapshot = record.snapshot;
          p.checkpointed = false;
        }
        return;
      case 'drop':
        p.entries = [];
        if (batch > p.snapshotBatch) {
          p.snapshot = EMPTY;
          p.checkpointed = false;
        }
        if (batch > p.promiseBatch) p.promised = 0;
        if (batch > p.snapshotBatch && batch > p.promiseBatch) this.partitions.delete(record.partition);
        return;
    }
  }

  private partition(number: number): Partition {
    let partition = this.partitions.get(number);
    if (partition === undefined) {
      partition = {
        snapshot: EMPTY,
        snapshotBatch: 0,
        checkpointed: true,
        promised: 0,
        promiseBatch: 0,
        entries: [],
      };
      this.partitions.set(number, partition);
    }
    return partition;
  }

  /** What was found, ascending by partition. `gap` is called for a partition whose entries do not chain. */
  finish(gap: (partition: number, after: number, found: number) => void): StoredPartition[] {
    return [...this.partitions]
      .sort(([a], [b]) => a - b)
      .map(([partition, p]) => {
        const entries: Entry[] = [];
        let { seq, epoch } = p.snapshot;
        for (const entry of p.entries) {
          if (entry.epoch < epoch) break;
          if (entry.seq !== seq + 1) {
            gap(partition, seq, entry.seq);
            break;
          }
          entries.push(entry);
          ({ seq, epoch } = entry);
        }
        const { promised, snapshot, checkpointed } = p;
        return { partition, promised, snapshot, checkpointed, entries };
      });
  }
}

function cutFrom(entries: Entry[], seq: number): void {
  while (entries.length > 0 && entries[entries.length - 1]!.seq >= seq) entries.pop();
}
