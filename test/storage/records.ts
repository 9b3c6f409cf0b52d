import { type Contents, digestOf, sealed } from '../../src/core/machine/digest.js';
import type { Cell, CheckpointDelta, Entry, Row } from '../../src/core/machine/types.js';
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

/** An entry that takes the lock `name`, or gives it back. */
export const lockEntry = (epoch: number, seq: number, held: boolean, name = `l${seq % 3}`): Entry => ({
  epoch,
  seq,
  command: {
    type: 'op',
    session: '0.1',
    n: seq,
    first: seq,
    op: held
      ? { type: 'acquire', key: name, ttl: 1000, wait: false, permits: 1 }
      : { type: 'release', key: name, token: seq },
  },
});

/** A lock that was taken by the entry `seq`. */
export const lockRow = (seq: number): Row => ({
  kind: 'lock',
  permits: 1,
  holders: [{ ticket: `0.1.${seq}`, token: seq, ttl: 1000, renewed: seq }],
  queue: [],
});

/** One row of each kind, as a partition holds them. */
export const everyRow: readonly (readonly [string, Row])[] = [
  ['fence/l\u0000Zoë 🦊', { kind: 'fence', token: 2 ** 53 - 1 }],
  ['lock/Zoë 🦊 \u0000\u001f "\\ \u2028', { ...lockRow(5), queue: [{ ticket: '0.1.6', ttl: 100 }] } as Row],
  [
    'prepared/3:0.1:7',
    {
      kind: 'prepared',
      tx: '3:0.1:7',
      anchor: 3,
      at: 1.5,
      seq: 9,
      items: [
        { type: 'check', key: 'a', equals: null },
        { type: 'incr', key: 'b', by: -1 },
      ],
      reads: [['a', null, 0]],
    },
  ],
  [
    'record/0:0.1:8',
    {
      kind: 'record',
      tx: '0:0.1:8',
      keys: ['c\u0000'],
      prepared: [[3, 9]],
    },
  ],
  [
    'staged/0:0.1:9',
    {
      kind: 'staged',
      tx: '0:0.1:9',
      at: 1.5,
      seq: 9,
      items: [{ type: 'incr', key: 'b', by: -1 }],
      reads: [],
      others: [3],
    },
  ],
];

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
  snapshot: sealed({
    gen,
    seq,
    epoch,
    cells: cellsAt(seq, epoch),
    rows: [],
    sessions: [['0.1', { first: 1, results: [] }]],
  }),
});

/** `after`: what the partition holds then, when that is not just what the delta sets. */
export function delta(
  partition: number,
  epoch: number,
  seq: number,
  more: Partial<Omit<CheckpointDelta, 'digest'>> = {},
  after: Partial<Contents> = {},
): CheckpointDelta {
  const changes = {
    partition,
    promised: epoch,
    gen: 0,
    seq,
    epoch,
    full: true,
    cells: cellsAt(seq, epoch),
    sessions: [],
    results: [],
    rows: [],
    ...more,
  };
  const there = <T extends readonly [...unknown[], unknown]>(all: readonly T[]) =>
    all.filter((one) => one.at(-1) !== null);
  const sessions = there(changes.sessions).map(
    ([id, first]) =>
      [
        id,
        {
          first: first as number,
          results: there(changes.results)
            .filter(([of]) => of === id)
            .map(([, n, result]) => [n, result] as const),
        },
      ] as const,
  );
  const held = { cells: there(changes.cells), sessions, rows: there(changes.rows), ...after } as Contents;
  return { ...changes, digest: digestOf(held) };
}

/** A recovered partition in short, for comparing: promise, snapshot as epoch.seq, tail as epoch.seq. */
export function brief(partitions: readonly StoredPartition[]): Record<number, string> {
  return Object.fromEntries(
    partitions.map((p) => [
      p.partition,
      `p${p.promised} s${p.snapshot.epoch}.${p.snapshot.seq} [${p.entries.map((e) => `${e.epoch}.${e.seq}`).join(' ')}]`,
    ]),
  );
}
