import type { Cell, CheckpointDelta, Entry, Snapshot } from '../../src/core/machine/types.js';
import type { LogRecord, StoredPartition } from '../../src/storage/contract.js';
import { entry } from './records.js';

interface ModelPartition {
  gen: number;
  /** Applied up to here. */
  seq: number;
  epoch: number;
  cells: Map<string, Cell>;
  /** Entries after the applied one. */
  tail: Entry[];
  promised: number;
  /** Keys changed since the last checkpoint; null: everything. */
  dirty: Set<string> | null;
}

/** A step of the model; numbers are folded into what is possible when it runs. */
export type Step =
  | { readonly do: 'append'; readonly p: number; readonly n: number; readonly newEpoch: boolean }
  | { readonly do: 'overwrite'; readonly p: number; readonly back: number; readonly n: number }
  | { readonly do: 'apply'; readonly p: number; readonly n: number }
  | { readonly do: 'snapshot'; readonly p: number; readonly ahead: number; readonly rewind: boolean }
  | { readonly do: 'promise'; readonly p: number; readonly n: number }
  | { readonly do: 'drop'; readonly p: number };

function applied(cells: Map<string, Cell>, { command, seq }: Entry): string {
  if (command.type !== 'op' || command.op.type !== 'put') throw new Error('the model only puts');
  cells.set(command.op.key, { kind: 'text', value: command.op.value, version: seq });
  return command.op.key;
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
      const dirty = m.dirty === null ? null : new Set(m.dirty);
      model.partitions.set(p, { ...m, cells: new Map(m.cells), tail: [...m.tail], dirty });
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
          const key = applied(m.cells, e);
          m.dirty?.add(key);
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
        applied(m.cells, entry(m.epoch, m.seq, `s${++this.stamp}`));
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
      const made = entry(this.epoch, after + 1 + i, `a${++this.stamp}`);
      m.tail.push(made);
      return { type: 'append', partition, entry: made } as const;
    });
  }

  private at(p: number): ModelPartition {
    let m = this.partitions.get(p);
    if (m === undefined) {
      m = { gen: 0, seq: 0, epoch: 0, cells: new Map(), tail: [], promised: 0, dirty: null };
      this.partitions.set(p, m);
    }
    return m;
  }

  snapshot(p: number): Snapshot {
    const { gen, seq, epoch, cells } = this.at(p);
    return { gen, seq, epoch, cells: [...cells], sessions: [], rows: [] };
  }

  /** The delta of a partition since the last call, or null when it is not held. */
  delta(partition: number): CheckpointDelta | null {
    const m = this.partitions.get(partition);
    if (m === undefined) return null;
    const { gen, seq, epoch, promised, cells, dirty } = m;
    const keys = dirty === null ? [...cells.keys()] : [...dirty];
    m.dirty = new Set();
    return {
      partition,
      promised,
      gen,
      seq,
      epoch,
      full: dirty === null,
      cells: keys.map((key) => [key, cells.get(key) ?? null] as const),
      sessions: [],
      rows: [],
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
  const before = s.entries.filter((e) => e.seq <= m.seq);
  for (const e of before) applied(cells, e);
  const at = before.at(-1)?.seq ?? s.snapshot.seq;
  if (at !== m.seq) return `entries up to ${m.seq} are missing from ${at}`;
  const text = (c: Map<string, Cell>) => JSON.stringify([...c].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (text(cells) !== text(m.cells)) return `cells are ${text(cells)}, not ${text(m.cells)}`;
  const tail = JSON.stringify(s.entries.filter((e) => e.seq > m.seq));
  return tail === JSON.stringify(m.tail) ? null : `the tail is ${tail}, not ${JSON.stringify(m.tail)}`;
}
