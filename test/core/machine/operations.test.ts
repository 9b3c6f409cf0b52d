import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asItem, PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Operation, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { failure, machine, session } from './with-session.js';

const { counterMax, counterMin, sessionWindow } = limits;

describe('a new state machine', () => {
  it('holds nothing, and takes number and checksum of each entry', () => {
    const state = new PartitionMachine(7);
    expect([state.gen, state.seq, state.epoch, state.units, state.heldUnits, state.sessionCount]).toEqual([
      7, 0, 0, 0, 0, 0,
    ]);
    expect(state.takeDelta(0, 1)).toBeNull();
    expect(state.digest.chain).toBe(0);
    expect(state.apply({ epoch: 3, seq: 5, command: { type: 'barrier' }, chain: 9 })).toEqual({
      type: 'none',
    });
    expect([state.seq, state.epoch, state.digest.chain]).toEqual([5, 3, 9]);
    state.apply({ epoch: 3, seq: 6, command: { type: 'barrier' } });
    expect([state.seq, state.digest.chain]).toEqual([6, 0]);
  });

  it('is made of a snapshot as it was, and has nothing for the checkpoint that the snapshot has', () => {
    const { state, run } = machine();
    run(1, { type: 'put', key: 'b', value: 'x' });
    run(2, { type: 'put', key: 'a', value: 'x' });
    run(3, { type: 'acquire', key: 'door', ttl: 5, wait: true, permits: 1 });
    state.apply({ epoch: 4, seq: 9, command: { type: 'barrier' }, chain: 77 });
    const snapshot = state.snapshot();
    expect(snapshot.cells.map(([key]) => key)).toEqual(['a', 'b']);
    const again = machine(PartitionMachine.fromSnapshot(snapshot));
    expect([again.state.gen, again.state.seq, again.state.epoch, again.state.digest.chain]).toEqual([
      1, 9, 4, 77,
    ]);
    expect(again.state.takeDelta(0, 1)).toBeNull();
    again.run(4, { type: 'delete', key: 'b' });
    expect(again.state.takeDelta(3, 8)).toEqual({
      partition: 3,
      promised: 8,
      gen: 1,
      seq: 10,
      epoch: 1,
      full: false,
      cells: [['b', null]],
      sessions: [[session, 1]],
      results: [[session, 4, { ok: true, value: true }]],
      rows: [],
      digest: again.state.digest,
    });
  });
});

describe('a session', () => {
  it('ends, however it ends, and its operations with it', () => {
    for (const type of ['close', 'expire'] as const) {
      const { state, apply, run, digest } = machine();
      apply({ type: 'open', gen: 1 });
      run(1, { type: 'reset', key: 'k', value: 1 });
      expect([...state.sessionIds()]).toEqual([session, '1.2']);
      expect(apply({ type, session })).toEqual({ type: 'closed' });
      expect([state.session(session), [...state.sessionIds()], state.sessionCount]).toEqual([
        undefined,
        ['1.2'],
        1,
      ]);
      expect(digest()).toMatchObject({ sessions: 1, results: 0, cells: 1 });
      expect(run(1, { type: 'reset', key: 'k', value: 2 })).toMatchObject({ code: 'session-expired' });
    }
  });

  it('knows what it has answered, what it has forgotten, and what lies too far ahead', () => {
    const { state, run } = machine();
    for (const n of [1, 2, 3]) run(n, { type: 'reset', key: 'k', value: n }, Math.min(n, 2));
    const result = (n: number) => ({ ok: true, value: n, version: n + 1 });
    const lookup = (n: number, first: number) => state.lookup(session, n, first);
    expect([lookup(1, 1), lookup(2, 1), lookup(3, 1), lookup(4, 1)]).toEqual([
      'forgotten',
      result(2),
      result(3),
      null,
    ]);
    expect([lookup(1 + sessionWindow, 1), lookup(2 + sessionWindow, 1)]).toEqual([null, 'beyond']);
    expect([lookup(4 + sessionWindow, 5), lookup(5 + sessionWindow, 5)]).toEqual([null, 'beyond']);
    expect(state.lookup('1.9', 1, 1)).toBe('unknown-session');
  });

  it('takes operations within its window, and refuses those before and past it', () => {
    const { run } = machine();
    const op: Operation = { type: 'incr', key: 'k', by: 1 };
    run(3, op, 3);
    const late = failure('outcome-unknown', 'the session has already acknowledged a later operation');
    const far = failure('busy', `a session has at most ${sessionWindow} operations under way`);
    expect([run(2, op, 1), run(3, op, 1)]).toEqual([late, { ok: true, value: 1, version: 2 }]);
    expect([run(3 + sessionWindow, op, 1), run(2 + sessionWindow, op, 1)]).toEqual([
      far,
      { ok: true, value: 2, version: 6 },
    ]);
    expect(run(5 + sessionWindow, op, 5)).toEqual(far);
    expect(run(4 + sessionWindow, op, 5)).toMatchObject({ ok: true, value: 3 });
  });
});

