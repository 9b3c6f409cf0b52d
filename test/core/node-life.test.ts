import { beforeEach, describe, expect, test } from 'vitest';
import type { ClusterMap, Member } from '../../src/core/map/types.js';
import { defaultTimings } from '../../src/limits.js';
import {
  bare,
  beacon,
  clock,
  config,
  from,
  mapOf,
  primary,
  start,
  withMember,
  withPartition,
} from './harness.js';

beforeEach(() => {
  clock.now = 1000;
});

describe('a node that has just started', () => {
  test('answers requests that it cannot serve yet, and hears no message, before it has a map', () => {
    const { core, step } = bare();
    expect([core.revision, core.registered]).toEqual([0, false]);
    expect(() => core.map).toThrow('no cluster map yet');
    const ready = step({ type: 'request', origin: 4, request: { type: 'open', p: 0 } });
    expect(ready.reply).toMatchObject([
      { origin: 4, response: { ok: false, code: 'unavailable', revision: 0 } },
    ]);
    expect(ready.readMap).toBe(1);
    expect(step(from('n1', beacon())).send).toEqual([]);
  });

  test('reads the map until there is one, one read at a time', () => {
    const { core, step } = bare();
    expect(step({ type: 'tick' }).readMap).toBe(1);
    expect(step({ type: 'tick' }).readMap).toBeNull();
    expect(step({ type: 'map', map: null, read: 1 }).readMap).toBe(2);
    expect(step({ type: 'map-unreadable' }).readMap).toBeNull();
    expect(step({ type: 'tick' }).readMap).toBe(3);
    expect(step({ type: 'map', map: mapOf({ n1: 1, n2: 1, n3: 1 }), read: 3 }).readMap).toBeNull();
    expect([core.revision, core.reads]).toEqual([1, 3]);
    // From then on it looks for itself now and then.
    clock.now += defaultTimings.graceMs - 1;
    expect(step({ type: 'tick' }).readMap).toBeNull();
    clock.now += 1;
    expect(step({ type: 'tick' }).readMap).toBe(4);
  });

  test('publishes its own process before anything else, and takes part only then', () => {
    const { core, step } = bare('n2', 3);
    step({ type: 'tick' });
    const ready = step({ type: 'map', map: mapOf({ n1: 1, n2: 2, n3: 1 }), read: 1 });
    expect(ready.publish).toMatchObject({
      expected: 1,
      map: { revision: 2, members: { n2: { store: 'sn2', incarnation: 3, url: 'ws://127.0.0.1/x' } } },
    });
    expect(core.registered).toBe(false);
    step({ type: 'published', outcome: 'ok' });
    expect(core.registered).toBe(true);
  });

  test('makes no copy of a partition that it is not named for', () => {
    const elsewhere = { ...config, inSync: ['n1/sn1', 'n3/sn3'], target: ['n1', 'n3'] };
    const targeted = { ...config, inSync: ['n1/sn1'], target: ['n1', 'n2'] };
    const held = { ...config, inSync: ['n1/sn1', 'n2/sn2'], target: ['n1', 'n3'] };
    const map = { ...mapOf({ n1: 1, n2: 1, n3: 1 }), partitions: [elsewhere, targeted, held] };
    const { core } = start('n2', map);
    expect(core.status().map(({ partition, role }) => [partition, role])).toEqual([
      [1, 'learner'],
      [2, 'backup'],
    ]);
  });
});

describe('a node whose place in the map is another’s', () => {
  const map = mapOf({ n1: 1, n2: 1, n3: 1 });
  const seen = (incarnation: number, change: Partial<Member> | null) => {
    const node = start('n2', map, [], incarnation);
    node.publish(withMember(node.map(), 'n2', change));
    return [node.core.superseded, node.core.left, node.core.stopped];
  };
  test('stops when a later start of its store is there, or another store', () => {
    expect(seen(1, { incarnation: 2 })).toEqual([true, false, true]);
    expect(seen(1, { store: 'other' })).toEqual([true, false, true]);
    expect(seen(1, { weight: 2 })).toEqual([false, false, false]);
    // The map may show an earlier start of this store for a while.
    expect(seen(2, { incarnation: 1 })).toEqual([false, false, false]);
  });
  test('stops when it has left', () => {
    expect(seen(1, null)).toEqual([false, true, true]);
  });
  test('takes a store that the map does not know yet for its own new one', () => {
    const { core, step } = bare('n2');
    step({ type: 'tick' });
    const other = withMember(map, 'n2', { store: 'before', incarnation: 7 });
    expect(step({ type: 'map', map: other, read: 1 }).publish?.map.members.n2).toMatchObject({
      store: 'sn2',
      incarnation: 1,
    });
    expect(core.superseded).toBe(false);
  });
  test('does nothing more once it has stopped, but says so to whoever asks', () => {
    const node = primary();
    node.step({ type: 'stop' });
    expect([node.core.stopped, node.core.status()[0]?.role]).toEqual([true, 'backup']);
    node.sent.length = 0;
    node.replies.length = 0;
    node.from('n2', beacon());
    clock.now += 10_000;
    node.step({ type: 'tick' });
    node.step({ type: 'request', origin: 1, request: { type: 'open', p: 0 } });
    expect(node.sent).toEqual([]);
    expect(node.replies).toMatchObject([
      { response: { code: 'unavailable', message: 'the node is stopping' } },
    ]);
  });
});

