import { beforeEach, describe, expect, test } from 'vitest';
import { clock, mapOf, start, storedBarriers, withMember, withPartition } from '../harness.js';
import { append, later, replicaOf, said } from './appending.js';

beforeEach(() => {
  clock.now = 1000;
});

describe('a replica that has started again', () => {
  test('asks the others in sync how far their logs go, every beat, and leads when it knows', () => {
    const node = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }), storedBarriers(2), 2);
    const asked = (): (readonly [string, string])[] =>
      node.sent.flatMap(({ to, message }) =>
        message.type === 'tail-ask' ? [[to, message.to] as const] : [],
      );
    node.step({ type: 'tick' });
    expect(asked()).toEqual([
      ['n2', 'n2/sn2'],
      ['n3', 'n3/sn3'],
    ]);
    node.sent.length = 0;
    clock.now += node.core.timings.beaconMs - 1;
    node.step({ type: 'tick' });
    expect(asked()).toEqual([]);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(asked()).toHaveLength(2);
    // Only of stores that are still there can an answer come.
    node.publish(withMember(node.map(), 'n3', { store: 'new' }));
    node.sent.length = 0;
    clock.now += node.core.timings.beaconMs;
    node.step({ type: 'tick' });
    expect(asked()).toEqual([['n2', 'n2/sn2']]);
  });

  test('asks nobody when it is not in sync: nobody counts on its log', () => {
    const learner = withPartition(mapOf({ n1: 1, n2: 1, n3: 1 }), { inSync: ['n1/sn1', 'n3/sn3'] });
    const node = start('n2', learner, storedBarriers(2), 2);
    for (let i = 0; i < 5; i++) {
      clock.now += node.core.timings.beaconMs;
      node.step({ type: 'tick' });
    }
    expect(said(node, 'tail-ask')).toEqual([]);
    node.publish(withPartition(node.map(), { inSync: ['n1/sn1', 'n2/sn2', 'n3/sn3'] }));
    clock.now += node.core.timings.beaconMs;
    node.step({ type: 'tick' });
    expect(said(node, 'tail-ask')).toHaveLength(2);
  });
});

describe('a replica whose disk has forgotten what was committed', () => {
  test.each([
    ['that counts on it', true, 3, 'damaged'],
    ['that counts on it, for less', true, 2, 'unchecked'],
    ['that does not count on it yet', false, 9, 'unchecked'],
  ] as const)('finds that out from a primary %s', (_, counted, commit, trust) => {
    const node = start('n2', later, storedBarriers(2), 2);
    expect(replicaOf(node).check.trust).toBe('unchecked');
    append(node, 2, [], { counted, commit });
    expect(replicaOf(node).check.trust).toBe(commit === 2 ? 'checked' : trust);
  });
});

describe('a new primary', () => {
  test('claims its epoch with the next heartbeat, and does not wait for its time', () => {
    const node = start('n1', mapOf({ n1: 0, n2: 1, n3: 1 }));
    for (let i = 0; i < 6; i++) for (const id of ['n2', 'n3']) node.obey(id, ['beacon', 'tail-ask']);
    expect(node.core.replicas.get(0)?.lead).not.toBeNull();
    node.sent.length = 0;
    clock.now += 1;
    node.step({ type: 'tick' });
    const claims = node.sent.flatMap(({ to, message }) =>
      message.type === 'beacon' ? [[to, message.claims] as const] : [],
    );
    expect(claims).toEqual([
      ['n2', [0, 2]],
      ['n3', [0, 2]],
    ]);
  });

  test('tells of a step of a transaction once', () => {
    const { core } = start('n1', mapOf({ n1: 1, n2: 1, n3: 1 }));
    core.reached('decided', '0:1.1:1');
    expect(core.ready().reached).toHaveLength(1);
    expect(core.ready().reached).toEqual([]);
  });
});

test('a replica that differs from its primary takes nothing of that epoch, and goes on with the next', () => {
  const node = start('n2', later, storedBarriers(3), 1);
  append(node, 3, [], { epoch: 4, prevEpoch: 1, prevChain: 1 });
  expect(replicaOf(node).divergedAt).toBe(3);
  append(node, 3, [{ type: 'barrier' }], { epoch: 4, prevEpoch: 1 });
  expect([replicaOf(node).divergedAt, replicaOf(node).log.tailSeq]).toEqual([3, 3]);
  append(node, 3, [{ type: 'barrier' }], { epoch: 5, prevEpoch: 1 }, 'n3');
  expect([replicaOf(node).divergedAt, replicaOf(node).log.tailSeq]).toEqual([null, 4]);
});
