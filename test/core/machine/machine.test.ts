import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, Operation, OpResult, SessionId, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

/** A machine, and a way to feed it one command after the other. */
function machine() {
  const state = new PartitionMachine(1);
  let seq = 0;
  const apply = (command: Command) => state.apply({ epoch: 1, seq: ++seq, command });
  const open = (): SessionId => {
    const applied = apply({ type: 'open', gen: 1 });
    if (applied.type !== 'opened') throw new Error(applied.type);
    return applied.session;
  };
  const run = (session: SessionId, n: number, op: Operation, first = 1): OpResult => {
    const applied = apply({ type: 'op', session, n, first, op });
    if (applied.type !== 'op') throw new Error(applied.type);
    return applied.result;
  };
  return { state, apply, open, run };
}

const incr = (by = 1): Operation => ({ type: 'incr', key: 'hits', by });

describe('exactly once', () => {
  test('a repeated operation gives its first result and counts once', () => {
    const { open, run } = machine();
    const session = open();
    expect(run(session, 1, incr(5))).toMatchObject({ ok: true, value: 5 });
    expect(run(session, 1, incr(5))).toMatchObject({ ok: true, value: 5 });
    expect(run(session, 2, incr(5))).toMatchObject({ ok: true, value: 10 });
  });
  test('a definite failure is remembered like a result', () => {
    const { open, run } = machine();
    const session = open();
    run(session, 1, { type: 'put', key: 'k', value: 'text' });
    const failed = run(session, 2, { type: 'incr', key: 'k', by: 1 });
    expect(failed).toMatchObject({ ok: false, code: 'wrong-type' });
    run(session, 3, { type: 'delete', key: 'k' });
    expect(run(session, 2, { type: 'incr', key: 'k', by: 1 })).toEqual(failed);
  });
  test('a late duplicate of an acknowledged operation is not executed', () => {
    const { open, run, state } = machine();
    const session = open();
    run(session, 1, incr());
    run(session, 2, incr(), 2);
    expect(run(session, 1, incr())).toMatchObject({ ok: false, code: 'outcome-unknown' });
    expect(state.cells.get('hits')?.value).toBe(2);
  });
  test('an unknown session executes nothing', () => {
    const { run, state } = machine();
    expect(run('1.99', 1, incr())).toMatchObject({ ok: false, code: 'session-expired' });
    expect(state.cells.size).toBe(0);
  });
  test('resolve gives the result of what was applied, and forbids what was not', () => {
    const { open, run, state } = machine();
    const session = open();
    run(session, 1, incr(3));
    expect(run(session, 1, { type: 'resolve', key: 'hits' })).toMatchObject({ ok: true, value: 3 });
    expect(run(session, 2, { type: 'resolve', key: 'hits' })).toMatchObject({
      ok: false,
      code: 'not-applied',
    });
    expect(run(session, 2, incr(3))).toMatchObject({ ok: false, code: 'not-applied' });
    expect(state.cells.get('hits')?.value).toBe(3);
  });
  test('an operation past the window is refused and not remembered', () => {
    const { open, run } = machine();
    const session = open();
    expect(run(session, 1 + limits.sessionWindow, incr())).toMatchObject({ ok: false, code: 'busy' });
    run(session, 1, incr());
    expect(run(session, 1 + limits.sessionWindow, incr(), 2)).toMatchObject({ ok: true, value: 2 });
  });
  test('session ids are those of the entries, whatever generation the store knew', () => {
    const restored = new PartitionMachine(0);
    expect(restored.apply({ epoch: 1, seq: 7, command: { type: 'open', gen: 3 } })).toEqual({
      type: 'opened',
      session: '3.7',
    });
  });
});

describe('counters and values', () => {
  test('a counter holds ±(2^53−1), and beyond that refuses without change', () => {
    const { open, run } = machine();
    const session = open();
    expect(run(session, 1, incr(limits.counterMax))).toMatchObject({ ok: true, value: limits.counterMax });
    expect(run(session, 2, incr(1))).toMatchObject({ ok: false, code: 'overflow' });
    expect(run(session, 3, { type: 'reset', key: 'hits', value: limits.counterMin })).toMatchObject({
      ok: true,
    });
    expect(run(session, 4, incr(-1))).toMatchObject({ ok: false, code: 'overflow' });
    expect(run(session, 5, incr(1))).toMatchObject({ ok: true, value: limits.counterMin + 1 });
  });
  test('a conditional put or delete needs the version it names', () => {
    const { open, run } = machine();
    const session = open();
    const first = run(session, 1, { type: 'put', key: 'k', value: 'a', ifVersion: 0 });
    if (!first.ok) throw new Error(first.code);
    expect(run(session, 2, { type: 'put', key: 'k', value: 'b', ifVersion: 0 })).toMatchObject({
      ok: false,
      code: 'conflict',
    });
    expect(run(session, 3, { type: 'delete', key: 'k', ifVersion: 99 })).toMatchObject({
      ok: false,
      code: 'conflict',
    });
    expect(run(session, 4, { type: 'delete', key: 'k', ifVersion: first.version as number })).toMatchObject({
      ok: true,
      value: true,
    });
    expect(run(session, 5, { type: 'delete', key: 'k' })).toMatchObject({ ok: true, value: false });
  });
  test('a scan pages through one kind in order of the keys, by prefix', () => {
    const { open, run, state } = machine();
    const session = open();
    const keys = ['b/2', 'a', 'b/1', 'b/3', 'c'];
    for (const [i, key] of keys.entries()) run(session, i + 1, { type: 'put', key, value: key });
    run(session, 9, { type: 'incr', key: 'b/0', by: 1 });
    const page = (after: string | null, prefix: string, limit: number) => {
      const result = state.query({ type: 'scan', kind: 'text', after, prefix, limit });
      return result.type === 'scan' ? [result.rows.map(([key]) => key).join(' '), result.more] : [];
    };
    expect(page(null, 'b/', 2)).toEqual(['b/1 b/2', true]);
    expect(page('b/2', 'b/', 2)).toEqual(['b/3', false]);
    expect(page(null, '', 10)).toEqual(['a b/1 b/2 b/3 c', false]);
    expect(page('a', 'b/', 10)).toEqual(['b/1 b/2 b/3', false]);
  });
});

