import { beforeEach, describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../../src/core/machine/digest.js';
import { SnapshotWriter } from '../../../src/core/machine/pieces.js';
import type { Append, PeerMessage } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { beacon, clock, config, mapOf, start, storedBarriers, withPartition } from '../harness.js';
import { acks, append, barrier, epochs, later, map, type Node, put, replicaOf, said } from './appending.js';

beforeEach(() => {
  clock.now = 1000;
});

describe('a backup', () => {
  test('stores what it is sent, acknowledges it, and applies what is committed', () => {
    const node = start('n2', map);
    append(node, 0, [barrier, { type: 'open', gen: 1 }, put(1)]);
    expect(acks(node)).toEqual([[0, 1, 1, 3]]);
    expect(replicaOf(node)).toMatchObject({ commit: 0, durable: 3 });
    append(node, 3, [put(2)], { commit: 9 });
    // No further than it holds itself.
    expect(replicaOf(node)).toMatchObject({ commit: 4, durable: 4 });
    append(node, 4, [], { commit: 3 });
    expect(replicaOf(node).commit).toBe(4);
    expect(acks(node)).toEqual([
      [0, 1, 1, 4],
      [0, 1, 1, 4],
    ]);
  });

  test('acknowledges once everything that it speaks of is on disk, and the newest of one stream', () => {
    const node = start('n2', map);
    const { core } = node;
    const message = (prevSeq: number, count: number): void => {
      const { log } = replicaOf(node);
      const one: Append = {
        p: 0,
        gen: 1,
        epoch: 1,
        stream: 1,
        prevSeq,
        prevEpoch: log.epochAt(prevSeq) ?? 0,
        prevChain: log.chainAt(prevSeq) ?? 0,
        commit: 0,
        counted: true,
        digest: '',
        entries: Array.from({ length: count }, () => ({ epoch: 1, command: barrier })),
      };
      const appends: PeerMessage = { type: 'append', to: 'n2/sn2', incarnation: 1, appends: [one] };
      core.step(
        { type: 'message', from: { node: 'n1', store: 'sn1', incarnation: 1 }, message: appends },
        clock.now,
      );
    };
    const sent = () => core.ready().send.flatMap(({ message: m }) => (m.type === 'ack' ? [m.acks] : []));
    message(0, 2);
    expect(core.ready().write).toHaveLength(2);
    message(2, 1);
    expect(sent()).toEqual([]);
    core.step({ type: 'written' }, clock.now);
    // The first batch is there; the second is on its way.
    expect(sent()).toEqual([]);
    core.step({ type: 'written' }, clock.now);
    expect(sent()).toEqual([[0, 1, 1, 3]]);
  });

  test('keeps what it has, and replaces what another primary has otherwise', () => {
    const node = start('n2', later, storedBarriers(4), 1);
    append(node, 1, [barrier, barrier], {});
    expect(epochs(node)).toEqual([1, 1, 1, 1]);
    append(node, 2, [barrier], { epoch: 2 });
    expect(epochs(node)).toEqual([1, 1, 2]);
    expect(replicaOf(node).durable).toBe(3);
    expect(node.disk.at(-1)).toMatchObject({ type: 'append', entry: { seq: 3, epoch: 2 } });
  });

  test('cuts nothing that is committed', () => {
    const node = start('n2', later, storedBarriers(3), 1);
    append(node, 3, [], { commit: 3 });
    expect(replicaOf(node).commit).toBe(3);
    append(node, 1, [barrier, barrier, barrier], { epoch: 2, prevEpoch: 1 });
    expect(epochs(node)).toEqual([1, 1, 1, 2]);
  });

  test('says where it may still agree with a primary whose entries do not fit', () => {
    const node = start('n2', later, storedBarriers(3), 1);
    append(node, 7, [barrier]);
    expect(said(node, 'reject')).toMatchObject([
      { p: 0, epoch: 1, stream: 1, from: 'n2/sn2', hintSeq: 3, hintEpoch: 1, tailSeq: 3, tailEpoch: 1 },
    ]);
    append(node, 3, [barrier], { epoch: 3, prevEpoch: 2 });
    expect(said(node, 'reject')).toMatchObject([{ hintSeq: 2, hintEpoch: 1 }]);
    // Its own entries are of a later epoch than that: none of them can be the sender's.
    append(node, 3, [barrier, barrier], { epoch: 5, prevEpoch: 1 });
    append(node, 5, [barrier], { epoch: 6, prevEpoch: 4 });
    expect(said(node, 'reject')).toMatchObject([{ hintSeq: 3, hintEpoch: 1, tailSeq: 5, tailEpoch: 5 }]);
    append(node, 4, [], { epoch: 6, prevEpoch: 5, commit: 4 });
    append(node, 5, [], { epoch: 6, prevEpoch: 4 });
    expect(said(node, 'reject')).toMatchObject([{ hintSeq: 4 }]);
    expect(replicaOf(node).log.tailSeq).toBe(5);
  });

  test('tells a primary whose epoch is over what it has promised', () => {
    const node = start('n2', later, storedBarriers(1), 1);
    append(node, 1, [barrier], { epoch: 4 }, 'n3');
    node.sent.length = 0;
    append(node, 2, [barrier], { epoch: 3 });
    expect(said(node, 'stale')).toEqual([{ type: 'stale', p: 0, promised: 4 }]);
    expect(epochs(node)).toEqual([1, 4]);
    append(node, 2, [barrier], { epoch: 4 }, 'n3');
    expect(epochs(node)).toEqual([1, 4, 4]);
  });

  test('takes nothing that is meant for another store or an earlier generation', () => {
    const node = start('n2', withPartition(map, { gen: 2 }));
    const to = (replica: string): void => {
      const one = { p: 0, gen: 2, epoch: 1, stream: 1, prevSeq: 0, prevEpoch: 0, prevChain: 0, commit: 0 };
      const appends = [{ ...one, counted: true, digest: '', entries: [{ epoch: 1, command: barrier }] }];
      node.from('n1', { type: 'append', to: replica, incarnation: 1, appends });
    };
    to('n2/other');
    append(node, 0, [barrier], { gen: 1 });
    node.from('n1', { type: 'append', to: 'n2/sn2', incarnation: 2, appends: [] });
    expect(epochs(node)).toEqual([]);
    to('n2/sn2');
    expect(epochs(node)).toEqual([1]);
    // A later generation begins anew.
    append(node, 0, [barrier, barrier], { gen: 3, prevEpoch: 0, prevChain: 0 });
    expect([epochs(node), replicaOf(node).machine.gen]).toEqual([[1, 1], 3]);
  });

  test('reads the map when a primary of a later epoch than it knows appends', () => {
    const node = start('n2', map);
    const reads = node.core.reads;
    append(node, 0, [barrier]);
    expect(node.core.reads).toBe(reads);
    append(node, 1, [barrier], { epoch: 2 });
    expect(node.core.reads).toBeGreaterThan(reads);
  });

  test('tells whoever asks how far its log goes', () => {
    const node = start('n2', later, storedBarriers(3), 1);
    const ask = (to: string): void => node.from('n3', { type: 'tail-ask', p: 0, to, question: 8 });
    node.sent.length = 0;
    ask('n2/other');
    ask('n2/sn2');
    expect(node.sent.filter(({ message }) => message.type === 'tail')).toEqual([
      { to: 'n3', message: { type: 'tail', p: 0, from: 'n2/sn2', question: 8, epoch: 1, seq: 3 } },
    ]);
  });
});

describe('a lease', () => {
  const granted = (node: Node, epoch: number): boolean => {
    node.sent.length = 0;
    node.from('n1', beacon({ claims: [0, epoch], revision: node.core.revision }));
    const [ack] = said(node, 'beacon-ack');
    return ack?.type === 'beacon-ack' && ack.denied.length === 0;
  };
  test('is granted for the newest epoch alone', () => {
    const node = start('n2', withPartition(map, { epoch: 3 }));
    expect([granted(node, 2), granted(node, 3), granted(node, 4)]).toEqual([false, true, true]);
    replicaOf(node).promise(5);
    expect([granted(node, 4), granted(node, 5)]).toEqual([false, true]);
  });
  test('is granted to nobody while the map is not to be believed', () => {
    const node = start('n2', map);
    replicaOf(node).rolledBack = true;
    expect(granted(node, 1)).toBe(false);
    expect(replicaOf(node).wants()).toBeNull();
    append(node, 0, [barrier]);
    expect(epochs(node)).toEqual([]);
  });
  test('is not granted, and nothing is stored, for the epoch that this replica has asked to end', () => {
    const node = start('n2', map);
    const replica = replicaOf(node);
    replica.asked({ ...config, epoch: 2, primary: 'n2/sn2' });
    expect([granted(node, 1), granted(node, 2)]).toEqual([false, true]);
    append(node, 0, [barrier]);
    expect([epochs(node), acks(node)]).toEqual([[], []]);
    replica.settled();
    append(node, 0, [barrier]);
    expect([granted(node, 1), epochs(node)]).toEqual([true, [1]]);
  });
  test('that was granted ends when its holder hands over', () => {
    const node = start('n2', map);
    expect(granted(node, 1)).toBe(true);
    expect(replicaOf(node).graceIsOver()).toBe(false);
    const from = { node: 'n1', store: 'sn1', incarnation: 1 };
    node.publish(withPartition(node.map(), { epoch: 2, primary: 'n3/sn3', handover: { from, to: 1 } }));
    expect(replicaOf(node).graceIsOver()).toBe(true);
  });
});

describe('who takes over', () => {
  /** n2 or n3, which hears the others, after their primary n1 was last heard. */
  const ready = (node: string, target = ['n1', 'n2', 'n3']): Node => {
    const started = start(node, withPartition(mapOf({ n1: 1, n2: 1, n3: 1 }), { target }));
    const other = node === 'n2' ? 'n3' : 'n2';
    for (let i = 0; i < 8; i++) {
      clock.now += 500;
      started.from('n1', beacon({ claims: [0, 1], revision: started.core.revision }));
      started.core.probe();
      started.step({ type: 'tick' });
      started.obey(other);
    }
    started.from('n1', beacon({ claims: [0, 1], revision: started.core.revision }));
    return started;
  };
  /** How long after the last heartbeat of n1 it leads, in ms. */
  const takesOverAfter = (node: Node, other: string): number => {
    const began = clock.now;
    while (node.map().partitions[0]?.epoch === 1 && clock.now < began + 10_000) {
      clock.now += 5;
      node.step({ type: 'tick' });
      node.obey(other);
    }
    return clock.now - began;
  };
  test('is who is first in the order of placement, after the grace; the others wait for it a little', () => {
    const { graceMs, beaconMs } = ready('n2').core.timings;
    const first = takesOverAfter(ready('n2'), 'n3');
    expect(first).toBeGreaterThanOrEqual(graceMs);
    expect(first).toBeLessThanOrEqual(graceMs + beaconMs / 2 + 50);
    const second = takesOverAfter(ready('n3'), 'n2');
    expect(second).toBeGreaterThanOrEqual(graceMs + beaconMs / 2);
    expect(second).toBeLessThanOrEqual(graceMs + beaconMs + 50);
    const other = takesOverAfter(ready('n3', ['n1', 'n3', 'n2']), 'n2');
    expect(other).toBeLessThanOrEqual(graceMs + beaconMs / 2 + 50);
  });
  test('does so at once when the primary is proven gone, in that order', () => {
    const gone = { type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } } as const;
    const first = ready('n2');
    first.step(gone);
    expect(first.map().partitions[0]).toMatchObject({ epoch: 2, inSync: ['n2/sn2', 'n3/sn3'] });
    const second = ready('n3');
    second.step(gone);
    expect(second.map().partitions[0]?.epoch).toBe(1);
    const { beaconMs } = second.core.timings;
    const after = takesOverAfter(second, 'n2');
    expect(after).toBeGreaterThanOrEqual(beaconMs / 4);
    expect(after).toBeLessThanOrEqual(beaconMs / 4 + 10);
  });
  test('is nobody who is not in sync', () => {
    const node = start('n2', withPartition(mapOf({ n1: 1, n2: 1, n3: 1 }), { inSync: ['n1/sn1', 'n3/sn3'] }));
    expect(takesOverAfter(node, 'n3')).toBe(10_000);
  });
  test('is nobody whose own disk hangs', () => {
    const node = ready('n2');
    node.core.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } }, clock.now);
    const slow = Object.defineProperty(node.core, 'isDiskSlow', { get: () => true });
    expect(slow.ready().publish).toBeNull();
  });
  test('leaves it to a primary that answers, when without it too few would be left', () => {
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'] };
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }, 1, pair));
    for (let i = 0; i < 40; i++) {
      clock.now += 200;
      // It answers heartbeats, and claims nothing any more.
      if (i === 0) node.from('n1', beacon({ claims: [0, 1] }));
      node.core.probe();
      node.step({ type: 'tick' });
      for (const id of ['n1', 'n3']) node.obey(id);
    }
    expect(node.map().partitions[0]?.epoch).toBe(1);
    expect(takesOverAfter(node, 'n3')).toBeLessThan(2000);
  });
});

