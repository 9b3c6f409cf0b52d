import { beforeEach, describe, expect, test } from 'vitest';
import type { PartitionConfig } from '../../../src/core/map/types.js';
import type { ClientRequest } from '../../../src/core/messages.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';
import { limits } from '../../../src/limits.js';
import { answered, clock, mapOf, primary, start, storedBarriers, withPartition } from '../harness.js';
import { ask, entries, get, pass, put, serving, session, stored, write } from '../serving.js';

beforeEach(() => {
  clock.now = 1000;
});

describe('a write', () => {
  test('is answered when all in sync have stored it, once, with its result', () => {
    const node = serving();
    const answer = ask(node, put(1));
    node.obey('n2');
    expect(answer()).toEqual([]);
    node.obey('n3');
    expect(answer()).toMatchObject([{ ok: true, type: 'write', result: { ok: true, version: 3 } }]);
    pass(node, 500);
    expect(answer()).toHaveLength(1);
    expect(ask(node, get())()).toMatchObject([{ ok: true, result: { cell: { value: 'v1' } } }]);
  });

  test('that comes twice is done once, and both are answered, before it is committed and after', () => {
    const node = serving();
    const [first, second] = [ask(node, put(1)), ask(node, put(1))];
    expect(entries(node)).toEqual(['barrier', 'open', 'op']);
    stored(node);
    expect(second()).toEqual(first());
    const third = ask(node, put(1, 'another'));
    expect(third()).toEqual(first());
    expect(entries(node)).toEqual(['barrier', 'open', 'op']);
  });

  test('of a session that is not known, or under a number that cannot be, is refused', () => {
    const node = serving();
    stored(node);
    const codes = (request: ClientRequest): unknown => ask(node, request)()[0];
    expect(codes(write({ type: 'put', key: 'k', value: '' }, 1, 1, '1.99'))).toMatchObject({
      code: 'session-expired',
    });
    expect(codes(put(1 + limits.sessionWindow))).toMatchObject({ code: 'busy' });
    expect(codes(put(limits.sessionWindow))).toBeUndefined();
    stored(node);
    // The client has acknowledged all before 5.
    ask(node, write({ type: 'put', key: 'k', value: '' }, 5, 5));
    stored(node);
    expect(codes(put(4))).toMatchObject({ ok: true, result: { ok: false, code: 'outcome-unknown' } });
  });

  test('of several keys is refused when it is none that a client of ours sends', () => {
    const node = serving();
    const item = { type: 'put', key: 'k', value: '' } as const;
    expect(ask(node, write({ type: 'tx', key: 'k', items: [item, item] }, 1))()).toMatchObject([
      { code: 'bad-message', message: 'a transaction writes k twice' },
    ]);
    expect(entries(node)).toEqual(['barrier', 'open']);
  });

  test('is refused while the cluster is about to stop', () => {
    const node = serving();
    node.step({ type: 'quiesce', ms: 100 });
    for (const request of [put(1), { type: 'open', p: 0 }, { type: 'close', p: 0, session }] as const)
      expect(ask(node, request)()).toMatchObject([
        { code: 'unavailable', message: 'the cluster is about to stop' },
      ]);
    expect(ask(node, get())()).toMatchObject([{ ok: true }]);
    clock.now += 100;
    expect(ask(node, put(1))()).toEqual([]);
  });

  test('is refused while too few are in sync, and what was under way is answered when enough are again (R5)', () => {
    const node = serving();
    const answer = ask(node, put(1));
    node.publish(withPartition(node.map(), { inSync: ['n1/sn1'] }));
    expect(node.core.status()[0]).toMatchObject({ commit: 3, writable: false });
    expect(answer()).toEqual([]);
    expect(ask(node, put(2))()).toMatchObject([
      { code: 'unavailable', message: 'partition 0 has 1 of 3 replicas in sync and needs 2' },
    ]);
    expect(ask(node, get())()).toMatchObject([{ ok: true, result: { cell: { value: 'v1' } } }]);
    node.publish(withPartition(node.map(), { inSync: ['n1/sn1', 'n2/sn2'] }));
    expect(answer()).toMatchObject([{ ok: true, type: 'write' }]);
  });

  test('is refused while too few of those in sync answer', () => {
    const node = serving();
    for (let t = 0; t < node.core.timings.graceMs - limits.tickMs; t += limits.tickMs) {
      clock.now += limits.tickMs;
      node.step({ type: 'tick' });
    }
    expect(node.core.status()[0]).toMatchObject({ writable: true });
    clock.now += limits.tickMs;
    node.step({ type: 'tick' });
    expect(node.core.status()[0]).toMatchObject({ writable: false });
    expect(ask(node, put(1))()).toMatchObject([
      {
        code: 'unavailable',
        message: 'of the replicas of partition 0 in sync only 1 answer, and 2 are needed',
      },
    ]);
    expect(node.map().partitions[0]?.inSync).toHaveLength(3);
  });

  test('is refused when too many wait to be replicated, and taken when they are', () => {
    const node = serving();
    const { tailSeq } = node.core.replicas.get(0)?.log ?? { tailSeq: 0 };
    for (let n = 0; n < limits.pipelineEntries; n++)
      node.core.step({ type: 'request', origin: 0, request: { type: 'open', p: 0 } }, clock.now);
    expect(node.core.replicas.get(0)?.log.tailSeq).toBe(tailSeq + limits.pipelineEntries);
    expect(ask(node, put(1))()).toMatchObject([
      {
        code: 'busy',
        message: `partition 0 has ${limits.pipelineEntries} entries waiting to be replicated`,
      },
    ]);
    for (let i = 0; i < 8; i++) stored(node);
    expect(ask(node, put(1))()).toEqual([]);
  });

  test('that adds is refused when the partition is full; what takes away is not', () => {
    const node = serving();
    ask(node, put(1));
    stored(node);
    const machine = node.core.replicas.get(0)?.machine;
    if (machine === undefined) throw new Error('no replica');
    machine.units += limits.partitionUnits - machine.heldUnits - 400;
    // What waits in the log counts, too: about what it takes beside key and value, and those.
    const beside = 96 + 'k'.length;
    expect(ask(node, put(2, 'x'.repeat(50)))()).toEqual([]);
    const left = 400 - 2 * beside - 50;
    expect(ask(node, put(3, 'x'.repeat(left + 1)))()).toMatchObject([
      { code: 'busy', message: expect.stringContaining('is full') },
    ]);
    expect(ask(node, put(3, 'x'.repeat(left)))()).toEqual([]);
    expect(ask(node, { type: 'open', p: 0 })()).toMatchObject([{ code: 'busy' }]);
    const gone = ask(node, write({ type: 'delete', key: 'k' }, 4));
    stored(node);
    expect(gone()).toMatchObject([{ ok: true, result: { ok: true } }]);
  });
});

