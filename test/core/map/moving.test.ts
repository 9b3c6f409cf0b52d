import { describe, expect, test } from 'vitest';
import {
  applyChange,
  handedOver,
  isCurrent,
  isEmpty,
  type MapChange,
  noChange,
  promoted,
  sameSet,
} from '../../../src/core/map/changes.js';
import { mayLeave, planPlacement, unplaced } from '../../../src/core/map/placing.js';
import type {
  ClusterMap,
  Copy,
  Member,
  NodeId,
  PartitionConfig,
  Placement,
} from '../../../src/core/map/types.js';
import { nodeOf, replicaId } from '../../../src/core/map/types.js';
import { defaultTimings } from '../../../src/limits.js';

const member = (id: NodeId, change: Partial<Member> = {}): Member => ({
  id,
  store: `s${id}`,
  incarnation: 1,
  url: '',
  weight: 1,
  zone: '',
  state: 'active',
  ...change,
});
const replicas = (ids: readonly NodeId[]): string[] => ids.map((id) => replicaId(id, `s${id}`));

/** A partition that these hold, the first as primary, and that is placed there unless `target` says otherwise. */
const held = (ids: readonly NodeId[], target = ids): PartitionConfig => {
  const inSync = replicas(ids);
  return { gen: 1, epoch: 4, primary: inSync[0] as string, inSync, target, placed: 1, handover: null };
};

const placement = (copies: readonly Copy[]): Placement => ({
  id: 'before',
  revision: 3,
  cause: 'before',
  copies,
  least: 9,
  primaries: 9,
  handovers: 9,
});

function mapOf(members: readonly Member[], partitions: readonly PartitionConfig[]): ClusterMap {
  return {
    format: 1,
    cluster: 'c',
    name: 'c',
    revision: 5,
    settings: {
      partitions: partitions.length,
      replicas: Math.max(...partitions.map(({ target }) => target.length)),
      minInSync: 1,
      durability: 'fsync',
      timings: defaultTimings,
      repairAfterMs: 10_000,
    },
    members: Object.fromEntries(members.map((m) => [m.id, m])),
    partitions,
    placement: null,
  };
}

const as = { id: 'x', cause: 'test' };

