import { beforeEach, describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../src/core/machine/digest.js';
import { SnapshotWriter } from '../../src/core/machine/pieces.js';
import { applyChange, noChange } from '../../src/core/map/changes.js';
import type { Member } from '../../src/core/map/types.js';
import type { PeerMessage } from '../../src/core/messages.js';
import type { Ready } from '../../src/core/node.js';
import { defaultTimings } from '../../src/limits.js';
import { answered, clock, config, mapOf, primary, start, storedBarriers } from './harness.js';

beforeEach(() => {
  clock.now = 1000;
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

describe('a primary', () => {
  test('has its promise of the epoch on disk before the barrier, and so refuses older primaries after a restart', () => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    answered(node);
    expect(node.disk).toMatchObject([
      { type: 'promise', epoch: 2 },
      { type: 'append', entry: { seq: 3, epoch: 2, command: { type: 'barrier' } } },
    ]);
  });

  test('steps down for a primary of a later epoch that appends, and stores what that sends', () => {
    const { core, from, lead } = primary();
    const prevChain = core.replicas.get(0)?.log.chainAt(1) as number;
    const link = { p: 0, gen: 1, stream: 1, prevSeq: 1, prevEpoch: 2, prevChain, commit: 0, counted: true };
    const append = (epoch: number): void => {
      const appends = [
        { ...link, epoch, digest: '', entries: [{ epoch, command: { type: 'barrier' as const } }] },
      ];
      from('n2', { type: 'append', to: 'n1/sn1', incarnation: 1, appends });
    };
    append(2);
    expect([core.replicas.get(0)?.lead === lead, core.replicas.get(0)?.log.tailSeq]).toEqual([true, 1]);
    append(3);
    expect([core.replicas.get(0)?.lead, core.replicas.get(0)?.log.end]).toEqual([null, { epoch: 3, seq: 2 }]);
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

  test('commits nothing of earlier epochs, and serves nothing, before its barrier is on all disks (R10)', () => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    clock.now += defaultTimings.graceMs;
    node.step({ type: 'tick' });
    answered(node);
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
});

describe('a backup', () => {
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
    node.obey('n3');
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
  });

  test('acks in a new epoch when its promise is on disk, although the entries are already (R1)', () => {
    const { core } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    const prevChain = core.replicas.get(0)?.log.chainAt(2) as number;
    const link = { p: 0, gen: 1, epoch: 2, stream: 1, prevSeq: 2, prevEpoch: 1, prevChain, commit: 0 };
    const append = { ...link, counted: true, digest: '', entries: [] };
    const message: PeerMessage = { type: 'append', to: 'n2/sn2', incarnation: 2, appends: [append] };
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
    const text = new SnapshotWriter(sealed({ ...emptySnapshot(1), seq: 9, epoch: 2 })).next(1e6).chunk;
    const piece = (epoch: number, stream: number, index: number): void =>
      node.from('n3', {
        type: 'snapshot',
        p: 0,
        gen: 1,
        epoch,
        stream,
        to: 'n2/sn2',
        index,
        last: index === 1,
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
});

describe('a node', () => {
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
});