describe('a session', () => {
  test('is opened while there is room for it', () => {
    const node = serving();
    const machine = node.core.replicas.get(0)?.machine;
    if (machine === undefined) throw new Error('no replica');
    machine.units += limits.partitionUnits - machine.heldUnits - 63;
    expect(ask(node, { type: 'open', p: 0 })()).toMatchObject([{ code: 'busy' }]);
    machine.units--;
    expect(ask(node, { type: 'open', p: 0 })()).toEqual([]);
  });

  test('with too many results that its client has not acknowledged takes nothing that adds to them', () => {
    const node = serving();
    ask(node, put(1));
    stored(node);
    const machine = node.core.replicas.get(0)?.machine;
    if (machine === undefined) throw new Error('no replica');
    machine.hasUnacknowledged = (of, n, first) => of === session && n === 2 && first === 1;
    expect(ask(node, put(2))()).toMatchObject([{ code: 'busy' }]);
    const op = { type: 'tx', key: 'k', items: [{ type: 'incr', key: 'k', by: 1 }] } as const;
    expect(ask(node, { type: 'tx', session, n: 2, first: 1, op, at: 1 })()).toMatchObject([{ code: 'busy' }]);
    const gone = ask(node, write({ type: 'delete', key: 'k' }, 2));
    stored(node);
    expect(gone()).toMatchObject([{ ok: true, result: { ok: true } }]);
  });

  test('ends when it is closed: nothing more is done for it', () => {
    const node = serving();
    const closed = ask(node, { type: 'close', p: 0, session });
    expect(closed()).toEqual([]);
    stored(node);
    expect(closed()).toEqual([{ ok: true, type: 'close' }]);
    expect(ask(node, put(1))()).toMatchObject([{ code: 'session-expired' }]);
  });

  test('ends when it has not been used for long, and not before', () => {
    const node = serving();
    ask(node, put(1));
    stored(node);
    const expired = (): boolean => entries(node).includes('expire');
    clock.now += limits.sessionIdleMs - 1000;
    pass(node, 100);
    expect(expired()).toBe(false);
    ask(node, put(2));
    stored(node);
    clock.now += limits.sessionIdleMs - 1500;
    pass(node, 1100);
    expect(expired()).toBe(false);
    pass(node, 1500);
    expect(entries(node).filter((type) => type === 'expire')).toHaveLength(1);
    expect(ask(node, put(3))()).toMatchObject([{ code: 'session-expired' }]);
  });
});

