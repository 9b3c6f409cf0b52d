import { beforeEach, describe, expect, test } from 'vitest';
import { applyChange, noChange } from '../../src/core/map/changes.js';
import type { Member } from '../../src/core/map/types.js';
import type { Append, PeerMessage } from '../../src/core/messages.js';
import type { NodeEvent, Ready } from '../../src/core/node.js';
import { defaultTimings, limits } from '../../src/limits.js';
import { clock, config, inSync, mapOf, primary, start, storedBarriers } from './harness.js';

beforeEach(() => {
  clock.now = 1000;
});

const read = (origin: number): NodeEvent => ({
  type: 'request',
  origin,
  request: { type: 'read', p: 0, query: { type: 'get', key: 'k' } },
});

describe('a primary', () => {
  test('promotes itself to a new epoch before it serves', () => {
    const { map, lead } = primary();
    expect(map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n1/sn1', inSync });
    expect(lead.epoch).toBe(2);
  });
  test('has its promise of the epoch on disk before the barrier, and so refuses older primaries after a restart', () => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    expect(node.disk).toMatchObject([
      { type: 'promise', epoch: 2 },
      { type: 'append', entry: { seq: 3, epoch: 2, command: { type: 'barrier' } } },
    ]);
  });
  test('asks a replica for its place once, until it answers or is attached anew', () => {
    const { core, from, sent, lead } = primary();
    const probes = (): number => {
      const found = sent.filter(({ to, message }) => to === 'n2' && message.type === 'append');
      sent.length = 0;
      return found.length;
    };
    probes();
    const stream = lead.streams.get('n2/sn2');
    if (stream === undefined) throw new Error('no stream');
    lead.attach(stream);
    const something: PeerMessage = { type: 'stale', p: 0, promised: 1 };
    from('n3', something);
    expect(probes()).toBe(1);
    for (let i = 0; i < 3; i++) {
      core.touch(core.replicas.get(0) as NonNullable<ReturnType<typeof core.replicas.get>>);
      from('n3', something);
    }
    expect(probes()).toBe(0);
    lead.attach(stream);
    from('n3', something);
    expect(probes()).toBe(1);
  });
  test('hands over to the first of the target that has been in sync for a while, and counts it', () => {
    const node = primary();
    const { partitions, ...rest } = node.map();
    const moved = partitions.map((config) => ({ ...config, target: ['n2', 'n1', 'n3'] }));
    const placement = {
      id: 'x',
      revision: 0,
      cause: 'test',
      copies: [],
      least: 0,
      primaries: 1,
      handovers: 0,
    };
    node.publish({ ...rest, revision: rest.revision + 1, partitions: moved, placement });
    for (let i = 0; i < 20 && node.map().partitions[0]?.epoch === 2; i++) {
      clock.now += 100;
      node.step({ type: 'tick' });
      node.obey('n2');
      node.obey('n3');
    }
    expect(node.map().partitions[0]).toMatchObject({
      epoch: 3,
      primary: 'n2/sn2',
      handover: { from: { node: 'n1', store: 'sn1', incarnation: 1 }, to: 1 },
    });
    expect(node.map().placement?.handovers).toBe(1);
    expect(node.core.replicas.get(0)?.lead).toBeNull();
  });
  test('answers no read once a lease is over, to the millisecond (R11)', () => {
    const { step, replies } = primary();
    clock.now += defaultTimings.leaseMs - 1;
    step(read(1));
    clock.now += 1;
    step(read(2));
    expect(replies.map(({ origin, response }) => [origin, response.ok])).toEqual([
      [1, true],
      [2, false],
    ]);
  });
  test('takes no ack of a beacon sent before the machine slept for a lease (R12)', () => {
    const { step, obey, replies, lead } = primary();
    clock.now += defaultTimings.beaconMs;
    step({ type: 'tick' });
    step({ type: 'suspended' });
    obey('n2');
    obey('n3');
    expect(lead.holdsLeases()).toBe(false);
    step(read(1));
    expect(replies[0]?.response).toMatchObject({ ok: false, code: 'unavailable' });
    clock.now += defaultTimings.beaconMs;
    step({ type: 'tick' });
    obey('n2');
    obey('n3');
    expect(lead.holdsLeases()).toBe(true);
  });
  test('never sends a snapshot to a replica in sync, wherever that claims to differ (R15)', () => {
    const { core, from, sent } = primary();
    const lead = core.replicas.get(0)?.lead;
    const stream = [...(lead?.streams.values() ?? [])].find((s) => s.node === 'n2');
    stream?.attach(99, 2, clock.now);
    sent.length = 0;
    from('n2', { type: 'reject', p: 0, epoch: 2, stream: 99, from: 'n2/sn2', hintSeq: -1, hintEpoch: 0 });
    expect(sent.map(({ message }) => message.type)).not.toContain('snapshot');
  });
  test('commits nothing of earlier epochs, and serves nothing, before its barrier is on all disks (R10)', () => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    clock.now += defaultTimings.graceMs;
    node.step({ type: 'tick' });
    const replica = node.core.replicas.get(0);
    expect(replica?.lead?.barrierSeq).toBe(3);
    const ack = (match: number): void => {
      for (const { node: id, replica: from, id: stream } of replica?.lead?.streams.values() ?? [])
        node.from(id, { type: 'ack', from, acks: [0, 2, stream, match] });
    };
    // What they hold of before may not be all that was committed.
    ack(1);
    ack(2);
    expect([replica?.lead?.serving, replica?.commit]).toEqual([false, 0]);
    ack(3);
    expect([replica?.lead?.serving, replica?.commit]).toEqual([true, 3]);
  });
  test('steps down when it hears that a newer epoch was promised, and says that what waited may have run', () => {
    const { from, step, replies, core, lead } = primary();
    step({ type: 'request', origin: 7, request: { type: 'open', p: 0 } });
    from('n2', { type: 'stale', p: 0, promised: 3 });
    expect(core.replicas.get(0)?.lead).not.toBe(lead);
    expect(replies).toContainEqual({
      origin: 7,
      response: expect.objectContaining({ ok: false, code: 'moved', mayHaveRun: true }),
    });
  });
});

