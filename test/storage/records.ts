import type { Cell, CheckpointDelta, Entry } from '../../src/core/machine/types.js';
import type { LogRecord, StoredPartition } from '../../src/storage/contract.js';

/** An entry that puts `value` at `key`. */
export const entry = (
  epoch: number,
  seq: number,
  value = `v${epoch}.${seq}`,
  key = `k${seq % 5}`,
): Entry => ({
  epoch,
  seq,
  command: { type: 'op', session: '0.1', n: seq, first: seq, op: { type: 'put', key, value } },
});

export const append = (partition: number, epoch: number, seq: number): LogRecord => ({
  type: 'append',
  partition,
  entry: entry(epoch, seq),
});

export const appends = (partition: number, epoch: number, from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => append(partition, epoch, from + i));

export const promise = (partition: number, epoch: number, gen = 0): LogRecord => ({
  type: 'promise',
  partition,
  gen,
  epoch,
});

export const drop = (partition: number): LogRecord => ({ type: 'drop', partition });

/** Cells after the entries 1…seq have been applied. */
export function cellsAt(seq: number, epoch: number): (readonly [string, Cell])[] {
  const cells = new Map<string, Cell>();
  for (let s = 1; s <= seq; s++)
    cells.set(`k${s % 5}`, { kind: 'text', value: `v${epoch}.${s}`, version: s });
  return [...cells].sort(([a], [b]) => (a < b ? -1 : 1));
}

export const snapshot = (partition: number, epoch: number, seq: number, gen = 0): LogRecord => ({
  type: 'snapshot',
  partition,
  snapshot: {
    gen,
    seq,
    epoch,
    cells: cellsAt(seq, epoch),
    rows: [],
    sessions: [['0.1', { first: 1, results: [] }]],
  },
});

export const delta = (
  partition: number,
  epoch: number,
  seq: number,
  more: Partial<CheckpointDelta> = {},
): CheckpointDelta => ({
  partition,
  promised: epoch,
  gen: 0,
  seq,
  epoch,
  full: true,
  cells: cellsAt(seq, epoch),
  sessions: [],
  rows: [],
  ...more,
});

/** A recovered partition in short, for comparing: promise, snapshot as epoch.seq, tail as epoch.seq. */
export function brief(partitions: readonly StoredPartition[]): Record<number, string> {
  return Object.fromEntries(
    partitions.map((p) => [
      p.partition,
      `p${p.promised} s${p.snapshot.epoch}.${p.snapshot.seq} [${p.entries.map((e) => `${e.epoch}.${e.seq}`).join(' ')}]`,
    ]),
  );
}