describe('a plan', () => {
  /** Two partitions on n1 and n2; n3 joins, or another leaves. */
  const two = mapOf([member('n1'), member('n2')], [held(['n1', 'n2']), held(['n2', 'n1'])]);

  test('names each copy, whom it replaces, and how large the partition is when that is known', () => {
    const map = mapOf([member('n1'), member('n2'), member('n3')], [held(['n1', 'n2'])]);
    const plan = planPlacement(map, { out: ['n2'] }, { ...as, sizes: [77] });
    expect(plan).toMatchObject({ partitions: new Map(), targets: new Map([[0, ['n1', 'n3']]]) });
    expect(plan.members.get('n2')).toEqual(member('n2', { state: 'out' }));
    expect(plan.placement).toEqual({
      id: 'x',
      revision: 6,
      cause: 'test',
      copies: [{ p: 0, to: 'n3', from: 'n2', planned: 77, sent: null }],
      least: 1,
      primaries: 0,
      handovers: 0,
    });
    expect(planPlacement(map, { out: ['n2'] }, as).placement.copies[0]?.planned).toBeNull();
    expect(planPlacement(map, { out: ['n2'] }, { ...as, sizes: [0] }).placement.copies[0]?.planned).toBe(0);
  });

  test('of a replica that is missing replaces nobody', () => {
    const missing = mapOf([member('n1'), member('n2')], [{ ...held(['n1']), target: ['n1', 'n9'] }]);
    const plan = planPlacement(missing, {}, as);
    expect(plan.placement.copies).toEqual([{ p: 0, to: 'n2', from: null, planned: null, sent: null }]);
  });

  test('replaces those who leave one by one, in the order in which they are counted', () => {
    const members = ['n1', 'n2', 'n3', 'n4'].map((id) => member(id));
    const map = mapOf(members, [held(['n1', 'n2'])]);
    const { copies, primaries, least } = planPlacement(map, { out: ['n1', 'n2'] }, as).placement;
    expect(copies.map(({ from }) => from)).toEqual(['n1', 'n2']);
    expect(copies.map(({ to }) => to).sort()).toEqual(['n3', 'n4']);
    expect([least, primaries]).toEqual([2, 1]);
  });

  test('does not count a replica that catches up after a restart', () => {
    const behind = { ...held(['n1', 'n2']), inSync: ['n1/sn1'] };
    const plan = planPlacement(mapOf([member('n1'), member('n2')], [behind]), {}, as);
    expect([plan.placement.copies, plan.targets.size, plan.placement.least]).toEqual([[], 0, 0]);
  });

  test('makes a copy again for a store that was wiped only where it is placed anew', () => {
    const wiped = mapOf([member('n1'), member('n2', { store: 'new' })], [held(['n1', 'n2'])]);
    expect(planPlacement(wiped, {}, as).placement.copies).toEqual([]);
    const target = { ...held(['n1', 'n2']), target: ['n1'] };
    const plan = planPlacement(
      { ...wiped, partitions: [target], settings: { ...wiped.settings, replicas: 2 } },
      {},
      as,
    );
    expect(plan.placement.copies).toMatchObject([{ p: 0, to: 'n2', from: null }]);
  });

  test('takes over exactly those copies of the last one that are not made yet and still wanted', () => {
    const copy = (p: number, to: NodeId, sent: number | null): Copy => ({
      p,
      to,
      from: 'n9',
      planned: 5,
      sent,
    });
    const behind = { ...held(['n1', 'n2']), inSync: ['n1/sn1'] };
    const map = (copies: readonly Copy[]): ClusterMap => ({
      ...mapOf([member('n1'), member('n2')], [behind, held(['n2', 'n1'])]),
      placement: placement(copies),
    });
    const planned = (copies: readonly Copy[]): unknown => {
      const { copies: next, least } = planPlacement(map(copies), {}, as).placement;
      return [next, least];
    };
    expect(planned([copy(0, 'n2', null)])).toEqual([[copy(0, 'n2', null)], 1]);
    for (const other of [copy(0, 'n2', 0), copy(0, 'n2', 8), copy(1, 'n2', null), copy(0, 'n1', null)])
      expect(planned([other])).toEqual([[], 0]);
  });

  test('changes the target where its members or their order change, and nowhere else', () => {
    const grown = planPlacement(two, { add: [member('n3')] }, as);
    for (const [p, { target }] of two.partitions.entries()) {
      const next = grown.targets.get(p);
      if (next !== undefined) expect(next).not.toEqual(target);
    }
    expect(grown.targets.size).toBeGreaterThan(0);
    const fewer = { ...two, settings: { ...two.settings, replicas: 1 } };
    expect(planPlacement(fewer, {}, as).targets).toEqual(
      new Map([
        [0, ['n1']],
        [1, ['n2']],
      ]),
    );
    // The same members: both would lead for n1, and one has to change.
    const led = mapOf([member('n1'), member('n2')], [held(['n1', 'n2']), held(['n1', 'n2'])]);
    const plan = planPlacement(led, {}, as);
    expect([...plan.targets.values()]).toEqual([['n2', 'n1']]);
    expect(plan.placement).toMatchObject({ copies: [], least: 0, primaries: 1 });
  });

  test('counts the primaries that change from who leads now, not from who ought to', () => {
    const astray = { ...held(['n1', 'n2']), primary: 'n2/sn2' };
    const map = mapOf([member('n1'), member('n2')], [astray, held(['n2', 'n1'])]);
    expect(planPlacement(map, {}, as)).toMatchObject({ placement: { primaries: 1 }, targets: new Map() });
  });

  test('applies each kind of change to its member, on top of one that is added', () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const map = mapOf(
      ids.map((id) => member(id, id === 'n1' ? { state: 'joining' } : {})),
      [held(['n4'])],
    );
    const { members } = planPlacement(
      map,
      {
        add: [member('n6', { state: 'joining' }), member('n7')],
        activate: ['n1', 'n6'],
        drain: ['n2'],
        out: ['n3'],
        weights: { n4: 1000, n6: 0.001 },
        zones: { n5: 'z', n6: 'y' },
      },
      as,
    );
    expect(Object.fromEntries(members)).toEqual({
      n1: member('n1'),
      n2: member('n2', { state: 'draining' }),
      n3: member('n3', { state: 'out' }),
      n4: member('n4', { weight: 1000 }),
      n5: member('n5', { zone: 'z' }),
      n6: member('n6', { weight: 0.001, zone: 'y' }),
      n7: member('n7'),
    });
  });

  test('gives a member in proportion to its weight, and nothing while it holds no share', () => {
    const partitions = Array.from({ length: 8 }, () => held(['n1']));
    for (const state of ['joining', 'draining', 'out'] as const) {
      const plan = planPlacement(mapOf([member('n1'), member('n2', { state })], partitions), {}, as);
      expect(plan.targets.size).toBe(0);
    }
    const heavy = planPlacement(mapOf([member('n1'), member('n2')], partitions), { weights: { n2: 3 } }, as);
    expect(heavy.targets.size).toBe(6);
  });

  test('stays close to whoever holds a copy, whether it is placed there or not', () => {
    const astray = { ...held(['n1', 'n2']), target: ['n1', 'n3'] };
    const map = mapOf([member('n1'), member('n2'), member('n3', { state: 'out' })], [astray]);
    expect(planPlacement(map, {}, as)).toMatchObject({
      targets: new Map([[0, ['n1', 'n2']]]),
      placement: { copies: [], least: 0 },
    });
  });

  test('names the members that are there when one is not', () => {
    expect(() => planPlacement(two, { zones: { n4: 'z' } }, as)).toThrow(
      expect.objectContaining({ code: 'unknown-node', details: { node: 'n4' } }),
    );
  });
});

