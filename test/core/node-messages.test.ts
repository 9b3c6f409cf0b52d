import { beforeEach, describe, expect, test } from 'vitest';
import { applyChange, noChange } from '../../src/core/map/changes.js';
import type { ClusterMap } from '../../src/core/map/types.js';
import type { PeerMessage } from '../../src/core/messages.js';
import { hashKey, partitionOf } from '../../src/core/ring/hash.js';
import { defaultTimings } from '../../src/limits.js';
import { bare, beacon, clock, config, from, mapOf, primary, start, withPartition } from './harness.js';

beforeEach(() => {
  clock.now = 1000;
});

type Beacon = Extract<PeerMessage, { type: 'beacon' }>;
type BeaconAck = Extract<PeerMessage, { type: 'beacon-ack' }>;

/** A map of several partitions, each led by n1 and held by all three. */
const mapOfMany = (count: number, incarnations = { n1: 1, n2: 1, n3: 1 }, revision = 1): ClusterMap => {
  const map = mapOf(incarnations, revision);
  return { ...map, partitions: Array.from({ length: count }, () => config) };
};

describe('heartbeats', () => {
  test('are answered with what is denied, and with the newest revision', () => {
    const node = start('n2', mapOfMany(3));
    node.sent.length = 0;
    // Partition 1 is claimed in an epoch that is over, and 7 is not held here.
    node.publish(
      applyChange(node.map(), { ...noChange, partitions: new Map([[1, { ...config, epoch: 2 }]]) }),
    );
    node.from('n1', beacon({ claims: [0, 1, 1, 1, 2, 1, 7, 1], sentAt: 77 }));
    expect(node.sent.filter(({ message }) => message.type === 'beacon-ack')).toEqual([
      {
        to: 'n1',
        message: {
          type: 'beacon-ack',
          incarnation: 1,
          sentAt: 77,
          revision: node.map().revision,
          denied: [1, 7],
        },
      },
    ]);
  });

  test('of another process than the sender’s are not answered', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    node.sent.length = 0;
    node.from('n1', beacon({ incarnation: 2 }), 1);
    expect(node.sent).toEqual([]);
  });

  test('and answers that tell of a newer map have it read', () => {
    for (const message of [
      beacon({ revision: 2 }),
      { type: 'beacon-ack', incarnation: 1, sentAt: 5, revision: 2, denied: [] },
    ] as const) {
      const { step } = bare();
      step({ type: 'tick' });
      step({ type: 'map', map: mapOf({ n1: 1, n2: 1, n3: 1 }), read: 1 });
      expect(step(from('n1', { ...message, revision: 1 })).readMap).toBeNull();
      expect(step(from('n1', message)).readMap).toBe(2);
    }
  });

  /** Sends a heartbeat to both, and gives what n2 would answer. */
  function asked(node: ReturnType<typeof primary>): BeaconAck {
    clock.now += defaultTimings.beaconMs;
    node.sent.length = 0;
    node.step({ type: 'tick' });
    const found = node.sent.find(({ to, message }) => to === 'n2' && message.type === 'beacon');
    const { incarnation, sentAt, revision } = (found as { message: Beacon }).message;
    return { type: 'beacon-ack', incarnation, sentAt, revision, denied: [] };
  }
  const leaseOf = (node: ReturnType<typeof primary>): number =>
    [...node.lead.streams.values()].find((s) => s.node === 'n2')?.leaseFrom ?? 0;

  test('lend a lease from when they were sent, for what they claimed', () => {
    const node = primary();
    const ack = asked(node);
    clock.now += 50;
    const before = leaseOf(node);
    node.from('n2', { ...ack, denied: [0] });
    node.from('n2', { ...ack, sentAt: ack.sentAt - 1 });
    node.from('n2', { ...ack, incarnation: ack.incarnation + 1 });
    node.from('n9', ack);
    expect(leaseOf(node)).toBe(before);
    node.from('n2', ack);
    expect(leaseOf(node)).toBe(clock.now - 50);
    // An answer that comes late lends nothing anew.
    const late = ack;
    node.from('n2', asked(node));
    node.from('n2', late);
    expect(leaseOf(node)).toBe(clock.now);
  });

  test('of another epoch lend nothing', () => {
    const node = primary();
    const ack = asked(node);
    const before = leaseOf(node);
    node.publish(withPartition(node.map(), { epoch: 3, primary: 'n2/sn2' }));
    expect(node.core.replicas.get(0)?.lead).toBeNull();
    node.from('n2', ack);
    expect(leaseOf(node)).toBe(before);
  });

  test('leave once a beat, and claim every partition that is led', () => {
    const node = primary();
    const beats = (ms: number): number[] => {
      node.sent.length = 0;
      for (let t = 0; t < ms; t += 25) {
        clock.now += 25;
        node.step({ type: 'tick' });
        for (const id of ['n2', 'n3']) node.obey(id, ['append']);
      }
      const found = node.sent.filter(({ to, message }) => to === 'n2' && message.type === 'beacon');
      node.obey('n2');
      node.obey('n3');
      return found.map(({ message }) => (message as Beacon).claims.length);
    };
    expect(beats(defaultTimings.beaconMs)).toEqual([2]);
    expect(beats(defaultTimings.beaconMs)).toEqual([2]);
    expect(beats(defaultTimings.beaconMs * 3)).toEqual([2, 2, 2]);
  });

  test('tell nodes with which nothing is shared that this one lives, once a second', () => {
    const map = mapOf({ n1: 1, n2: 1, n3: 1, n4: 1, n5: 0 });
    const node = start('n4', map);
    node.sent.length = 0;
    const heard: string[][] = [];
    for (let t = 0; t < 3000; t += 250) {
      clock.now += 250;
      node.step({ type: 'tick' });
      heard.push(node.sent.splice(0).flatMap(({ to, message }) => (message.type === 'beacon' ? [to] : [])));
    }
    const told = heard.filter((to) => to.length > 0);
    expect(told.map((to) => to.sort())).toEqual([
      ['n1', 'n2', 'n3'],
      ['n1', 'n2', 'n3'],
      ['n1', 'n2', 'n3'],
    ]);
  });

  test('greet whoever is newly linked, and nothing known of the old link counts', () => {
    const node = primary();
    expect(node.core.isReachable('n2')).toBe(true);
    clock.now += 10;
    node.sent.length = 0;
    node.step({ type: 'linked', node: 'n2' });
    expect(node.core.isReachable('n2')).toBe(false);
    expect(node.sent.some(({ to, message }) => to === 'n2' && message.type === 'beacon')).toBe(true);
    // The log's place is asked for again, too.
    expect(node.sent.some(({ to, message }) => to === 'n2' && message.type === 'append')).toBe(true);
    expect(node.sent.some(({ to, message }) => to === 'n3' && message.type === 'append')).toBe(false);
  });

  test('ask all others when a replica wants to know whom it reaches, at most twice a beat', () => {
    const node = start('n4', mapOf({ n1: 1, n2: 1, n3: 1, n4: 1 }));
    const asks = (): string[] => {
      node.sent.length = 0;
      node.core.probe();
      node.step({ type: 'tick' });
      return node.sent.flatMap(({ to, message }) => (message.type === 'beacon' ? [to] : [])).sort();
    };
    clock.now += 10;
    expect(asks()).toEqual(['n1', 'n2', 'n3']);
    clock.now += defaultTimings.beaconMs / 2 - 1;
    expect(asks()).toEqual([]);
    clock.now += 1;
    expect(asks()).toEqual(['n1', 'n2', 'n3']);
  });

  test('are not sent twice in one instant: an answer names one by its time', () => {
    const node = primary();
    clock.now += defaultTimings.beaconMs;
    node.sent.length = 0;
    node.step({ type: 'tick' });
    node.core.beaconSoon();
    node.step({ type: 'linked', node: 'n3' });
    const count = (): number =>
      node.sent.filter(({ to, message }) => to === 'n2' && message.type === 'beacon').length;
    expect(count()).toBe(1);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(count()).toBe(2);
  });
});