describe('a copy that the map names no more', () => {
  const elsewhere = { inSync: ['n1/sn1', 'n3/sn3'], target: ['n1', 'n3'] };
  const dropped = (node: Node): boolean => node.disk.at(-1)?.type === 'drop';
  /** Ticks, with maps read as they come due. */
  const pass = (node: Node, ms: number): void => {
    for (let t = 0; t < ms; t += 100) {
      clock.now += 100;
      node.step({ type: 'tick' });
    }
  };
  test('is deleted after a while, when a map read since says so still', () => {
    const node = start('n2', map);
    append(node, 0, [barrier]);
    node.publish(withPartition(node.map(), elsewhere));
    pass(node, limits.dropAfterMs - 100);
    expect(dropped(node)).toBe(false);
    pass(node, node.core.timings.graceMs + 200);
    expect([dropped(node), node.core.replicas.size]).toEqual([true, 0]);
    // It may be given the partition again.
    node.publish(withPartition(node.map(), { target: ['n1', 'n3', 'n2'], inSync: ['n1/sn1', 'n3/sn3'] }));
    expect(node.core.status()).toMatchObject([{ role: 'learner', tail: 0 }]);
  });
  test('is deleted as well when it was found on the disk at the start', () => {
    const node = start('n2', withPartition(map, elsewhere), storedBarriers(2), 1);
    expect(node.core.status()).toMatchObject([{ role: 'learner', tail: 2 }]);
    pass(node, limits.dropAfterMs + node.core.timings.graceMs + 200);
    expect([dropped(node), node.core.replicas.size]).toEqual([true, 0]);
  });
  test('stays while somebody still appends to it, or may count on a lease that it granted', () => {
    const node = start('n2', map);
    node.publish(withPartition(node.map(), elsewhere));
    for (let i = 0; i < 100; i++) {
      node.from('n1', beacon({ claims: [0, 1], revision: node.core.revision }));
      pass(node, 100);
    }
    expect(dropped(node)).toBe(false);
    pass(node, node.core.timings.graceMs - 200);
    expect(dropped(node)).toBe(false);
    pass(node, 100);
    expect(dropped(node)).toBe(true);
  });
  test('stays when it is named again meanwhile', () => {
    const node = start('n2', map);
    node.publish(withPartition(node.map(), elsewhere));
    pass(node, limits.dropAfterMs - 1000);
    node.publish(withPartition(node.map(), { target: ['n1', 'n2', 'n3'] }));
    pass(node, 1000);
    node.publish(withPartition(node.map(), elsewhere));
    pass(node, limits.dropAfterMs - 1000);
    expect(dropped(node)).toBe(false);
  });
});

