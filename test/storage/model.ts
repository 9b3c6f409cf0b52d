import { digestOf, sealed } from '../../src/core/machine/digest.js';
import type { Cell, CheckpointDelta, Entry, Row, Snapshot } from '../../src/core/machine/types.js';
import type { LogRecord, StoredPartition } from '../../src/storage/contract.js';
import { entry, lockEntry, lockRow } from './records.js';

interface ModelPartition {
  gen: number;
  /** Applied up to here. */
  seq: number;
  epoch: number;
  cells: Map<string, Cell>;
  rows: Map<string, Row>;
  /** Entries after the applied one. */
  tail: Entry[];
  promised: number;
  /** What changed since the last checkpoint; null: everything. */
  dirty: { readonly cells: Set<string>; readonly rows: Set<string> } | null;
}

/** A step of the model; numbers are folded into what is possible when it runs. */
export type Step =
  | { readonly do: 'append'; readonly p: number; readonly n: number; readonly newEpoch: boolean }
  | { readonly do: 'overwrite'; readonly p: number; readonly back: number; readonly n: number }
  | { readonly do: 'apply'; readonly p: number; readonly n: number }
  | { readonly do: 'snapshot'; readonly p: number; readonly ahead: number; readonly rewind: boolean }
  | { readonly do: 'promise'; readonly p: number; readonly n: number }
  | { readonly do: 'drop'; readonly p: number };

type State = Pick<ModelPartition, 'cells' | 'rows'> & { readonly dirty?: ModelPartition['dirty'] };

/** Puts set cells; locks are rows that are taken and given back, always with success. */
function applied({ cells, rows, dirty }: State, { command, seq }: Entry): void {
  const op = command.type === 'op' ? command.op : null;
  if (op?.type === 'put') {
    cells.set(op.key, { kind: 'text', value: op.value, version: seq });
    dirty?.cells.add(op.key);
  } else if (op?.type === 'acquire' || op?.type === 'release') {
    const id = `lock/${op.key}`;
    if (op.type === 'acquire') rows.set(id, lockRow(seq));
    else rows.delete(id);
    dirty?.rows.add(id);
  } else throw new Error('the model only puts, acquires and releases');
}

/**
 * What a node's partitions are, kept the plain way. It knows nothing of logs, batches or segments; `step` says which
 * records a node would write.
 */
export class Model {
  readonly partitions = new Map<number, ModelPartition>();
  private epoch = 1;
  private stamp = 0;

  copy(): Model {
    const model = new Model();
    model.epoch = this.epoch;
    model.stamp = this.stamp;
    for (const [p, m] of this.partitions) {
      const dirty = m.dirty && { cells: new Set(m.dirty.cells), rows: new Set(m.dirty.rows) };
      const { cells, rows, tail } = m;
      const copies = { cells: new Map(cells), rows: new Map(rows), tail: [...tail], dirty };
      model.partitions.set(p, { ...m, ...copies });
    }
    return model;
  }

  /** What it writes from now on differs from all that `other` has written. */
  goOnAfter(other: Model): void {
    this.epoch = Math.max(this.epoch, other.epoch);
    this.stamp = Math.max(this.stamp, other.stamp);
  }

  /** What a node is that starts from what it recovered, after whatever was lost. */
  restarted(stored: readonly StoredPartition[]): Model {
    const model = new Model();
    model.goOnAfter(this);
    for (const { partition, snapshot, entries, promised } of stored) {
      const { gen, seq, epoch, cells, rows } = snapshot;
      model.partitions.set(partition, {
        ...{ gen, seq, epoch, promised, dirty: null },
        cells: new Map(cells),
        rows: new Map(rows),
        tail: [...entries],
      });
    }
    return model;
  }

  step(step: Step): LogRecord[] {
    const m = this.at(step.p);
    switch (step.do) {
      case 'append':
        if (step.newEpoch) this.epoch++;
        return this.append(step.p, m, m.tail.at(-1)?.seq ?? m.seq, step.n);
      case 'overwrite': {
        this.epoch++;
        const keep = Math.max(0, m.tail.length - step.back);
        m.tail.length = keep;
        return this.append(step.p, m, m.seq + keep, step.n);
      }
      case 'apply':
        for (const e of m.tail.splice(0, step.n)) {
          applied(m, e);
          m.seq = e.seq;
          m.epoch = e.epoch;
        }
        return [];
      case 'snapshot': {
        // The primary's history: at least as far as what was applied here, except after an unclean recovery.
        this.epoch++;
        if (step.rewind) m.gen++;
        m.seq = step.rewind ? Math.max(1, m.seq - step.ahead) : m.seq + step.ahead;
        m.epoch = this.epoch;
        m.tail = [];
        m.dirty = null;
        applied(m, entry(m.epoch, m.seq, `s${++this.stamp}`));
        applied(m, lockEntry(m.epoch, m.seq, m.seq % 2 === 0));
        return [{ type: 'snapshot', partition: step.p, snapshot: this.snapshot(step.p) }];
      }
      case 'promise':
        m.promised += step.n;
        return [{ type: 'promise', partition: step.p, gen: m.gen, epoch: m.promised }];
      case 'drop':
        this.partitions.delete(step.p);
        return [{ type: 'drop', partition: step.p }];
    }
  }