describe('who is gone', () => {
  const map = mapOf({ n1: 3, n2: 1, n3: 0 });
  const process = (node: string, incarnation: number, store = `s${node}`) => ({ node, store, incarnation });
  test('is an earlier start of a store, one that refused a connect, and all before that', () => {
    const { core, step } = start('n2', map);
    const gone = () => [1, 2, 3, 4].map((incarnation) => core.isGone(process('n1', incarnation)));
    expect(gone()).toEqual([true, true, false, false]);
    expect([core.isNodeGone('n1'), core.isReplicaGone('n1/sn1')]).toEqual([false, false]);
    step({ type: 'gone', process: process('n1', 3, 'other') });
    expect(gone()).toEqual([true, true, false, false]);
    step({ type: 'gone', process: process('n1', 3) });
    expect(gone()).toEqual([true, true, true, false]);
    expect([core.isNodeGone('n1'), core.isReplicaGone('n1/sn1')]).toEqual([true, true]);
    // A proof of an earlier one takes nothing back.
    step({ type: 'gone', process: process('n1', 2) });
    expect(gone()).toEqual([true, true, true, false]);
    step({ type: 'gone', process: process('n1', 4) });
    expect(gone()).toEqual([true, true, true, true]);
  });
  test('is no node that was never started, and every one that is no member', () => {
    const { core, step } = start('n2', map);
    expect([core.isNodeGone('n3'), core.isReplicaGone('n3/sn3')]).toEqual([false, false]);
    step({ type: 'gone', process: process('n3', 0) });
    expect([core.isNodeGone('n3'), core.isReplicaGone('n3/sn3')]).toEqual([false, false]);
    expect([core.isNodeGone('n9'), core.isGone(process('n9', 1))]).toEqual([true, false]);
    expect(core.isReplicaGone('n9/x')).toBe(false);
  });
  test('is a replica whose store was replaced, though not the process that had it', () => {
    const { core } = start('n2', map);
    expect(core.isReplicaGone('n1/before')).toBe(true);
    expect(core.isGone(process('n1', 1, 'before'))).toBe(false);
  });
});