describe('the metastore', () => {
  const readOf = (node: ReturnType<typeof start>, map: ClusterMap): void => {
    clock.now += defaultTimings.graceMs;
    node.core.step({ type: 'tick' }, clock.now);
    const { readMap } = node.core.ready();
    expect(readMap).not.toBeNull();
    node.core.step({ type: 'map', map, read: readMap }, clock.now);
  };
  test('that shows an older map is believed again when it shows the one known', () => {
    const node = primary();
    const newest = node.map();
    readOf(node, mapOf({ n1: 1, n2: 1, n3: 1 }));
    expect([node.core.metastoreRolledBack, node.core.replicas.get(0)?.rolledBack]).toEqual([true, true]);
    readOf(node, newest);
    expect([node.core.metastoreRolledBack, node.core.replicas.get(0)?.rolledBack]).toEqual([false, false]);
  });
  test('whose newest map is older than what was promised is not believed at the second read (R13)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    const replica = node.core.replicas.get(0);
    replica?.promise(5);
    readOf(node, node.map());
    // It is asked again: the primary of epoch 5 may be about to be in the map.
    expect([replica?.rolledBack, node.core.ready().readMap !== null]).toEqual([false, true]);
    node.core.step({ type: 'map', map: node.map(), read: node.core.reads }, clock.now);
    expect(replica?.rolledBack).toBe(true);
    node.core.step({ type: 'map', map: withPartition(node.map(), { epoch: 5 }), read: null }, clock.now);
    expect(replica?.rolledBack).toBe(true);
    readOf(node, withPartition(node.map(), { epoch: 5 }));
    expect(replica?.rolledBack).toBe(false);
  });
  test('shows nothing by a read that was begun before', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    clock.now += defaultTimings.graceMs;
    node.core.step({ type: 'tick' }, clock.now);
    const { readMap } = node.core.ready();
    const old = node.map();
    node.core.step({ type: 'map', map: withPartition(old, {}), read: null }, clock.now);
    node.core.step({ type: 'map', map: old, read: readMap }, clock.now);
    expect([node.core.metastoreRolledBack, node.core.revision]).toEqual([false, old.revision + 1]);
  });
});

describe('what a node publishes', () => {
  test('waits while the cluster is about to stop', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    node.step({ type: 'quiesce', ms: 500 });
    expect(node.core.quiesced).toBe(true);
    clock.now += 499;
    expect(node.core.quiesced).toBe(true);
    node.step({ type: 'tick' });
    expect(node.core.quiesced).toBe(true);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(node.core.quiesced).toBe(false);
  });

  test('is tried again on the newer map after a conflict, and only then', () => {
    const { core, step } = bare('n2', 2);
    step({ type: 'tick' });
    const map = mapOf({ n1: 1, n2: 1, n3: 1 });
    expect(step({ type: 'map', map, read: 1 }).publish?.expected).toBe(1);
    const ready = step({ type: 'published', outcome: 'conflict' });
    expect([ready.publish, ready.readMap]).toEqual([null, 2]);
    expect(step({ type: 'tick' }).publish).toBeNull();
    const newer = withPartition(map, {});
    expect(step({ type: 'map', map: newer, read: 2 }).publish).toMatchObject({
      expected: 2,
      map: { revision: 3, members: { n2: { incarnation: 2 } } },
    });
    step({ type: 'published', outcome: 'ok' });
    expect([core.registered, core.revision]).toEqual([true, 3]);
  });
});

describe('a checkpoint', () => {
  test('that failed is taken whole the next time', () => {
    const node = primary();
    const first = node.core.takeCheckpoint();
    expect(first.deltas).toMatchObject([{ partition: 0, full: true }]);
    node.step({ type: 'request', origin: 1, request: { type: 'open', p: 0 } });
    node.obey('n2');
    node.obey('n3');
    const second = node.core.takeCheckpoint();
    expect(second.deltas).toMatchObject([{ full: false, sessions: [['1.2', 1]] }]);
    expect(node.core.takeCheckpoint().deltas).toEqual([]);
    node.core.checkpointFailed(second.deltas);
    expect(node.core.takeCheckpoint().deltas).toMatchObject([{ full: true, sessions: [['1.2', 1]] }]);
  });
});

describe('status', () => {
  test('says of each replica what it does and how far it is', () => {
    const node = primary();
    const session = '1.2' as const;
    node.step({ type: 'request', origin: 1, request: { type: 'open', p: 0 } });
    for (const id of ['n2', 'n3']) node.obey(id);
    const op = { type: 'put', key: 'key', value: 'value' } as const;
    node.step({ type: 'request', origin: 2, request: { type: 'write', session, n: 1, first: 1, op } });
    for (const id of ['n2', 'n3']) node.obey(id);
    const lock = { type: 'acquire', key: 'l', ttl: 1000, wait: false, permits: 1 } as const;
    node.step({ type: 'request', origin: 3, request: { type: 'write', session, n: 2, first: 1, op: lock } });
    expect(node.core.status()).toEqual([
      {
        partition: 0,
        role: 'primary',
        epoch: 2,
        serving: true,
        writable: true,
        tail: 4,
        commit: 3,
        keys: 1,
        units: 8,
        rows: 0,
        divergedAt: null,
      },
    ]);
    clock.now += defaultTimings.leaseMs;
    expect(node.core.status()[0]).toMatchObject({ serving: true });
    node.step({ type: 'tick' });
    expect(node.core.status()[0]).toMatchObject({ serving: false, writable: true });
  });
});