/** Who sends it is primary of the partition, in epoch 1. */
const claim: PeerMessage = {
  type: 'beacon',
  incarnation: 1,
  sentAt: 5,
  revision: 1,
  claims: [0, 1],
  silent: [],
  back: [],
};

describe('a backup', () => {
  test('takes over only when the grace is over since the last beacon it granted (R9)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    const beacon = (): void => node.from('n1', claim);
    beacon();
    clock.now += defaultTimings.graceMs - 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    beacon();
    clock.now += defaultTimings.graceMs - 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += defaultTimings.beaconMs + 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]).toMatchObject({
      epoch: 2,
      primary: 'n2/sn2',
      inSync: ['n2/sn2', 'n3/sn3'],
    });
  });
  test('takes over at once when a refused connect proves the primary gone, if it granted nobody else (R12a)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    node.from('n1', claim);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
  });
  test('takes another store of the node for no proof that the process with the old one has ended', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    node.from('n1', claim);
    // An operator has started the node anew on another disk, twice; the old process still holds the lease.
    const replaced = applyChange(node.map(), {
      ...noChange,
      members: new Map([['n1', { ...(node.map().members.n1 as Member), store: 'other', incarnation: 2 }]]),
    });
    node.publish(replaced);
    clock.now += defaultTimings.graceMs - 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
  });
  test('acks in a new epoch when its promise is on disk, although the entries are already (R1)', () => {
    const { core } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    const append = { p: 0, gen: 1, epoch: 2, stream: 1, prevSeq: 2, prevEpoch: 1, entries: [], commit: 0 };
    const message: PeerMessage = { type: 'append', to: 'n2/sn2', appends: [append] };
    core.step({ type: 'message', from: { node: 'n3', store: 'sn3', incarnation: 1 }, message }, clock.now);
    const acks = (ready: Ready): unknown[] =>
      ready.send.flatMap(({ message: m }) => (m.type === 'ack' ? [m.acks] : []));
    const before = core.ready();
    expect(before.write).toMatchObject([{ type: 'promise', epoch: 2 }]);
    expect(acks(before)).toEqual([]);
    core.step({ type: 'written' }, clock.now);
    expect(acks(core.ready())).toEqual([[0, 2, 1, 2]]);
  });
  test('puts no two snapshots together, although primaries of two nodes may number their streams alike', () => {
    const inEpoch = (epoch: number) =>
      mapOf({ n1: 1, n2: 2, n3: 1 }, epoch, { ...config, epoch, primary: epoch === 2 ? 'n1/sn1' : 'n3/sn3' });
    const node = start('n2', inEpoch(2), [], 2);
    const text = JSON.stringify({ gen: 1, seq: 9, epoch: 2, cells: [], sessions: [], rows: [] });
    const piece = (epoch: number, stream: number, index: number): void =>
      node.from('n3', {
        type: 'snapshot',
        p: 0,
        gen: 1,
        epoch,
        stream,
        to: 'n2/sn2',
        index,
        count: 2,
        chunk: index === 0 ? text.slice(0, 9) : text.slice(9),
      });
    const seq = (): number | undefined => node.core.replicas.get(0)?.machine.seq;
    piece(2, 7, 0);
    node.publish(inEpoch(3));
    piece(3, 7, 1);
    piece(3, 8, 0);
    piece(3, 9, 1);
    expect(seq()).toBe(0);
    piece(3, 8, 1);
    expect(seq()).toBe(9);
  });
  test('after a restart waits out the grace whatever is proven: it may have granted anyone', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), [], 2);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += defaultTimings.graceMs;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.epoch).toBe(2);
  });
  test('that does not fit says where it may still agree, and keeps what the sender may have compacted (R15)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(10), 2);
    node.sent.length = 0;
    const append = { p: 0, gen: 1, epoch: 2, stream: 1, prevSeq: 9, prevEpoch: 2, entries: [], commit: 0 };
    node.from('n3', { type: 'append', to: 'n2/sn2', appends: [append] });
    expect(node.sent[0]?.message).toMatchObject({ type: 'reject', hintSeq: 8, hintEpoch: 1 });
  });
});