describe('a snapshot that comes', () => {
  const snapshot = sealed({
    ...emptySnapshot(1),
    seq: 5,
    epoch: 1,
    cells: Array.from({ length: 9 }, (_, i) => [`c${i}`, { kind: 'counter', value: i, version: 3 }] as const),
  });
  const pieces = (): { chunk: string; last: boolean }[] => {
    const writer = new SnapshotWriter(snapshot);
    const all = [];
    for (let last = false; !last; ) {
      const piece = writer.next(60);
      ({ last } = piece);
      all.push(piece);
    }
    return all;
  };
  const learner = (): Node =>
    start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }, 1, { ...config, inSync: ['n1/sn1'] }));
  const give = (node: Node, index: number, change: { stream?: number; epoch?: number } = {}): void => {
    const { chunk, last } = pieces()[index] as { chunk: string; last: boolean };
    const { stream = 7, epoch = 1 } = change;
    node.from('n1', { type: 'snapshot', p: 0, gen: 1, epoch, stream, to: 'n2/sn2', index, last, chunk });
  };
  const indexes = (node: Node): unknown[] =>
    said(node, 'snapshot-ack').map((m) => m.type === 'snapshot-ack' && m.index);

  test('is put together piece by piece, however often each one comes', () => {
    const node = learner();
    const count = pieces().length;
    expect(count).toBeGreaterThan(3);
    node.sent.length = 0;
    give(node, 1);
    expect(indexes(node)).toEqual([]);
    give(node, 0);
    give(node, 0);
    give(node, 2);
    give(node, 1);
    give(node, 0);
    give(node, 1);
    expect(indexes(node)).toEqual([0, 0, 1, 0, 1]);
    for (let i = 2; i < count - 1; i++) give(node, i);
    expect(replicaOf(node).commit).toBe(0);
    node.sent.length = 0;
    give(node, count - 1);
    expect(acks(node)).toEqual([[0, 1, 7, 5]]);
    expect(replicaOf(node)).toMatchObject({ commit: 5, durable: 5 });
    expect(replicaOf(node).machine.digest).toEqual(snapshot.digest);
    expect(node.disk.at(-1)).toMatchObject({ type: 'snapshot', partition: 0 });
    // The next checkpoint is of all.
    expect(node.core.takeCheckpoint().deltas).toMatchObject([{ full: true, seq: 5 }]);
    append(node, 5, [barrier], { prevEpoch: 1 });
    expect(replicaOf(node).log.tailSeq).toBe(6);
  });

  test('that is older than what is applied is acknowledged, and replaces nothing', () => {
    const node = learner();
    append(
      node,
      0,
      Array.from({ length: 8 }, () => barrier),
      { commit: 8 },
    );
    node.sent.length = 0;
    for (let i = 0; i < pieces().length; i++) give(node, i);
    expect(replicaOf(node).commit).toBe(8);
    expect(acks(node)).toEqual([[0, 1, 7, 5]]);
  });

  test('is taken in checkpoints only once it is on disk', () => {
    const node = learner();
    for (let i = 0; i < pieces().length - 1; i++) give(node, i);
    const index = pieces().length - 1;
    const { chunk } = pieces()[index] as { chunk: string };
    const message: PeerMessage = {
      type: 'snapshot',
      p: 0,
      gen: 1,
      epoch: 1,
      stream: 7,
      to: 'n2/sn2',
      index,
      last: true,
      chunk,
    };
    node.core.step(
      { type: 'message', from: { node: 'n1', store: 'sn1', incarnation: 1 }, message },
      clock.now,
    );
    expect(node.core.takeCheckpoint().deltas).toEqual([]);
    expect(node.core.ready().write).toMatchObject([{ type: 'snapshot' }]);
    expect(node.core.takeCheckpoint().deltas).toEqual([]);
    node.core.step({ type: 'written' }, clock.now);
    expect(node.core.takeCheckpoint().deltas).toMatchObject([{ full: true }]);
  });
});
