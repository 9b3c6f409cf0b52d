import { beforeEach, describe, expect, test } from 'vitest';
import type { Copy, Placement } from '../../../src/core/map/types.js';
import type { PeerMessage } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { clock, config, inSync, mapOf, primary, start, withMember, withPartition } from '../harness.js';
import { ask, entries, get, type Node, pass, put, serving, stored } from '../serving.js';

beforeEach(() => {
  clock.now = 1000;
});

const members = (node: Node): readonly string[] => node.map().partitions[0]?.inSync ?? [];

/** Time passes; each of the others answers messages of these types. */
function passWith(
  node: Node,
  ms: number,
  others: Readonly<Record<string, readonly PeerMessage['type'][] | 'all'>>,
): void {
  for (let t = 0; t < ms; t += limits.tickMs) {
    clock.now += limits.tickMs;
    node.step({ type: 'tick' });
    for (const [id, types] of Object.entries(others)) {
      if (types === 'all') node.obey(id);
      else node.obey(id, types);
    }
  }
}

describe('a primary removes from the replicas in sync', () => {
  test('one whose lease has run out, and not before', () => {
    const node = serving();
    const left = node.core.timings.leaseMs - limits.tickMs;
    pass(node, left, ['n2']);
    expect(members(node)).toEqual(inSync);
    pass(node, limits.tickMs, ['n2']);
    expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
    // Only then can what it has not stored be committed.
    const answer = ask(node, put(1));
    node.obey('n2');
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test('one that is proven gone, at once', () => {
    const node = serving();
    const answer = ask(node, put(1));
    node.obey('n2');
    expect(answer()).toEqual([]);
    node.step({ type: 'gone', process: { node: 'n3', store: 'sn3', incarnation: 1 } });
    expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test('one whose node has another store, which then learns everything anew', () => {
    const node = serving();
    ask(node, put(1));
    stored(node);
    node.publish(withMember(node.map(), 'n3', { store: 'new' }));
    expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
    expect([...node.lead.streams.keys()].sort()).toEqual(['n2/sn2', 'n3/new']);
  });

  test('nobody for lack of those who can take writes, before they have had twice the grace', () => {
    const node = serving();
    const { graceMs } = node.core.timings;
    for (const id of ['n2', 'n3'])
      node.step({ type: 'gone', process: { node: id, store: `s${id}`, incarnation: 1 } });
    // One may go at once: two are left. The next one may not.
    passWith(node, 2 * graceMs - limits.tickMs, {});
    expect(members(node)).toEqual(['n1/sn1', 'n3/sn3']);
    passWith(node, limits.tickMs, {});
    expect(members(node)).toEqual(['n1/sn1']);
    expect(ask(node, get())()).toMatchObject([{ ok: true }]);
  });

  test('nobody who only fell silent when it would be left with too few, for it may be the one that is cut off', () => {
    const node = serving();
    passWith(node, 5 * node.core.timings.graceMs, {});
    expect(members(node)).toEqual(inSync);
  });

  test('one that answers, and for long holds up what all others have (R7); it may come back later each time', () => {
    const node = serving();
    const away: number[] = [];
    let n = 0;
    for (let round = 0; round < 4; round++) {
      const answer = ask(node, put(++n));
      const began = clock.now;
      const lagging = { n2: 'all', n3: ['beacon'] } as const;
      while (members(node).length === 3 && clock.now < began + 10_000) passWith(node, limits.tickMs, lagging);
      expect(clock.now - began).toBeGreaterThanOrEqual(limits.lagMs);
      expect(clock.now - began).toBeLessThan(1.5 * limits.lagMs);
      expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
      expect(answer()).toMatchObject([{ ok: true }]);
      expect(node.lead.streams.get('n3/sn3')?.inSyncSince).toBeNull();
      const removed = clock.now;
      while (members(node).length === 2 && clock.now < removed + 60_000) pass(node, limits.tickMs);
      away.push(Math.floor((clock.now - removed) / 1000) * 1000);
    }
    const { lagReturnMs } = limits;
    expect(away).toEqual([lagReturnMs, 2 * lagReturnMs, 3 * lagReturnMs, 3 * lagReturnMs]);
  });

  test('nobody when more are slow than could go: it is their common load, or this primary', () => {
    const node = serving();
    const answer = ask(node, put(1));
    const slow = { n2: ['beacon'], n3: ['beacon'] } as const;
    // Heartbeats claim nothing for a while, so that another may try: whoever answers them has not fallen silent.
    passWith(node, 5 * limits.lagMs, slow);
    expect(members(node)).toEqual(inSync);
    stored(node);
    stored(node);
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test('nobody while commits move, even if there is always one under way', () => {
    const node = serving();
    let n = 0;
    for (let t = 0; t < 3 * limits.lagMs; t += limits.tickMs) {
      ask(node, put(++n));
      clock.now += limits.tickMs;
      node.step({ type: 'tick' });
      expect(node.lead.mayClaim()).toBe(true);
      for (const id of ['n2', 'n3']) node.obey(id);
      for (const stream of node.lead.streams.values()) expect(stream.blockedMs).toBe(0);
    }
    expect(members(node)).toEqual(inSync);
  });

  test('nobody while it cannot commit: for a while it claims nothing, so that another may try, and then it does again', () => {
    const node = serving();
    const { graceMs } = node.core.timings;
    pass(node, limits.tickMs);
    ask(node, put(1));
    const claims: boolean[] = [];
    for (let t = 0; t < 2 * (limits.lagMs + 2 * graceMs); t += 100) {
      claims.push(node.lead.mayClaim());
      clock.now += 100;
      node.step({ type: 'tick' });
    }
    const [on, off] = [limits.lagMs / 100, (2 * graceMs) / 100];
    const round = [...Array.from({ length: on }, () => true), ...Array.from({ length: off }, () => false)];
    expect(claims).toEqual([...round, ...round]);
  });

  test('nobody more than leaves enough to take writes, who may then be one that is kept out', () => {
    const node = serving();
    node.step({ type: 'gone', process: { node: 'n3', store: 'sn3', incarnation: 1 } });
    expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
    expect(node.core.status()[0]).toMatchObject({ writable: true });
    const answer = ask(node, put(1));
    passWith(node, 2 * limits.lagMs, { n2: ['beacon'] });
    expect(members(node)).toEqual(['n1/sn1', 'n2/sn2']);
    expect(answer()).toEqual([]);
  });

  test('nobody who is slow now and then: time in which it keeps up makes good for some', () => {
    const node = serving();
    for (let n = 1; n <= 6; n++) {
      ask(node, put(n));
      passWith(node, limits.lagMs / 2, { n2: 'all', n3: ['beacon'] });
      pass(node, 2.5 * limits.lagMs);
    }
    expect(members(node)).toEqual(inSync);
  });
});

describe('a primary adds', () => {
  const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'] };
  /** n3 is wanted, and has nothing. */
  const withLearner = (): Node => {
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    return node;
  };
  test('a replica that placement wants once it has everything and grants leases', () => {
    const node = withLearner();
    passWith(node, 1000, { n2: 'all', n3: ['beacon'] });
    expect(members(node)).toHaveLength(2);
    passWith(node, 500, { n2: 'all', n3: 'all' });
    expect([...members(node)].sort()).toEqual(inSync);
  });

  test('nobody who was never started', () => {
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 0 }, 1, pair));
    passWith(node, 1000, { n2: 'all' });
    expect([...node.lead.streams.keys()]).toEqual(['n2/sn2']);
    expect(members(node)).toHaveLength(2);
  });

  test('a replica whose acks count from when it is a candidate, and no more when it dies (R8b)', () => {
    const node = withLearner();
    passWith(node, 100, { n2: 'all', n3: ['beacon'] });
    const stream = node.lead.streams.get('n3/sn3');
    // It is near the end, and lacks what is committed.
    node.from('n3', { type: 'ack', from: 'n3/sn3', acks: [0, 2, stream?.id ?? 0, 1] });
    passWith(node, limits.tickMs, { n2: 'all', n3: ['beacon'] });
    expect([members(node).length, stream?.candidate]).toEqual([2, true]);
    const answer = ask(node, put(1));
    passWith(node, 100, { n2: 'all', n3: ['beacon'] });
    expect(answer()).toEqual([]);
    expect(ask(node, get())()).toMatchObject([{ ok: true }]);
    passWith(node, node.core.timings.leaseMs, { n2: 'all' });
    expect([members(node).length, stream?.candidate]).toEqual([2, false]);
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test('retires who is no longer wanted when all who are wanted are in sync', () => {
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1, n4: 1 }));
    node.publish(withPartition(node.map(), { target: ['n1', 'n2', 'n4'], placed: 2 }));
    passWith(node, 2000, { n2: 'all', n3: 'all', n4: ['beacon'] });
    expect(members(node)).toEqual(inSync);
    passWith(node, 2000, { n2: 'all', n3: 'all', n4: 'all' });
    expect([...members(node)].sort()).toEqual(['n1/sn1', 'n2/sn2', 'n4/sn4']);
    expect([...node.lead.streams.keys()].sort()).toEqual(['n2/sn2', 'n4/sn4']);
  });

  test('nothing to the placement that it is no part of itself, and retires nobody then', () => {
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1, n4: 1 }));
    node.step({ type: 'quiesce', ms: 1 });
    node.publish(withPartition(node.map(), { target: ['n4', 'n2', 'n3'], placed: 2 }));
    while (node.map().partitions[0]?.primary === 'n1/sn1') {
      expect(members(node)).toEqual(expect.arrayContaining(inSync));
      passWith(node, limits.tickMs, { n2: 'all', n3: 'all', n4: 'all' });
    }
    expect(node.map().partitions[0]).toMatchObject({ primary: 'n4/sn4', inSync: [...inSync, 'n4/sn4'] });
  });
});

