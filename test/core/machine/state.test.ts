import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptySnapshot, HashedCell } from '../../../src/core/machine/digest.js';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type {
  Cell,
  CheckpointDelta,
  Command,
  Operation,
  OpResult,
  Row,
  SessionId,
  Snapshot,
} from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const key = fc.constantFrom('a', 'b', 'cc', 'dd/1');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value: fc.string({ maxLength: 5 }) }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.record({ type: fc.constant('incr' as const), key, by: fc.integer({ min: -5, max: 5 }) }),
  fc.record({ type: fc.constant('reset' as const), key, value: fc.nat(9) }),
  fc.record({
    type: fc.constant('acquire' as const),
    key,
    ttl: fc.constant(1000),
    wait: fc.boolean(),
    permits: fc.constant(1),
  }),
);

type Step =
  | { what: 'op'; session: number; n: number; first: number; op: Operation }
  | { what: 'open' | 'close' | 'prepare' | 'finish' | 'barrier'; session: number; n: number; key: string }
  | { what: 'checkpoint' | 'restart' | 'snapshot' };

const n = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('op' as const),
      session: fc.nat(2),
      n,
      first: n,
      op: operation,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom<('open' | 'close' | 'prepare' | 'finish' | 'barrier')[]>(
        'open',
        'open',
        'close',
        'prepare',
        'finish',
        'barrier',
      ),
      session: fc.nat(2),
      n,
      key,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom<('checkpoint' | 'restart' | 'snapshot')[]>('checkpoint', 'restart', 'snapshot'),
    }),
  },
);

/** What is on disk after deltas: the plainest way to keep it. */
class Checkpoint {
  #head = emptySnapshot(1);
  readonly #cells = new Map<string, Cell>();
  readonly #firsts = new Map<SessionId, number>();
  readonly #results = new Map<SessionId, Map<number, OpResult>>();
  readonly #rows = new Map<string, Row>();