describe('a partition', () => {
  const map = (config: Partial<PartitionConfig>): ClusterMap =>
    mapOf([member('n1'), member('n2'), member('n3')], [{ ...held(['n1', 'n2']), ...config }]);

  test.each<[why: string | null, config: Partial<PartitionConfig>]>([
    [null, {}],
    [null, { inSync: ['n2/sn2', 'n1/sn1'] }],
    [null, { target: [], inSync: [] }],
    ['n3 not in sync yet', { target: ['n1', 'n2', 'n3'] }],
    ['n2, n3 not in sync yet', { target: ['n1', 'n2', 'n3'], inSync: ['n1/sn1', 'n2/other'] }],
    ['n9 not in sync yet', { target: ['n1', 'n9'], inSync: ['n1/sn1', 'n9/gone'] }],
    ['n1 still leads, not n2', { target: ['n2', 'n1'] }],
    ['n3 not retired yet', { inSync: ['n1/sn1', 'n2/sn2', 'n3/sn3'] }],
    ['n2, n3 not retired yet', { target: ['n1'], inSync: ['n1/sn1', 'n2/sn2', 'n3/sn3'] }],
    ['n1, n2 not retired yet', { target: [] }],
  ])('is as placement wants it, or says why not: %s', (why, config) => {
    expect(unplaced(map(config), 0)).toBe(why);
  });

  test.each<[may: boolean, config: Partial<PartitionConfig>, state: Member['state']]>([
    [true, {}, 'draining'],
    [false, {}, 'active'],
    [false, {}, 'out'],
    [false, { primary: 'n3/old' }, 'draining'],
    [false, { target: ['n1', 'n3'] }, 'draining'],
    [false, { inSync: ['n1/sn1', 'n3/old'] }, 'draining'],
  ])('lets its members go when it does not name them: %s', (may, config, state) => {
    const with_ = map(config);
    const partitions = [held(['n1', 'n2']), ...with_.partitions];
    const members = { ...with_.members, n3: member('n3', { state }) };
    expect([mayLeave({ ...with_, partitions, members }, 'n3'), mayLeave(with_, 'n9')]).toEqual([may, false]);
  });
});

