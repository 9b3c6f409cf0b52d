import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, emptySnapshot, mismatch, sealed } from '../../../src/core/machine/digest.js';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, Snapshot } from '../../../src/core/machine/types.js';
import { command, opened } from './commands.js';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function machine(): PartitionMachine {
  const state = new PartitionMachine(1);
  for (const [i] of opened.entries())
    state.apply({ epoch: 1, seq: i + 1, command: { type: 'open', gen: 1 } });
  return state;
}

const apply = (state: PartitionMachine, one: Command) =>
  state.apply({ epoch: 1, seq: state.seq + 1, command: one });

const log = fc.array(command, { minLength: 1, maxLength: 40 });

describe('a state machine, whatever its log says', () => {
  it('applies everything, and as the log that was read back says', () => {
    fc.assert(
      fc.property(log, (commands) => {
        const here = machine();
        const there = machine();
        for (const one of commands) {
          const applied = apply(here, one);
          // A primary applies what it was given, its backups and a later start what they have read.
          expect(copy(apply(there, copy(one)))).toEqual(copy(applied));
          expect(there.digest).toEqual(here.digest);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has the digest and size of its snapshot, which makes it anew', () => {
    fc.assert(
      fc.property(log, (commands) => {
        const state = machine();
        for (const one of commands) apply(state, one);
        const snapshot = copy(state.snapshot());
        expect(digestOf(snapshot)).toEqual(state.digest);
        const again = PartitionMachine.fromSnapshot(snapshot);
        expect(again.digest).toEqual(state.digest);
        expect([again.units, again.heldUnits]).toEqual([state.units, state.heldUnits]);
        expect(copy(again.snapshot())).toEqual(snapshot);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the checkpoint what changed, so that it comes to the state', () => {
    fc.assert(
      fc.property(fc.array(log, { minLength: 1, maxLength: 5 }), (parts) => {
        const state = machine();
        const stored = new Checkpoint();
        for (const commands of parts) {
          for (const one of commands) apply(state, one);
          stored.take(state);
          expect(mismatch(state.digest, stored.contents())).toBeNull();
        }
        const again = PartitionMachine.fromSnapshot({ ...state.snapshot(), ...stored.contents() });
        for (const one of parts[0]!) apply(again, one);
        stored.take(again);
        expect(mismatch(again.digest, stored.contents())).toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});

/** What a disk has of a partition, as rows. */
class Checkpoint {
  private readonly held = { cells: new Map(), sessions: new Map(), results: new Map(), rows: new Map() };

  take(state: PartitionMachine): void {
    const delta = state.takeDelta(0, 1);
    if (delta === null) return;
    const { cells, sessions, results, rows } = this.held;
    const set = (map: Map<unknown, unknown>, key: unknown, value: unknown) =>
      value === null ? map.delete(key) : map.set(key, value);
    for (const [key, cell] of delta.cells) set(cells, key, cell);
    for (const [id, first] of delta.sessions) set(sessions, id, first);
    for (const [id, n, result] of delta.results) set(results, JSON.stringify([id, n]), result);
    for (const [id, row] of delta.rows) set(rows, id, row);
  }

  contents(): Pick<Snapshot, 'cells' | 'sessions' | 'rows'> {
    const { cells, sessions, results, rows } = this.held;
    const of = (id: string) =>
      [...results].flatMap(([key, result]) => {
        const [session, n] = JSON.parse(key) as [string, number];
        return session === id ? [[n, result] as const] : [];
      });
    return {
      cells: [...cells],
      sessions: [...sessions].map(([id, first]) => [id, { first, results: of(id) }] as const),
      rows: [...rows],
    };
  }
}

describe('a digest', () => {
  const whole: Snapshot = sealed({
    ...emptySnapshot(1),
    cells: [
      ['a', { kind: 'text', value: '7', version: 3 }],
      ['b', { kind: 'counter', value: 7, version: 4 }],
    ],
    sessions: [['1.1', { first: 2, results: [[2, { ok: true, value: null }]] }]],
    rows: [
      ['fence/f', { kind: 'fence', token: 3 }],
      [
        'prepared/3:1.1:7',
        {
          kind: 'prepared',
          tx: '3:1.1:7',
          anchor: 3,
          at: 5,
          seq: 9,
          items: [{ type: 'put', key: 'c', value: 'd' }],
          reads: [['e', null, 0]],
        },
      ],
    ],
  });

  it('does not depend on order', () => {
    const { cells, rows } = whole;
    expect(digestOf({ ...whole, cells: cells.toReversed(), rows: rows.toReversed() })).toEqual(whole.digest);
  });

  it('changes with every leaf of the state', () => {
    const hashes = new Set([whole.digest.hash]);
    let leaves = 0;
    const walk = (node: unknown, change: (value: unknown) => Snapshot): void => {
      if (node !== null && typeof node === 'object') {
        for (const [key, inner] of Object.entries(node)) {
          if (key === 'kind' || key === 'type' || key === 'ok') continue;
          walk(inner, (value) =>
            change(Array.isArray(node) ? node.with(Number(key), value) : { ...node, [key]: value }),
          );
        }
        return;
      }
      leaves++;
      const other = typeof node === 'number' ? node + 1 : node === null ? 0 : `${String(node)}x`;
      hashes.add(digestOf(change(other)).hash);
    };
    const { cells, sessions, rows } = whole;
    walk(cells, (value) => ({ ...whole, cells: value as Snapshot['cells'] }));
    walk(sessions, (value) => ({ ...whole, sessions: value as Snapshot['sessions'] }));
    // A row's name is in its id and, with a transaction, in the row: one of them counts.
    const named = rows.map(([id, row]) => [id, { ...row, tx: undefined }]);
    walk(named, (value) => ({ ...whole, rows: value as Snapshot['rows'] }));
    // `tx: undefined` is a leaf that is not hashed.
    expect(hashes.size).toBe(leaves + 1 - 2);
  });

  it('has the checksum of the log beside it, which no state tells', () => {
    expect(digestOf(whole)).toMatchObject({ cells: 2, sessions: 1, results: 1, rows: 2, chain: 0 });
    expect(digestOf(whole, 7)).toEqual({ ...digestOf(whole), chain: 7 });
    expect(mismatch({ ...whole.digest, chain: 7 }, whole)).toBeNull();
    expect(emptySnapshot()).toEqual({
      gen: 0,
      seq: 0,
      epoch: 0,
      cells: [],
      sessions: [],
      rows: [],
      digest: { hash: '0000000000000000', cells: 0, sessions: 0, results: 0, rows: 0, chain: 0 },
    });
  });

  it.each<[string, (of: Snapshot) => Partial<Snapshot>, string]>([
    ['a cell', ({ cells }) => ({ cells: cells.slice(1) }), 'it has 1 cells, and should have 2'],
    ['a session', () => ({ sessions: [] }), 'it has 0 sessions, and should have 1'],
    [
      'a result',
      ({ sessions }) => ({ sessions: sessions.map(([id, { first }]) => [id, { first, results: [] }]) }),
      'it has 0 results, and should have 1',
    ],
    ['a row', ({ rows }) => ({ rows: rows.slice(0, 1) }), 'it has 1 rows, and should have 2'],
  ])('says that %s is missing', (_, change, message) => {
    expect(mismatch(whole.digest, { ...whole, ...change(whole) })).toBe(message);
  });

  it('says what is missing', () => {
    const { cells } = whole;
    expect(mismatch(whole.digest, whole)).toBeNull();
    expect(mismatch(whole.digest, { ...whole, cells: cells.slice(1) })).toBe(
      'it has 1 cells, and should have 2',
    );
    const [[a], [b, cell]] = cells as [(typeof cells)[0], (typeof cells)[0]];
    expect(
      mismatch(whole.digest, {
        ...whole,
        cells: [
          [a, cell],
          [b, cell],
        ],
      }),
    ).toMatch(/^its digest is/);
  });
});