describe('a hand-over', () => {
  const moved = (node: Node): void =>
    node.publish(withPartition(node.map(), { target: ['n2', 'n1', 'n3'], placed: 2 }));
  /** Passes until n1 leads no more; gives how long that took. */
  const handedOverAfter = (node: Node, most = 10_000): number => {
    const began = clock.now;
    while (node.map().partitions[0]?.primary === 'n1/sn1' && clock.now < began + most)
      pass(node, limits.tickMs);
    return clock.now - began;
  };

  test('waits until the first choice has been in sync for a while: long enough for what it may have granted', () => {
    const node = serving();
    moved(node);
    // n2 has been in sync since 1000; its store has started once.
    expect(clock.now).toBeLessThan(1000 + limits.handoverAfterMs);
    handedOverAfter(node);
    expect(clock.now).toBeGreaterThanOrEqual(1000 + limits.handoverAfterMs);
    expect(clock.now).toBeLessThan(1000 + limits.handoverAfterMs + 200);
    expect(node.map().partitions[0]).toMatchObject({ epoch: 3, primary: 'n2/sn2', inSync });

    clock.now = 1000;
    const { graceMs, drift } = node.core.timings;
    const again = primary(mapOf({ n1: 0, n2: 2, n3: 1 }));
    moved(again);
    handedOverAfter(again);
    expect(clock.now).toBeGreaterThanOrEqual(1000 + graceMs * (1 + 2 * drift));
    expect(clock.now).toBeLessThan(1000 + graceMs * (1 + 2 * drift) + 200);
  });

  test('is made to nobody else while this primary is wanted, and to the next best when it is not', () => {
    const node = serving();
    node.publish(withPartition(node.map(), { target: ['n4', 'n1', 'n3'], placed: 2 }));
    expect(handedOverAfter(node, 3000)).toBe(3000);
    node.publish(withPartition(withMember(node.map(), 'n2', {}), { target: ['n4', 'n2', 'n3'], placed: 3 }));
    expect(handedOverAfter(node, 3000)).toBeLessThan(1000);
    expect(node.map().partitions[0]?.primary).toBe('n2/sn2');
  });

  test('is made to another when the first choice does not get on', () => {
    const pair = { ...config, inSync: ['n1/sn1', 'n3/sn3'], target: ['n1', 'n3'] };
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    node.publish(withPartition(node.map(), { target: ['n2', 'n3'], placed: 2 }));
    const others = { n2: ['beacon'], n3: 'all' } as const;
    // n2 is on its way, as far as anybody knows.
    passWith(node, node.core.timings.resendMs - limits.tickMs, others);
    expect(node.map().partitions[0]?.primary).toBe('n1/sn1');
    passWith(node, 1000, others);
    expect(node.map().partitions[0]?.primary).toBe('n3/sn3');
  });

  test('refuses what comes when it has taken too long already', () => {
    const node = serving();
    moved(node);
    ask(node, put(1));
    passWith(node, limits.handoverAfterMs, { n2: 'all', n3: ['beacon'] });
    expect(node.lead.yielding).toBe(true);
    clock.now += limits.handoverMs;
    expect(ask(node, put(2))()).toMatchObject([
      { code: 'unavailable', message: 'the partition is being handed over to another primary' },
    ]);
  });

  test('keeps new requests until it is published, and answers reads meanwhile', () => {
    const node = serving();
    moved(node);
    const under = ask(node, put(1));
    // n3 is slow to store: what was taken in before is not committed yet.
    passWith(node, limits.handoverAfterMs, { n2: 'all', n3: ['beacon'] });
    expect(node.lead.yielding).toBe(true);
    const later = ask(node, put(2));
    expect([under(), later()]).toEqual([[], []]);
    expect(ask(node, get())()).toMatchObject([{ ok: true, result: { cell: null } }]);
    expect(entries(node)).toEqual(['barrier', 'open', 'op']);
    pass(node, 100);
    expect(under()).toMatchObject([{ ok: true }]);
    expect(node.map().partitions[0]?.primary).toBe('n2/sn2');
    expect(later()).toMatchObject([{ code: 'moved' }]);
    expect(later()[0]).not.toHaveProperty('mayHaveRun');
  });

  test('that cannot be drained is given up, and what was kept is done', () => {
    const node = serving();
    moved(node);
    ask(node, put(1));
    passWith(node, limits.handoverAfterMs, { n2: 'all', n3: ['beacon'] });
    const later = ask(node, put(2));
    expect([node.lead.yielding, node.lead.draining]).toEqual([true, false]);
    passWith(node, limits.handoverMs, { n2: 'all', n3: ['beacon'] });
    expect(node.lead.yielding).toBe(false);
    expect(entries(node)).toEqual(['barrier', 'open', 'op', 'op']);
    pass(node, 100);
    expect(later()).toMatchObject([{ ok: true }]);
    expect(node.map().partitions[0]?.primary).toBe('n1/sn1');
    // It is tried again, but not at once.
    expect(handedOverAfter(node)).toBeGreaterThan(limits.handoverMs / 2);
    expect(node.map().partitions[0]?.primary).toBe('n2/sn2');
  });

  test('is not begun while the cluster is about to stop, or while too few are in sync', () => {
    const node = serving();
    moved(node);
    node.step({ type: 'quiesce', ms: 2000 });
    expect(handedOverAfter(node, 1900)).toBe(1900);
    expect(node.lead.yielding).toBe(false);
    expect(handedOverAfter(node, 1000)).toBeLessThan(1000);
  });
});