describe('a primary that is not ready yet', () => {
  const fresh = (): ReturnType<typeof start> => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    clock.now += node.core.timings.graceMs;
    node.step({ type: 'tick' });
    answered(node);
    expect(node.core.replicas.get(0)?.lead?.serving).toBe(false);
    return node;
  };
  test('keeps requests, and answers them in order when it is', () => {
    const node = fresh();
    const asked = [ask(node, { type: 'open', p: 0 }), ask(node, get()), ask(node, { type: 'open', p: 0 })];
    expect(asked.map((answers) => answers())).toEqual([[], [], []]);
    for (let i = 0; i < 4; i++) stored(node);
    expect(asked.map((answers) => answers().length)).toEqual([1, 1, 1]);
    expect(asked[0]?.()).toMatchObject([{ ok: true, session: '1.4' }]);
    expect(asked[2]?.()).toMatchObject([{ ok: true, session: '1.5' }]);
  });
  test('keeps a single one, too', () => {
    const node = fresh();
    const asked = ask(node, { type: 'open', p: 0 });
    for (let i = 0; i < 4; i++) stored(node);
    expect(asked()).toMatchObject([{ ok: true, type: 'open' }]);
  });
  test('refuses them after a while, and from then on at once', () => {
    const node = fresh();
    const open = ask(node, { type: 'open', p: 0 });
    clock.now += limits.handoverMs - 1;
    node.step({ type: 'tick' });
    expect(open()).toEqual([]);
    clock.now += 1;
    node.step({ type: 'tick' });
    const refusal = { ok: false, code: 'unavailable', message: 'the primary is new and not ready yet' };
    expect(open()).toMatchObject([refusal]);
    for (const request of [get(), { type: 'open', p: 0 }, { type: 'abort', p: 0, tx: '0:1.1:1' }] as const)
      expect(ask(node, request)()).toMatchObject([refusal]);
    // When it is ready at last, what was refused is not done.
    for (let i = 0; i < 4; i++) stored(node);
    expect(node.core.replicas.get(0)?.lead?.serving).toBe(true);
    expect([open().length, entries(node).includes('open')]).toEqual([1, false]);
  });
  test('tells those who wait that it is not the primary any more, and that nothing was done', () => {
    const node = fresh();
    const open = ask(node, { type: 'open', p: 0 });
    node.publish(withPartition(node.map(), { epoch: 5, primary: 'n2/sn2' }));
    expect(open()).toMatchObject([{ ok: false, code: 'moved' }]);
    expect(open()[0]).not.toHaveProperty('mayHaveRun');
  });
});

describe('a primary that is replaced', () => {
  test('says of each request whether it may have been done', () => {
    const node = serving();
    const lock = write({ type: 'acquire', key: 'l', ttl: 60_000, wait: true, permits: 1 }, 1);
    ask(node, lock);
    ask(node, write({ type: 'acquire', key: 'l', ttl: 60_000, wait: true, permits: 1 }, 2));
    stored(node);
    const waits = ask(node, {
      type: 'read',
      p: 0,
      query: { type: 'await', key: 'l', ticket: `${session}.2` },
    });
    expect(waits()).toEqual([]);
    const under = ask(node, put(3));
    node.publish(withPartition(node.map(), { inSync: ['n1/sn1'] }));
    const held = ask(node, put(3));
    expect([under(), held()]).toMatchObject([[], [{ code: 'unavailable' }]]);
    node.publish(
      withPartition(node.map(), { epoch: 5, primary: 'n2/sn2' } satisfies Partial<PartitionConfig>),
    );
    expect(under()).toMatchObject([{ code: 'moved', mayHaveRun: true }]);
    expect(waits()).toMatchObject([{ code: 'moved' }]);
    expect(waits()[0]).not.toHaveProperty('mayHaveRun');
  });
});