  take(delta: CheckpointDelta): void {
    const { gen, seq, epoch, digest } = delta;
    this.#head = { ...this.#head, gen, seq, epoch, digest };
    if (delta.full) for (const held of [this.#cells, this.#firsts, this.#results, this.#rows]) held.clear();
    change(this.#cells, delta.cells);
    change(this.#firsts, delta.sessions);
    change(this.#rows, delta.rows);
    for (const [id, n, result] of delta.results) {
      const results = this.#results.get(id) ?? new Map<number, OpResult>();
      this.#results.set(id, results);
      change(results, [[n, result]]);
    }
  }

  get snapshot(): Snapshot {
    const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const sessions = sorted(this.#firsts).map(([id, first]) => {
      const results = [...(this.#results.get(id as SessionId) ?? [])].sort(([x], [y]) => x - y);
      return [id, { first, results }];
    });
    const cells = sorted(this.#cells);
    return JSON.parse(
      JSON.stringify({ ...this.#head, cells, sessions, rows: sorted(this.#rows) }),
    ) as Snapshot;
  }
}

const asDelta = (snapshot: Snapshot): CheckpointDelta => ({
  ...snapshot,
  partition: 0,
  promised: 1,
  full: true,
  sessions: snapshot.sessions.map(([id, { first }]) => [id, first] as const),
  results: snapshot.sessions.flatMap(([id, { results }]) =>
    results.map(([n, result]) => [id, n, result] as const),
  ),
});

function change<K, V>(held: Map<K, V>, changes: Iterable<readonly [K, V | null]>): void {
  for (const [name, value] of changes) {
    if (value === null) held.delete(name);
    else held.set(name, value);
  }
}

const plain = (state: PartitionMachine): unknown => JSON.parse(JSON.stringify(state.snapshot()));

const unitsIn = (state: PartitionMachine): number =>
  [...state.cells].reduce(
    (sum, [name, { value }]) => sum + name.length + (typeof value === 'string' ? value.length : 16),
    0,
  );

describe('the state of a partition', () => {
  test('is what its checkpoints make up, and counts what it holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = new PartitionMachine(1);
        let checkpoint = new Checkpoint();
        let seq = 0;
        const sessions: SessionId[] = [];
        const run = (command: Command): void => {
          const applied = state.apply({ epoch: 1 + (seq >> 4), seq: ++seq, command });
          if (applied.type === 'opened') sessions.push(applied.session);
        };
        const idOf = (session: number): SessionId => sessions.at(-1 - session) ?? '1.999';
        for (const one of steps) {
          if (one.what === 'op') {
            const { session, n: number, first, op } = one;
            run({ type: 'op', session: idOf(session), n: number, first: Math.min(first, number), op });
          } else if (one.what === 'open') run({ type: 'open', gen: 1 });
          else if (one.what === 'close') run({ type: 'close', session: idOf(one.session) });
          else if (one.what === 'barrier') run({ type: 'barrier' });
          else if (one.what === 'prepare') {
            const items = [{ type: 'put', key: one.key, value: 'x' }] as const;
            run({ type: 'prepare', tx: `9:1.1:${one.n}`, anchor: 9, at: 0, items });
          } else if (one.what === 'finish') run({ type: 'finish', ends: [[`9:1.1:${one.n}`, true, seq]] });
          else if (one.what === 'snapshot') {
            // Learned from another replica: it did not grow out of the last checkpoint.
            state = PartitionMachine.fromSnapshot(state.snapshot());
            state.markFull();
          } else {
            const delta = state.takeDelta(0, 1);
            if (delta !== null) checkpoint.take(delta);
            expect(checkpoint.snapshot.seq).toBe(seq);
            if (seq > 0) expect(checkpoint.snapshot).toEqual(plain(state));
            expect(state.takeDelta(0, 1)).toBeNull();
            if (one.what === 'restart' && seq > 0) {
              state = PartitionMachine.fromSnapshot(checkpoint.snapshot);
              const copy = new Checkpoint();
              copy.take(asDelta(checkpoint.snapshot));
              checkpoint = copy;
            }
          }
          expect(state.units).toBe(unitsIn(state));
        }
      }),
    );
  });

  test('restored from a snapshot, holds for transactions what it held', () => {
    const state = new PartitionMachine(1);
    const items = [{ type: 'put', key: 'a', value: 'x' }] as const;
    state.apply({ epoch: 1, seq: 1, command: { type: 'prepare', tx: '9:1.1:1', anchor: 9, at: 0, items } });
    const copy = PartitionMachine.fromSnapshot(state.snapshot());
    expect([copy.intents.writes('a'), copy.intents.writes('b'), copy.intents.size]).toEqual([true, false, 1]);
  });
});

describe('a page of a scan', () => {
  const filled = (count: number, length: number): PartitionMachine => {
    const state = new PartitionMachine(1);
    for (let i = 0; i < count; i++) {
      const key = `k${String(i).padStart(6, '0')}`;
      state.cells.set(key, new HashedCell(key, 'text', 'v'.repeat(length), 1));
    }
    return state;
  };
  const page = (state: PartitionMachine, limit: number): [number, boolean] => {
    const result = state.query({ type: 'scan', kind: 'text', after: null, prefix: 'k', limit });
    return result.type === 'scan' ? [result.rows.length, result.more] : [-1, false];
  };
  test('has at most so many rows', () => {
    expect(page(filled(limits.scanPage + 1, 1), limits.scanPage + 1)).toEqual([limits.scanPage, true]);
    expect(page(filled(limits.scanPage, 1), limits.scanPage)).toEqual([limits.scanPage, false]);
  });
  test('has at most so many characters, keys included, and always one row', () => {
    const third = Math.floor(limits.scanBytes / 3) - 'k000000'.length;
    expect(page(filled(4, third), 10)).toEqual([3, true]);
    expect(page(filled(3, third), 10)).toEqual([3, false]);
    expect(page(filled(4, third + 1), 10)).toEqual([2, true]);
    expect(page(filled(2, limits.scanBytes), 10)).toEqual([1, true]);
  });
});

test('a partition at capacity refuses a session, and keeps those it has', () => {
  const state = new PartitionMachine(1);
  let seq = 0;
  const open = (): string => state.apply({ epoch: 1, seq: ++seq, command: { type: 'open', gen: 1 } }).type;
  for (let i = 0; i < limits.sessionsPerPartition; i++) expect(open()).toBe('opened');
  expect([open(), state.sessionCount]).toEqual(['refused-open', limits.sessionsPerPartition]);
  state.apply({ epoch: 1, seq: ++seq, command: { type: 'close', session: '1.1' } });
  expect(open()).toBe('opened');
});