describe('the progress of a placement', () => {
  const placement = (copies: readonly Copy[], handovers = 1): Placement => ({
    id: 'x',
    revision: 1,
    cause: 'test',
    copies,
    least: 0,
    primaries: 1,
    handovers,
  });
  const copy = (to: string, sent: number | null = null): Copy => ({
    p: 0,
    to,
    from: null,
    planned: null,
    sent,
  });

  test('counts a hand-over once, whatever its epoch publishes later', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    const from = { node: 'n1', store: 'sn1', incarnation: 1 };
    const next = withPartition(node.map(), { epoch: 2, primary: 'n2/sn2', handover: { from, to: 1 } });
    node.publish({ ...next, placement: placement([]) });
    for (let i = 0; i < 3; i++) for (const id of ['n1', 'n3']) node.obey(id);
    expect(node.core.replicas.get(0)?.lead?.serving).toBe(true);
    node.step({ type: 'gone', process: { node: 'n3', store: 'sn3', incarnation: 1 } });
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, inSync: ['n1/sn1', 'n2/sn2'] });
    expect(node.map().placement?.handovers).toBe(1);
  });

  test('tells of each copy how much was sent for it, when it is in sync', () => {
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'], target: ['n1', 'n2'] };
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    ask(node, put(1, 'x'.repeat(100)));
    pass(node, 100, ['n2']);
    const copies = [copy('n3'), copy('n4'), copy('n2', 5), { ...copy('n3'), p: 1 }];
    const wanted = withPartition(node.map(), { target: ['n1', 'n2', 'n3'], placed: 2 });
    node.publish({ ...wanted, placement: placement(copies, 0) });
    pass(node, 1000);
    expect([...members(node)].sort()).toEqual(inSync);
    const { placement: after } = node.map();
    expect(after?.handovers).toBe(0);
    expect(after?.copies.slice(1)).toEqual(copies.slice(1));
    // It had everything already, so nothing had to be copied.
    expect(after?.copies[0]).toMatchObject({ to: 'n3', sent: 0 });
  });
});