describe('a node', () => {
  test('appends to a replica in one message a turn, and in more when that would be long', () => {
    const node = primary();
    const append = (p: number): Append => ({
      p,
      gen: 1,
      epoch: 2,
      stream: 1,
      prevSeq: 9,
      prevEpoch: 2,
      commit: 9,
      entries: [],
    });
    const sent = (): unknown[] =>
      node.core
        .ready()
        .send.flatMap(({ to, message }) =>
          message.type === 'append' ? [[to, message.to, message.appends.map(({ p }) => p)]] : [],
        );
    const half = limits.appendBytes / 2 - 200;
    for (const p of [1, 2, 3]) node.core.append('n2', 'n2/sn2', append(p), half);
    node.core.append('n3', 'n3/sn3', append(4), 3 * half);
    node.core.append('n2', 'n2/sn2', append(5), half);
    node.core.append('n3', 'n3/sn3', append(6), 1);
    expect(sent()).toEqual([
      ['n2', 'n2/sn2', [1, 2]],
      ['n2', 'n2/sn2', [3, 5]],
      ['n3', 'n3/sn3', [4]],
      ['n3', 'n3/sn3', [6]],
    ]);
    node.core.append('n2', 'n2/sn2', append(7), 1);
    expect(sent()).toEqual([['n2', 'n2/sn2', [7]]]);
  });
  test('that finds another process under its name stops at once', () => {
    const node = primary();
    const newer = applyChange(node.map(), {
      ...noChange,
      members: new Map([['n1', { ...(node.map().members.n1 as Member), incarnation: 2 }]]),
    });
    node.step({ type: 'map', map: newer, read: null });
    expect(node.core.superseded).toBe(true);
    node.step(read(1));
    expect(node.replies.at(-1)?.response).toMatchObject({ ok: false, code: 'unavailable' });
  });
  test('whose metastore shows an older map than before serves nothing (R13)', () => {
    const node = primary();
    clock.now += 5000;
    node.core.step({ type: 'tick' }, clock.now);
    const { readMap } = node.core.ready();
    node.core.step({ type: 'map', map: mapOf({ n1: 1, n2: 1, n3: 1 }, 1), read: readMap }, clock.now);
    expect(node.core.metastoreRolledBack).toBe(true);
    expect(node.core.replicas.get(0)?.lead).toBeNull();
  });
  test('checkpoints a barrier too, so that an idle partition does not hold the log', () => {
    const { core } = primary();
    expect(core.takeCheckpoint().deltas).toMatchObject([{ partition: 0, seq: 1, cells: [], sessions: [] }]);
    expect(core.takeCheckpoint().deltas).toEqual([]);
  });
  test('takes a checkpoint in pieces of about so many cells, and goes on where it was', () => {
    const map = mapOf({ n1: 0, n2: 1, n3: 1 });
    const [config] = map.partitions;
    if (config === undefined) throw new Error('no partition');
    const { core } = primary({ ...map, partitions: [config, config, config] });
    const take = (from: number, most: number): unknown => {
      const { deltas, next } = core.takeCheckpoint(from, most);
      return [deltas.map(({ partition }) => partition), next];
    };
    expect(take(0, 2)).toEqual([[0, 1], 2]);
    expect(take(2, 2)).toEqual([[2], null]);
    expect(take(0, 2)).toEqual([[], null]);
  });
  test('checkpoints a partition whole that came from a logged snapshot', () => {
    const cell = { kind: 'counter' as const, value: 7, version: 3 };
    const snapshot = { gen: 1, seq: 5, epoch: 1, cells: [['c', cell]] as const, sessions: [], rows: [] };
    const stored = [{ partition: 0, promised: 1, snapshot, checkpointed: false, entries: [] }];
    const { core } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), stored, 2);
    expect(core.takeCheckpoint().deltas).toMatchObject([{ full: true, cells: [['c', cell]] }]);
  });
});
