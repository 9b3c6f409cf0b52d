import type { LogRecord } from './contract.js';
import type { CheckpointRow } from './replay.js';

/**
 * Up to where a partition is checkpointed: taken when `batch` was the last durable one, applied to `seq`. Or
 * `dropped`: its rows were removed for the drop in `batch`; what came after that, even in the same batch, is not in.
 */
export type Covered =
  | { readonly dropped: false; readonly batch: number; readonly seq: number }
  | { readonly dropped: true; readonly batch: number };

/** What the rows of a checkpoint cover. */
export function coveredBy(rows: ReadonlyMap<number, CheckpointRow>): Map<number, Covered> {
  const covered = new Map<number, Covered>();
  for (const [partition, { snapshot, snapshotBatch }] of rows) {
    if (snapshot !== null)
      covered.set(partition, { dropped: false, batch: snapshotBatch, seq: snapshot.seq });
  }
  return covered;
}

interface Needs {
  /** The last batch with a snapshot or drop of the partition, 0 for none. */
  readonly replaced: number;
  /** It was a drop. */
  readonly dropped: boolean;
  /** The greatest seq appended after it, 0 for none. */
  maxSeq: number;
}

interface Segment {
  readonly number: number;
  readonly needs: Map<number, Needs>;
  bytes: number;
}

function meets(covered: Covered, need: Needs): boolean {
  if (covered.batch < need.replaced) return false;
  return covered.dropped ? need.dropped && need.maxSeq === 0 : covered.seq >= need.maxSeq;
}

/**
 * Knows which segments the log can do without. A segment is covered when for each partition in it
 * - a later segment holds a snapshot or drop of that partition (what came before is cut by it), or
 * - a checkpoint was taken after its snapshot or drop in here, and has applied every seq appended after that.
 * Promises need no care: each checkpoint stores all of them. Segments go oldest first; why, is told in replay.ts.
 */
export class Coverage {
  private readonly segments: Segment[] = [];

  constructor(private readonly covered: Map<number, Covered>) {}

  /** A new last segment. */
  begin(number: number): void {
    this.segments.push({ number, needs: new Map(), bytes: 0 });
  }

  get count(): number {
    return this.segments.length;
  }

  get numbers(): number[] {
    return this.segments.map((segment) => segment.number);
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  setBytes(bytes: number): void {
    this.segments.at(-1)!.bytes = bytes;
  }

  addBytes(bytes: number): void {
    this.segments.at(-1)!.bytes += bytes;
  }

  /** Records of a durable batch in the last segment. */
  note(batch: number, records: readonly LogRecord[]): void {
    const { needs } = this.segments.at(-1)!;
    for (const record of records) {
      if (record.type === 'promise') continue;
      const need = needs.get(record.partition);
      if (record.type === 'append') {
        if (need === undefined)
          needs.set(record.partition, { replaced: 0, dropped: false, maxSeq: record.entry.seq });
        else if (record.entry.seq > need.maxSeq) need.maxSeq = record.entry.seq;
        continue;
      }
      for (const segment of this.segments) segment.needs.delete(record.partition);
      needs.set(record.partition, { replaced: batch, dropped: record.type === 'drop', maxSeq: 0 });
    }
  }

  cover(partition: number, covered: Covered): void {
    this.covered.set(partition, covered);
  }

  /** The number of the last segment that could go if `pending` were covered too; 0 when none. Never the last one. */
  removableUpTo(pending: ReadonlyMap<number, Covered>): number {
    let number = 0;
    for (const segment of this.segments.slice(0, -1)) {
      for (const [partition, need] of segment.needs) {
        const covered = pending.get(partition) ?? this.covered.get(partition);
        if (covered === undefined || !meets(covered, need)) return number;
      }
      number = segment.number;
    }
    return number;
  }

  /** Forgets segments up to `number` and gives their numbers, oldest first. */
  remove(number: number): number[] {
    const removed: number[] = [];
    while (this.segments.length > 1 && this.segments[0]!.number <= number) {
      removed.push(this.segments.shift()!.number);
    }
    return removed;
  }
}