describe('a read', () => {
  test('waits for a transaction that writes its key, and for no other', () => {
    const node = serving();
    const prepare = { type: 'tx-prepare', p: 0, tx: '1:1.1:1', anchor: 1, epoch: 1, at: 1 } as const;
    node.from('n2', {
      ...prepare,
      items: [
        { type: 'incr', key: 'k', by: 1 },
        { type: 'get', key: 'r' },
      ],
    });
    stored(node);
    const scan = (prefix: string, kind: 'text' | 'counter' = 'counter'): ClientRequest => ({
      type: 'read',
      p: 0,
      query: { type: 'scan', kind, prefix, after: null, limit: 10 },
    });
    const blocked = [ask(node, get()), ask(node, scan('')), ask(node, scan('k'))];
    for (const request of [get('r'), get('other'), scan('r'), scan('kk')])
      expect(ask(node, request)()).toMatchObject([{ ok: true }]);
    expect(blocked.map((answers) => answers())).toEqual([[], [], []]);
    node.from('n2', { type: 'tx-finish', p: 0, tx: '1:1.1:1', anchor: 1, commit: true, seq: 3 });
    pass(node, 100);
    expect(blocked.map((answers) => answers())).toMatchObject([
      [{ ok: true, result: { cell: { value: 1 } } }],
      [{ ok: true }],
      [{ ok: true }],
    ]);
  });

  test('and a write give up after a while', () => {
    const node = serving();
    const prepare = { type: 'tx-prepare', p: 0, tx: '1:1.1:1', anchor: 1, epoch: 1, at: 1 } as const;
    node.from('n2', { ...prepare, items: [{ type: 'put', key: 'k', value: 'x' }] });
    stored(node);
    const waiting = [ask(node, get()), ask(node, put(1))];
    pass(node, limits.txWaitMs - 25);
    expect(waiting.map((answers) => answers())).toEqual([[], []]);
    pass(node, 50);
    expect(waiting.map((answers) => answers())).toMatchObject([[{ code: 'busy' }], [{ code: 'busy' }]]);
    expect(entries(node)).not.toContain('op');
  });
});

describe('an operator who wants a transaction ended', () => {
  test('is told what it is', () => {
    const node = serving();
    const state = (tx: string): unknown => ask(node, { type: 'abort', p: 0, tx })()[0];
    expect(state('0:1.9:1')).toMatchObject({ ok: true, type: 'abort', state: 'unknown' });
  });
});

describe('what a transaction of several partitions needs to know', () => {
  test('is said only by a primary that certainly is one', () => {
    const node = serving();
    const votes = (): unknown[] => {
      node.sent.length = 0;
      node.from('n2', { type: 'tx-ask', p: 0, tx: '1:1.1:1', anchor: 0, epoch: 1 });
      return entries(node);
    };
    const told = (): number => {
      let count = 0;
      const tell = node.core.tell.bind(node.core);
      node.core.tell = (p, message) => {
        if (message.type === 'tx-vote') count++;
        tell(p, message);
      };
      votes();
      node.core.tell = tell;
      return count;
    };
    expect(told()).toBe(1);
    clock.now += node.core.timings.leaseMs;
    expect(told()).toBe(0);
  });

  test('makes a client that gives up on it wait until it is decided', () => {
    const map = mapOf({ n1: 0, n2: 1, n3: 1 });
    const [config] = map.partitions;
    if (config === undefined) throw new Error('no partition');
    // The other partition has its primary elsewhere, which does not answer.
    const away = { ...config, primary: 'n2/sn2' };
    const node = primary({ ...map, partitions: [config, away] });
    ask(node, { type: 'open', p: 0 });
    stored(node);
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const [mine, other] = [0, 1].map((p) => keys.find((key) => partitionOf(hashKey(key), 2) === p) as string);
    const items = [mine, other].map((key) => ({ type: 'incr' as const, key: key as string, by: 1 }));
    const op = { type: 'tx', key: mine as string, items } as const;
    const answer = ask(node, { type: 'tx', session, n: 1, first: 1, op, at: 1 });
    const resolve = (n: number) => ask(node, write({ type: 'resolve', key: mine as string }, n));
    expect(resolve(1)()).toMatchObject([{ code: 'busy' }]);
    const free = resolve(2);
    expect([answer(), free()]).toEqual([[], []]);
    expect(entries(node).slice(-2)).toEqual(['stage', 'op']);
    expect(ask(node, { type: 'abort', p: 0, tx: `0:${session}:1` })()).toMatchObject([
      { ok: true, state: 'aborting' },
    ]);
    expect(ask(node, { type: 'abort', p: 0, tx: `0:${session}:1` })()).toMatchObject([
      { code: 'busy', message: 'the transaction is about to be decided' },
    ]);
    for (let i = 0; i < 3; i++) stored(node);
    expect(answer()).toMatchObject([{ ok: true, type: 'write' }]);
    expect(ask(node, { type: 'tx', session, n: 1, first: 1, op, at: 1 })()).toEqual(answer());
    expect(
      ask(node, { type: 'tx', session, n: 3, first: 1, op: { ...op, items: [...items, ...items] }, at: 1 })(),
    ).toMatchObject([{ code: 'bad-message' }]);
    const rows = ask(node, { type: 'read', p: 0, query: { type: 'rows', kind: 'tx', after: null } });
    expect(rows()).toMatchObject([{ ok: true, result: { rows: [] } }]);
    const trace = ask(node, { type: 'read', p: 0, query: { type: 'trace', tx: `0:${session}:1` } });
    const came = expect.arrayContaining([expect.objectContaining({ what: 'came', p: 0 })]);
    expect(trace()).toMatchObject([{ ok: true, result: { type: 'trace', events: came } }]);
  });
});