describe('a change of the map', () => {
  const base = mapOf([member('n1'), member('n2')], [held(['n1']), held(['n2'])]);
  const changes: Partial<MapChange>[] = [
    { members: new Map([['n2', null]]) },
    { partitions: new Map([[0, held(['n2'])]]) },
    { targets: new Map([[1, ['n1']]]) },
    { placement: placement([]) },
  ];

  test('is empty when it has nothing of any kind', () => {
    expect(isEmpty(noChange)).toBe(true);
    for (const one of changes) expect(isEmpty({ ...noChange, ...one })).toBe(false);
  });

  test('makes the next revision, and changes nothing else', () => {
    const [members, partitions, targets, placed] = changes.map((one) =>
      applyChange(base, { ...noChange, ...one }),
    );
    const next = { ...base, revision: 6 };
    expect(applyChange(base, noChange)).toEqual(next);
    expect(members).toEqual({ ...next, members: { n1: base.members.n1 } });
    expect(partitions).toEqual({ ...next, partitions: [held(['n2']), base.partitions[1]] });
    expect(targets).toEqual({
      ...next,
      partitions: [base.partitions[0], { ...held(['n2']), target: ['n1'], placed: 6 }],
    });
    expect(placed).toEqual({ ...next, placement: placement([]) });
    expect(base).toEqual(mapOf([member('n1'), member('n2')], [held(['n1']), held(['n2'])]));
  });

  test('puts a new placement on top of what replicas want of the same partition', () => {
    const both = { partitions: new Map([[0, held(['n2'])]]), targets: new Map([[0, ['n1']]]) };
    const kept = { ...base, placement: placement([]) };
    const next = applyChange(kept, { ...noChange, ...both, members: new Map([['n3', member('n3')]]) });
    expect(next).toEqual({
      ...kept,
      revision: 6,
      members: { ...base.members, n3: member('n3') },
      partitions: [{ ...held(['n2']), target: ['n1'], placed: 6 }, base.partitions[1]],
    });
  });

  test('of the primary begins an epoch, without the old one and without a hand-over', () => {
    const from = { node: 'n1', store: 'sn1', incarnation: 2 };
    const config = { ...held(['n1', 'n2', 'n3']), handover: { from, to: 1 } };
    expect(promoted(config, 'n2/sn2')).toEqual({
      ...config,
      epoch: 5,
      primary: 'n2/sn2',
      inSync: ['n2/sn2', 'n3/sn3'],
      handover: null,
    });
    expect(promoted(config, 'n1/sn1')).toEqual({ ...config, epoch: 5, handover: null });
    expect(handedOver({ ...config, handover: null }, 'n2/sn2', 7, from)).toEqual({
      ...config,
      epoch: 5,
      primary: 'n2/sn2',
      handover: { from, to: 7 },
    });
  });
});

test('sets of replicas are the same in any order', () => {
  expect(sameSet([], [])).toBe(true);
  expect(sameSet(['a', 'b'], ['b', 'a'])).toBe(true);
  for (const [one, other] of [
    [['a'], ['a', 'b']],
    [['a', 'b'], ['a']],
    [['a'], ['b']],
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
  ] as const)
    expect(sameSet(one, other)).toBe(false);
});

test('a process is the one that the map knows by its store and its start', () => {
  const map = mapOf([member('n1', { incarnation: 3 })], [held(['n1'])]);
  expect(isCurrent(map, 'n1', 'sn1', 3)).toBe(true);
  for (const [node, store, incarnation] of [
    ['n2', 'sn1', 3],
    ['n1', 'other', 3],
    ['n1', 'sn1', 2],
    ['n1', 'sn1', 4],
  ] as const)
    expect(isCurrent(map, node, store, incarnation)).toBe(false);
});

test('a replica is named after its node and its store, which may have a slash', () => {
  expect([replicaId('n1', 'a/b'), nodeOf('n1/a/b')]).toEqual(['n1/a/b', 'n1']);
});