describe('the end of a transaction', () => {
  const own: TxItem[] = [{ type: 'incr', key: 'hits', by: 1 }];
  /** Session 1.1 is open; `1` is the transaction's number. */
  const staged = () => {
    const m = machine();
    const session = m.open();
    const tx = `0:${session}:1`;
    const of = { tx, session, n: 1, first: 1 };
    const commands = {
      stage: { type: 'stage', ...of, at: 0, own, others: [1] },
      decide: { type: 'decide', tx, reads: [], prepared: [[1, 7]] },
      abort: { type: 'abort', ...of, reason: 'lost', message: 'late' },
    } as const satisfies Record<string, Command>;
    const run = (name: keyof typeof commands) => m.apply(commands[name]);
    /** What its client is told by a repetition. */
    const result = () => JSON.stringify(m.state.lookup(session, 1, 1));
    return { ...m, tx, run, result };
  };
  test('an abort that comes after the decision changes nothing, and says so', () => {
    const { run, state, tx, result } = staged();
    run('stage');
    expect(run('decide')).toMatchObject({ type: 'decided', committed: true });
    const told = result();
    expect(run('abort')).toEqual({ type: 'decided', committed: true, result: JSON.parse(told) });
    expect([result(), state.rows.get('record', tx)?.prepared]).toEqual([told, [[1, 7]]]);
  });
  test('is not nearer when its own part comes twice: it is prepared once, by the entry that came first', () => {
    const { run, state, tx } = staged();
    expect(run('stage')).toMatchObject({ type: 'vote', vote: { yes: true } });
    const row = state.rows.get('staged', tx);
    const { hash } = state.digest;
    expect(run('stage')).toEqual({ type: 'vote', vote: null });
    expect(state.rows.get('staged', tx)).toEqual(row);
    expect(state.digest.hash).toBe(hash);
    run('decide');
    expect([state.intents.size, state.cells.get('hits')?.value]).toEqual([0, 1]);
  });
  test('after an abort nothing is staged, and nothing is decided', () => {
    const { run, state, tx, result } = staged();
    run('abort');
    const told = result();
    for (const late of ['stage', 'decide', 'abort'] as const)
      expect(run(late)).toEqual({ type: 'decided', committed: false, result: JSON.parse(told) });
    expect([state.rows.get('staged', tx), state.cells.size, state.intents.size, result()]).toEqual([
      undefined,
      0,
      0,
      told,
    ]);
  });
  test('is the first that comes, whatever comes after it', () => {
    const names = ['stage', 'decide', 'abort'] as const;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 8 }), (order) => {
        const { run, state, tx, result } = staged();
        let end: string | null = null;
        for (const name of order) {
          const applied = run(name);
          if (end !== null) expect(result()).toBe(end);
          // A decision on what is not staged is none.
          else if (applied.type === 'decided' && result() !== 'null') end = result();
          if (applied.type === 'decided')
            expect(applied.committed).toBe(state.rows.get('record', tx) !== undefined);
        }
        const committed = state.rows.get('record', tx) !== undefined;
        expect(state.cells.get('hits')?.value ?? 0).toBe(committed ? 1 : 0);
      }),
    );
  });
});

describe('state on disk', () => {
  test('a snapshot restores everything, sessions and their results included', () => {
    const { open, run, state } = machine();
    const session = open();
    run(session, 1, incr(4));
    const copy = PartitionMachine.fromSnapshot(JSON.parse(JSON.stringify(state.snapshot())));
    const again: Command = { type: 'op', session, n: 1, first: 1, op: incr(4) };
    expect(copy.apply({ epoch: 1, seq: 3, command: again })).toMatchObject({
      result: { ok: true, value: 4 },
    });
    expect(copy.cells.get('hits')?.value).toBe(4);
  });
  test('a checkpoint delta holds what changed since the last, removals too, and nothing else', () => {
    const { open, run, state, apply } = machine();
    const session = open();
    run(session, 1, { type: 'put', key: 'a', value: '1' });
    run(session, 2, { type: 'put', key: 'b', value: '1' });
    expect(state.takeDelta(0, 1)?.cells.map(([key]) => key)).toEqual(['a', 'b']);
    expect(state.takeDelta(0, 1)).toBeNull();
    run(session, 3, { type: 'delete', key: 'a' });
    apply({ type: 'close', session });
    const delta = state.takeDelta(0, 1);
    expect(delta?.cells).toEqual([['a', null]]);
    expect(delta?.sessions).toEqual([[session, null]]);
  });
});