describe('an operation on one key', () => {
  const put = (key: string, more: object = {}): Operation => ({ type: 'put', key, value: 'new', ...more });
  const holdsText = (key: string) => failure('wrong-type', `${key} holds a value, not a counter`);
  const ok = (value: unknown, version?: number) =>
    version === undefined ? { ok: true, value } : { ok: true, value, version };
  const overflow = failure('overflow', 'counter c would pass ±(2^53−1)');
  // Text `t` at version 2, counter `c`, which is 5, at version 3, and the fence `f` of `t` at token 4. The operation is entry 5.
  it.each<[Operation, object, string | number | null]>([
    [put('t'), ok(null, 5), 'new'],
    [put('none'), ok(null, 5), 'new'],
    [put('c'), failure('wrong-type', 'c holds a counter, not a value'), 5],
    [put('t', { ifVersion: 4 }), ok(null, 5), 'new'],
    [put('t', { ifVersion: 3 }), failure('conflict', 't is at version 4, not 3'), 'old'],
    [put('t', { ifVersion: 0 }), failure('conflict', 't is at version 4, not 0'), 'old'],
    [put('none', { ifVersion: 0 }), ok(null, 5), 'new'],
    [put('none', { ifVersion: 1 }), failure('conflict', 'none is at version 0, not 1'), null],
    [put('t', { fence: { name: 'f', token: 4 } }), ok(null, 5), 'new'],
    [
      put('t', { fence: { name: 'f', token: 3 } }),
      failure('fenced', 'token 3 of f is stale: t has seen 4'),
      'old',
    ],
    [put('none', { fence: { name: 'f', token: 1 } }), ok(null, 5), 'new'],
    [{ type: 'incr', key: 'c', by: 2 }, ok(7, 5), 7],
    [{ type: 'incr', key: 'none', by: 2 }, ok(2, 5), 2],
    [{ type: 'incr', key: 't', by: 2 }, holdsText('t'), 'old'],
    [{ type: 'incr', key: 'c', by: counterMax - 5 }, ok(counterMax, 5), counterMax],
    [{ type: 'incr', key: 'c', by: counterMax - 4 }, overflow, 5],
    [{ type: 'incr', key: 'c', by: Number.NaN }, overflow, 5],
    [{ type: 'incr', key: 'none', by: counterMin }, ok(counterMin, 5), counterMin],
    [
      { type: 'incr', key: 'none', by: counterMin - 1 },
      failure('overflow', 'counter none would pass ±(2^53−1)'),
      null,
    ],
    [{ type: 'reset', key: 'c', value: 9 }, ok(9, 5), 9],
    [{ type: 'reset', key: 'none', value: 9 }, ok(9, 5), 9],
    [{ type: 'reset', key: 't', value: 9 }, holdsText('t'), 'old'],
    [{ type: 'delete', key: 'c' }, ok(true), null],
    [{ type: 'delete', key: 't' }, ok(true), null],
    [{ type: 'delete', key: 'none' }, ok(false), null],
    [{ type: 'delete', key: 't', ifVersion: 4 }, ok(true), null],
    [{ type: 'delete', key: 't', ifVersion: 3 }, failure('conflict', 't is at version 4, not 3'), 'old'],
    [{ type: 'delete', key: 'none', ifVersion: 0 }, ok(false), null],
    [
      { type: 'resolve', key: 't' },
      failure('not-applied', 'the operation was not applied, and never will be'),
      'old',
    ],
  ])('gives its result: %j', (op, result, after) => {
    const { state, run, digest } = machine();
    run(1, { type: 'reset', key: 'c', value: 5 });
    run(2, { type: 'put', key: 't', value: 'older' });
    run(3, { type: 'put', key: 't', value: 'old', fence: { name: 'f', token: 4 } });
    expect(run(4, op)).toEqual(result);
    expect(state.query({ type: 'get', key: op.key })).toMatchObject({
      cell: after === null ? null : { value: after },
    });
    const cells = [...state.cells];
    expect(state.units).toBe(
      cells.reduce(
        (sum, [key, { value }]) => sum + key.length + (typeof value === 'string' ? value.length : 16),
        0,
      ),
    );
    const changed = JSON.stringify(result).includes('"version":5');
    expect(state.cells.get(op.key)?.version === 5).toBe(changed);
    expect(digest()).toMatchObject({ cells: cells.length, sessions: 1, results: 4 });
    expect(state.heldUnits).toBe(state.units + state.session(session)!.units + 64 + state.rows.units);
  });

  it('moves a fence forward, with the value that it guards', () => {
    const { state, run } = machine();
    const fenced = (n: number, token: number) => run(n, put('k', { fence: { name: 'f', token } })).ok;
    expect([fenced(1, 3), fenced(2, 7), fenced(3, 3), fenced(4, 6), fenced(5, 7)]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect([...state.rows.of('fence')]).toEqual([['1:fk', { kind: 'fence', token: 7 }]]);
  });

  it('is refused while a transaction holds the key in any way, and goes on afterwards', () => {
    const items: TxItem[] = [
      { type: 'get', key: 'k' },
      { type: 'put', key: 'k', value: 'x' },
      { type: 'incr', key: 'k', by: 1 },
    ];
    expect(asItem({ key: 'k' })).toEqual({ type: 'delete', key: 'k' });
    for (const item of items) {
      const { apply, run, state } = machine();
      const tx = '3:1.1:1';
      apply({ type: 'prepare', tx, anchor: 3, at: 0, items: [item] });
      const held = failure('conflict', 'a transaction that is not finished holds k');
      expect([run(1, { type: 'delete', key: 'k' }), run(2, put('other'))]).toEqual([held, ok(null, 4)]);
      apply({ type: 'finish', ends: [[tx, false, 2]] });
      expect([run(3, { type: 'delete', key: 'k' }), state.intents.size]).toEqual([ok(false), 0]);
    }
  });
});

describe('a question', () => {
  it('is answered with a cell, or with what there is of a lock', () => {
    const { state, apply, run } = machine();
    run(1, { type: 'put', key: 'k', value: 'x' });
    run(2, { type: 'acquire', key: 'door', ttl: 5, wait: true, permits: 1 });
    run(3, { type: 'acquire', key: 'door', ttl: 6, wait: true, permits: 1 });
    const holder = { ticket: '1.1.2', token: 3, ttl: 5, renewed: 3 };
    const queue = [{ ticket: '1.1.3', ttl: 6 }];
    const lock = { kind: 'lock', permits: 1, holders: [holder], queue };
    const rows = (...found: unknown[]) => ({ type: 'rows', rows: found, more: false });
    expect(state.query({ type: 'get', key: 'k' })).toEqual({
      type: 'get',
      cell: { kind: 'text', value: 'x', version: 2 },
    });
    expect(state.query({ type: 'get', key: 'none' })).toEqual({ type: 'get', cell: null });
    expect(state.query({ type: 'lock', key: 'door' })).toEqual(rows(['door', lock]));
    expect(state.query({ type: 'lock', key: 'none' })).toEqual(rows());
    expect(state.query({ type: 'await', key: 'none', ticket: '1.1.3' })).toEqual(rows());
    expect(state.query({ type: 'await', key: 'door', ticket: '1.1.3' })).toEqual(
      rows(['door', { ...lock, holders: [] }]),
    );
    expect(state.query({ type: 'trace', tx: 't' })).toEqual({ type: 'trace', events: [] });
    expect(state.query({ type: 'rows', kind: 'lock', after: null })).toEqual(rows(['door', lock]));
    expect(state.query({ type: 'rows', kind: 'lock', after: 'door' })).toEqual(rows());
    // A holder's time that is over by an older renewal than its last is not.
    const lapse = (renewed: number) => apply({ type: 'lapse', lock: 'door', ticket: '1.1.2', renewed });
    expect(lapse(2)).toEqual({ type: 'none' });
    expect(state.rows.get('lock', 'door')).toEqual(lock);
    lapse(3);
    const next = { ticket: '1.1.3', token: 6, ttl: 6, renewed: 6 };
    expect(state.rows.get('lock', 'door')).toEqual({ ...lock, holders: [next], queue: [] });
  });

  it('of a scan is answered in order, with what comes after, has the prefix and is of the kind', () => {
    const key = fc.stringMatching(/^[ab]{0,3}$/);
    const scan = fc.record({
      after: fc.option(key),
      prefix: key,
      limit: fc.integer({ min: 1, max: 5 }),
      kind: fc.constantFrom<('text' | 'counter')[]>('text', 'counter'),
    });
    const change = fc.record({ key, what: fc.constantFrom('put', 'incr', 'delete') });
    fc.assert(
      fc.property(fc.array(fc.tuple(change, scan), { maxLength: 20 }), (steps) => {
        const { state, run } = machine();
        for (const [i, [{ key: of, what }, asked]] of steps.entries()) {
          const op =
            what === 'put'
              ? { type: 'put' as const, key: of, value: 'x' }
              : what === 'incr'
                ? { type: 'incr' as const, key: of, by: 1 }
                : { type: 'delete' as const, key: of };
          run(i + 1, op, i + 1);
          const { after, prefix, limit, kind } = asked;
          const all = [...state.cells]
            .filter(
              ([name, cell]) =>
                cell.kind === kind && name.startsWith(prefix) && (after === null || name > after),
            )
            .map(([name]) => name)
            .sort();
          const page = state.query({ type: 'scan', ...asked });
          expect([
            page.type === 'scan' && page.rows.map(([name]) => name),
            page.type === 'scan' && page.more,
          ]).toEqual([all.slice(0, limit), all.length > limit]);
        }
      }),
    );
  });

  it('of a scan has as many bytes of counters as of other values', () => {
    const { state } = machine();
    const long = 'k'.repeat(limits.scanBytes / 2 - 9);
    for (const [n, name] of ['1', '2', '3'].entries())
      state.apply({
        epoch: 1,
        seq: 2 + n,
        command: {
          type: 'op',
          session,
          n: n + 1,
          first: n + 1,
          op: { type: 'incr', key: long + name, by: 1 },
        },
      });
    const page = state.query({ type: 'scan', kind: 'counter', after: null, prefix: '', limit: 10 });
    expect(page.type === 'scan' && [page.rows.length, page.more]).toEqual([2, true]);
  });
});
