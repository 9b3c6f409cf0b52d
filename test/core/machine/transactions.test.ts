import { describe, expect, it } from 'vitest';
import { tooManyResults } from '../../../src/core/machine/machine.js';
import type { Command, Operation, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { failure, machine, session } from './with-session.js';

const { counterMax } = limits;

describe('a transaction', () => {
  const tx = `0:${session}:1`;
  const of = { tx, session, n: 1, first: 1 } as const;
  const own: TxItem[] = [
    { type: 'get', key: 'r' },
    { type: 'put', key: 'k', value: 'x' },
  ];
  const committed = (reads: unknown[]) => ({
    ok: true,
    value: JSON.stringify({ outcome: 'committed', reads }),
  });
  const aborted = (reason: string, message: string) => ({
    ok: true,
    value: JSON.stringify({ outcome: 'aborted', reason, message }),
  });
  const stage: Command = { type: 'stage', ...of, at: 7, own, others: [1, 2] };
  const decide = (prepared: [number, number][]): Command => ({
    type: 'decide',
    tx,
    reads: [['z', 1, 2]],
    prepared,
  });

  it('of one partition is one entry', () => {
    const { run, digest, state } = machine();
    const items: TxItem[] = [...own, { type: 'incr', key: 'c', by: 3 }, { type: 'delete', key: 'gone' }];
    expect(run(1, { type: 'tx', key: 'k', items })).toEqual(committed([['r', null, 0]]));
    expect([...state.cells].map(([key, { value, version }]) => [key, value, version])).toEqual([
      ['k', 'x', 2],
      ['c', 3, 2],
    ]);
    expect(
      run(2, {
        type: 'tx',
        key: 'k',
        items: [
          { type: 'put', key: 'k', value: 'y' },
          { type: 'check', key: 'c', equals: 4 },
        ],
      }),
    ).toEqual(aborted('check', 'c is 3'));
    expect([state.cells.get('k')?.value, digest()]).toMatchObject(['x', { results: 2 }]);
  });

  it('is staged, decided and forgotten at its anchor', () => {
    const { apply, state, digest } = machine();
    expect(apply(stage)).toEqual({ type: 'vote', vote: { yes: true, reads: [['r', null, 0]] } });
    expect(state.rows.get('staged', tx)).toEqual({
      kind: 'staged',
      tx,
      at: 7,
      seq: 2,
      items: own,
      reads: [['r', null, 0]],
      others: [1, 2],
    });
    expect([state.intents.size, state.cells.size]).toEqual([2, 0]);
    const result = committed([
      ['r', null, 0],
      ['z', 1, 2],
    ]);
    expect(apply(decide([[1, 5]]))).toEqual({ type: 'decided', committed: true, result });
    expect([state.lookup(session, 1, 1), state.intents.size, state.cells.get('k')?.version]).toEqual([
      result,
      0,
      3,
    ]);
    expect(state.rows.get('staged', tx)).toBeUndefined();
    expect(state.rows.get('record', tx)).toEqual({
      kind: 'record',
      tx,
      keys: ['r', 'k'],
      prepared: [[1, 5]],
    });
    expect(apply(decide([[1, 5]]))).toEqual({ type: 'decided', committed: true, result });
    expect(apply({ type: 'forget', txs: ['other', tx] })).toEqual({ type: 'none' });
    expect(state.rows.size).toBe(0);
    expect(digest()).toMatchObject({ cells: 1, rows: 0, results: 1 });
  });

  it('of its anchor alone leaves no record', () => {
    const { apply, state } = machine();
    apply(stage);
    expect(apply(decide([]))).toMatchObject({ type: 'decided', committed: true });
    expect(state.rows.size).toBe(0);
  });

  it('is aborted by its own part, which holds nothing then', () => {
    const { apply, state } = machine();
    const wrong: Command = {
      type: 'stage',
      ...of,
      at: 7,
      own: [{ type: 'version', key: 'k', version: 3 }],
      others: [1],
    };
    const result = aborted('stale', 'k is at version 0, not 3');
    expect(apply(wrong)).toEqual({ type: 'decided', committed: false, result });
    expect([state.lookup(session, 1, 1), state.rows.size, state.intents.size]).toEqual([result, 0, 0]);
  });

  it('that is aborted is not, and its session has that', () => {
    for (const before of [[], [stage]]) {
      const { apply, state } = machine();
      for (const command of before) apply(command);
      const result = aborted('asked', 'stop');
      expect(apply({ type: 'abort', ...of, reason: 'asked', message: 'stop' })).toEqual({
        type: 'decided',
        committed: false,
        result,
      });
      expect([state.lookup(session, 1, 1), state.rows.size, state.intents.size, state.cells.size]).toEqual([
        result,
        0,
        0,
        0,
      ]);
    }
  });

  it('acknowledges what its client has, when it begins and when it is aborted', () => {
    const second = { ...of, tx: `0:${session}:2`, n: 2, first: 2 } as const;
    for (const command of [
      { type: 'stage', ...second, at: 7, own, others: [] },
      { type: 'abort', ...second, reason: 'asked', message: '' },
    ] as const) {
      const { apply, run, state } = machine();
      run(1, { type: 'put', key: 'other', value: '' });
      apply(command);
      expect([state.session(session)?.first, state.lookup(session, 1, 1)]).toEqual([2, 'forgotten']);
    }
  });

  it('of a session that has ended, or that wants its result no more, leaves none', () => {
    const gone = failure(
      'session-expired',
      'the session is not known here: it was idle too long or was closed',
    );
    const { apply, state, run } = machine();
    expect(apply({ ...stage, session: '1.9' })).toEqual({ type: 'decided', committed: false, result: gone });
    expect(apply({ type: 'decide', tx: '0:1.9:1', reads: [], prepared: [] })).toEqual({
      type: 'decided',
      committed: false,
      result: gone,
    });
    apply(stage);
    run(5, { type: 'put', key: 'other', value: '' }, 4);
    expect(apply(decide([]))).toMatchObject({ type: 'decided', committed: true });
    expect([state.session(session)?.results.get(1), state.cells.get('k')?.value]).toEqual([undefined, 'x']);
    const ended = machine();
    ended.apply(stage);
    ended.apply({ type: 'close', session });
    expect(ended.apply(decide([]))).toMatchObject({ type: 'decided', committed: true });
    expect(ended.digest()).toMatchObject({ cells: 1, sessions: 0, results: 0 });
  });

  it('is prepared once by a participant, and ends there by the entry that prepared it', () => {
    const part = { type: 'prepare', tx, anchor: 3, at: 7, items: own } as const;
    for (const [commit, seq, value] of [
      [true, 2, 'x'],
      [true, 1, undefined],
      [true, 3, undefined],
      [false, 2, undefined],
    ] as const) {
      const { apply, state, digest } = machine();
      expect(apply(part)).toEqual({ type: 'vote', vote: { yes: true, reads: [['r', null, 0]] } });
      expect(apply(part)).toEqual({ type: 'vote', vote: null });
      expect(state.rows.get('prepared', tx)).toEqual({
        kind: 'prepared',
        tx,
        anchor: 3,
        at: 7,
        seq: 2,
        items: own,
        reads: [['r', null, 0]],
      });
      expect(apply({ ...part, tx: '0:1.1:2' })).toMatchObject({ vote: { yes: false, reason: 'conflict' } });
      expect(
        apply({
          type: 'finish',
          ends: [
            ['other', true, 2],
            [tx, commit, seq],
          ],
        }),
      ).toEqual({ type: 'none' });
      expect([state.cells.get('k')?.value, state.rows.size, state.intents.size]).toEqual([value, 0, 0]);
      expect(digest()).toMatchObject({ rows: 0, cells: value === undefined ? 0 : 1 });
    }
  });

  it('is against others by the counter there is and what they add', () => {
    const { apply, run } = machine();
    run(1, { type: 'reset', key: 'c', value: counterMax - 2 });
    const vote = (n: number, key: string, by: number) =>
      apply({ type: 'prepare', tx: `3:1.1:${n}`, anchor: 3, at: 0, items: [{ type: 'incr', key, by }] });
    expect([vote(1, 'c', 1), vote(2, 'c', 1), vote(3, 'c', 1)]).toMatchObject([
      { vote: { yes: true } },
      { vote: { yes: true } },
      { vote: { yes: false, reason: 'conflict' } },
    ]);
    expect([vote(4, 'new', counterMax - 1), vote(5, 'new', 1), vote(6, 'new', 1)]).toMatchObject([
      { vote: { yes: true } },
      { vote: { yes: true } },
      { vote: { yes: false, reason: 'conflict' } },
    ]);
  });
});

describe('what is kept', () => {
  const filled = (units: number) => {
    const one = machine();
    one.run(1, { type: 'incr', key: 'counter', by: 1 });
    one.state.units += units - one.state.heldUnits;
    return one;
  };
  const most = 2 * limits.partitionUnits;
  const growing: TxItem[] = [{ type: 'put', key: 'p', value: '' }];

  it('may come to twice the bound of a partition and no more', () => {
    const put: Operation = { type: 'put', key: 'p', value: '' };
    expect(filled(most).run(2, put)).toMatchObject({ ok: true });
    expect(filled(most + 1).run(2, put)).toEqual(failure('busy', 'the partition is full'));
    for (const item of [...growing, { type: 'get', key: 'p' } as const]) {
      const prepare: Command = { type: 'prepare', tx: 't', anchor: 3, at: 0, items: [item] };
      expect(filled(most).apply(prepare)).toMatchObject({ vote: { yes: true } });
      expect(filled(most + 1).apply(prepare)).toEqual({
        type: 'vote',
        vote: { yes: false, reason: 'too-large', message: 'the partition is full' },
      });
    }
  });

  const withResults = (units: number) => {
    const one = machine();
    (one.state.session(session) as { units: number }).units = units;
    return one;
  };
  it('of a session may come to its bound before it has to acknowledge', () => {
    const asks = (units: number, n: number, first: number, times?: number) =>
      withResults(units).state.hasUnacknowledged(session, n, first, times);
    const bound = limits.sessionUnits;
    expect([asks(bound, 2, 1), asks(bound + 1, 2, 1)]).toEqual([false, true]);
    expect([asks(2 * bound, 2, 1, 2), asks(2 * bound + 1, 2, 1, 2)]).toEqual([false, true]);
    expect([asks(bound + 1, 1, 1), asks(bound + 1, 3, 2), asks(bound + 1, 3, 1)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('of a session may come to twice its bound and no more, but for the result that it waits for', () => {
    const put: Operation = { type: 'put', key: 'p', value: '' };
    const stage = {
      type: 'stage',
      tx: `0:${session}:2`,
      session,
      first: 1,
      at: 0,
      own: growing,
      others: [],
    } as const;
    const bound = 2 * limits.sessionUnits;
    const busy = failure('busy', tooManyResults);
    expect(withResults(bound).run(2, put)).toMatchObject({ ok: true });
    expect(withResults(bound + 1).run(2, put)).toEqual(busy);
    expect(withResults(bound + 1).run(1, put)).toMatchObject({ ok: true });
    expect(withResults(bound + 1).run(2, put, 2)).toMatchObject({ ok: true });
    expect(withResults(bound + 1).run(3, put, 2)).toEqual(busy);
    expect(withResults(bound + 1).run(2, { type: 'delete', key: 'p' })).toMatchObject({ ok: true });
    expect(withResults(bound).apply({ ...stage, n: 2 })).toMatchObject({ type: 'vote', vote: { yes: true } });
    const refused = withResults(bound + 1);
    expect(refused.apply({ ...stage, n: 2 })).toMatchObject({ type: 'decided', committed: false });
    expect(JSON.stringify(refused.state.lookup(session, 2, 1))).toContain(tooManyResults);
  });
});

describe('a checkpoint', () => {
  it('has everything once it was asked for, and then what changes', () => {
    const { state, run } = machine();
    run(1, { type: 'put', key: 'a', value: 'x' });
    state.takeDelta(0, 1);
    state.markFull();
    const all = state.takeDelta(0, 1);
    expect([all?.full, all?.cells.map(([key]) => key), all?.sessions, all?.results.length]).toEqual([
      true,
      ['a'],
      [[session, 1]],
      1,
    ]);
    expect(state.takeDelta(0, 1)).toBeNull();
    run(2, { type: 'put', key: 'b', value: 'x' });
    const more = state.takeDelta(0, 1);
    expect([more?.full, more?.cells.map(([key]) => key)]).toEqual([false, ['b']]);
    state.apply({ epoch: 1, seq: state.seq + 1, command: { type: 'barrier' } });
    expect(state.takeDelta(0, 1)).toMatchObject({ full: false, cells: [], seq: state.seq });
  });
});