  private append(partition: number, m: ModelPartition, after: number, n: number): LogRecord[] {
    return Array.from({ length: n }, (_, i) => {
      const made = this.entry(after + 1 + i);
      m.tail.push(made);
      return { type: 'append', partition, entry: made } as const;
    });
  }

  /** A put, or, now and then, a lock that is taken or given back. */
  private entry(seq: number): Entry {
    const turn = ++this.stamp % 4;
    return turn < 2 ? entry(this.epoch, seq, `a${this.stamp}`) : lockEntry(this.epoch, seq, turn === 2);
  }

  private at(p: number): ModelPartition {
    let m = this.partitions.get(p);
    if (m === undefined) {
      const empty = { cells: new Map(), rows: new Map(), tail: [], dirty: null };
      m = { gen: 0, seq: 0, epoch: 0, promised: 0, ...empty };
      this.partitions.set(p, m);
    }
    return m;
  }

  snapshot(p: number): Snapshot {
    const { gen, seq, epoch, cells, rows } = this.at(p);
    return sealed({ gen, seq, epoch, cells: [...cells], sessions: [], rows: [...rows] });
  }

  /** The delta of a partition since the last call, or null when it is not held. */
  delta(partition: number): CheckpointDelta | null {
    const m = this.partitions.get(partition);
    if (m === undefined) return null;
    const { gen, seq, epoch, promised, cells, rows, dirty } = m;
    const changed = dirty ?? { cells: cells.keys(), rows: rows.keys() };
    m.dirty = { cells: new Set(), rows: new Set() };
    return {
      partition,
      promised,
      gen,
      seq,
      epoch,
      full: dirty === null,
      cells: [...changed.cells].map((key) => [key, cells.get(key) ?? null] as const),
      sessions: [],
      results: [],
      rows: [...changed.rows].map((id) => [id, rows.get(id) ?? null] as const),
      digest: digestOf({ cells: [...cells], sessions: [], rows: [...rows] }),
    };
  }

  /** What is wrong with what was recovered, or null. Recovered state may be older than applied; its entries make up for it. */
  differs(stored: readonly StoredPartition[]): string | null {
    const found = new Map(stored.map((s) => [s.partition, s]));
    for (const [p, m] of this.partitions) {
      const s = found.get(p);
      found.delete(p);
      if (s === undefined) {
        if (m.seq > 0 || m.tail.length > 0 || m.promised > 0) return `partition ${p} is missing`;
        continue;
      }
      const problem = differs(m, s);
      if (problem !== null) return `partition ${p}: ${problem}`;
    }
    for (const [p, s] of found) {
      if (s.snapshot.seq > 0 || s.entries.length > 0 || s.promised > 0) return `partition ${p} came back`;
    }
    return null;
  }
}

function differs(m: ModelPartition, s: StoredPartition): string | null {
  if (s.promised !== m.promised) return `promised ${s.promised}, not ${m.promised}`;
  if (s.snapshot.seq > m.seq) return `state at ${s.snapshot.seq}, applied only ${m.seq}`;
  const cells = new Map(s.snapshot.cells);
  const rows = new Map(s.snapshot.rows);
  const before = s.entries.filter((e) => e.seq <= m.seq);
  for (const e of before) applied({ cells, rows }, e);
  const at = before.at(-1)?.seq ?? s.snapshot.seq;
  if (at !== m.seq) return `entries up to ${m.seq} are missing from ${at}`;
  const text = (held: Map<string, unknown>) => JSON.stringify([...held].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (text(cells) !== text(m.cells)) return `cells are ${text(cells)}, not ${text(m.cells)}`;
  if (text(rows) !== text(m.rows)) return `rows are ${text(rows)}, not ${text(m.rows)}`;
  const tail = JSON.stringify(s.entries.filter((e) => e.seq > m.seq));
  return tail === JSON.stringify(m.tail) ? null : `the tail is ${tail}, not ${JSON.stringify(m.tail)}`;
}