describe('what a node sends', () => {
  test('is one list of acks for each node and store', () => {
    const { core } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    core.ack('n1', 'n2/sn2', 0, 1, 7, 3);
    core.ack('n1', 'n2/sn2', 1, 2, 8, 4);
    core.ack('n3', 'n2/sn2', 2, 3, 9, 5);
    core.ack('n1', 'n2/other', 3, 4, 10, 6);
    expect(core.ready().send).toEqual([
      { to: 'n1', message: { type: 'ack', from: 'n2/sn2', acks: [0, 1, 7, 3, 1, 2, 8, 4] } },
      { to: 'n3', message: { type: 'ack', from: 'n2/sn2', acks: [2, 3, 9, 5] } },
      { to: 'n1', message: { type: 'ack', from: 'n2/other', acks: [3, 4, 10, 6] } },
    ]);
    core.ack('n1', 'n2/sn2', 0, 1, 7, 9);
    expect(core.ready().send).toEqual([
      { to: 'n1', message: { type: 'ack', from: 'n2/sn2', acks: [0, 1, 7, 9] } },
    ]);
  });

  test('names streams that no start of a store has named before', () => {
    const [first, second] = [start('n2', mapOf({ n1: 1, n2: 1, n3: 1 })), bare('n2', 2)];
    const names = [first.core.nextStream(), first.core.nextStream(), second.core.nextStream()];
    expect(names[1]).toBe((names[0] as number) + 1);
    expect(names[2]).toBeGreaterThan((names[1] as number) + 1_000_000);
  });

  test('to the primary of a partition goes to its node, or to itself; of no partition to nobody', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    const message: PeerMessage = { type: 'tx-finished', p: 0, tx: '0:1.1:1', from: 1 };
    node.core.tell(0, message);
    node.core.tell(5, message);
    expect(node.core.ready().send).toEqual([{ to: 'n1', message }]);
    const lead = primary();
    lead.core.tell(0, message);
    expect(lead.core.ready().send.filter((one) => one.message === message)).toEqual([]);
  });

  test('leaves in one batch to the disk at a time', () => {
    const { core } = primary();
    core.step({ type: 'request', origin: 1, request: { type: 'open', p: 0 } }, clock.now);
    const first = core.ready().write;
    expect(first).toHaveLength(1);
    core.step({ type: 'request', origin: 2, request: { type: 'open', p: 0 } }, clock.now);
    expect(core.ready().write).toBeNull();
    expect(core.isDiskSlow).toBe(false);
    clock.now += 2 * defaultTimings.beaconMs - 1;
    core.step({ type: 'tick' }, clock.now);
    expect(core.isDiskSlow).toBe(false);
    clock.now += 1;
    core.step({ type: 'tick' }, clock.now);
    expect(core.isDiskSlow).toBe(true);
    core.step({ type: 'written' }, clock.now);
    expect(core.isDiskSlow).toBe(false);
    expect(core.ready().write).toHaveLength(1);
    expect(core.isDiskSlow).toBe(false);
  });
});

describe('a request', () => {
  test('for a key goes to the partition of its hash, whatever was asked', () => {
    const node = start('n1', mapOfMany(4));
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    keys.forEach((key, origin) => {
      const op = { type: 'put', key, value: '' } as const;
      node.step({ type: 'request', origin, request: { type: 'write', session: '1.1', n: 1, first: 1, op } });
    });
    const said = node.replies.map(({ response }) => (response.ok ? '' : response.message));
    expect(said).toEqual(
      keys.map((key) => `partition ${partitionOf(hashKey(key), 4)} has its primary elsewhere`),
    );
    expect(node.replies.every(({ response }) => !response.ok && response.code === 'moved')).toBe(true);
    node.replies.length = 0;
    node.step({ type: 'request', origin: 9, request: { type: 'open', p: 3 } });
    expect(node.replies).toMatchObject([
      { origin: 9, response: { message: expect.stringContaining('partition 3') } },
    ]);
  });
});
