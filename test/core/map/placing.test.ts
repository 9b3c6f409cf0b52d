import { describe, expect, test } from 'vitest';
import { Liveness, type Opinion } from '../../../src/core/liveness.js';
import { membersWanted } from '../../../src/core/map/caretaking.js';
import { applyChange } from '../../../src/core/map/changes.js';
import { mayLeave, planPlacement, unplaced } from '../../../src/core/map/placing.js';
import type { ClusterMap, Member, MemberState, NodeId } from '../../../src/core/map/types.js';
import { isUnregistered, replicaId } from '../../../src/core/map/types.js';
import { place } from '../../../src/core/ring/placement.js';
import { defaultTimings, limits } from '../../../src/limits.js';

const member = (id: NodeId, state: MemberState = 'active', incarnation = 1): Member => ({
  id,
  store: `s${id}`,
  incarnation,
  url: '',
  weight: 1,
  zone: '',
  state,
});

/** A cluster of so many members at rest. */
function atRest(count: number, replicas = 3, partitions = 16): ClusterMap {
  const members = Array.from({ length: count }, (_, i) => member(`n${i + 1}`));
  const targets = place({ partitions, replicas, members });
  return {
    format: 1,
    cluster: 'c',
    name: 'c',
    revision: 5,
    settings: {
      partitions,
      replicas,
      minInSync: 2,
      durability: 'fsync',
      timings: defaultTimings,
      repairAfterMs: 10_000,
    },
    members: Object.fromEntries(members.map((m) => [m.id, m])),
    partitions: targets.map((target) => {
      const inSync = target.map((id) => replicaId(id, `s${id}`));
      return { gen: 1, epoch: 1, primary: inSync[0]!, inSync, target, placed: 1, handover: null };
    }),
    placement: null,
  };
}

const as = { id: 'x', cause: 'test' };
/** The map when everything that placement wants has happened. */
const settled = (map: ClusterMap): ClusterMap => ({
  ...map,
  partitions: map.partitions.map((config) => {
    const inSync = config.target.map((id) => replicaId(id, map.members[id]!.store));
    return { ...config, inSync, primary: inSync[0]! };
  }),
  placement: map.placement && {
    ...map.placement,
    copies: map.placement.copies.map((c) => ({ ...c, sent: c.sent ?? 0 })),
  },
});

describe('a change of placement', () => {
  test('of nothing moves nothing', () => {
    const plan = planPlacement(atRest(5), {}, as);
    expect(plan.targets.size).toBe(0);
    expect(plan.placement.copies).toEqual([]);
  });
  test('plans exactly the copies that are missing afterwards, and no more than the least', () => {
    const map = atRest(4);
    const plan = planPlacement(map, { add: [member('n5')] }, as);
    const after = applyChange(map, plan);
    const lacking = after.partitions.flatMap((config, p) =>
      config.target
        .filter((id) => !config.inSync.includes(replicaId(id, `s${id}`)))
        .map((id) => `${p}/${id}`),
    );
    expect(plan.placement.copies.map(({ p, to }) => `${p}/${to}`).sort()).toEqual(lacking.sort());
    expect(plan.placement.copies.length).toBe(plan.placement.least);
    expect(after.partitions.filter((_, p) => unplaced(after, p) !== null).length).toBeGreaterThan(0);
    expect(settled(after).partitions.filter((_, p) => unplaced(settled(after), p) !== null)).toEqual([]);
  });
  test('places single copies too, and leaves everything where it is when nobody is left to hold it', () => {
    const map = atRest(2, 1);
    const plan = planPlacement(map, { add: [member('n3')] }, as);
    expect(plan.targets.size).toBeGreaterThan(3);
    expect([...plan.targets.values()]).toEqual(Array.from(plan.targets, () => ['n3']));
    expect(plan.placement.copies.length).toBe(plan.targets.size);
    const drained = planPlacement(map, { drain: ['n1', 'n2'] }, as);
    expect([drained.targets.size, drained.placement.copies]).toEqual([0, []]);
  });
  test('takes over what an earlier one left undone, and goes back to where the data still is', () => {
    const map = atRest(3);
    const grown = applyChange(map, planPlacement(map, { add: [member('n4'), member('n5')] }, as));
    const back = applyChange(grown, planPlacement(grown, { drain: ['n4', 'n5'] }, as));
    // Nothing had been copied yet, so nothing has to be.
    expect(back.placement?.copies).toEqual([]);
    const shrunk = planPlacement(grown, { drain: ['n5'] }, as);
    const undone = grown.placement!.copies.filter((c) => c.to === 'n4').map((c) => c.p);
    const planned = shrunk.placement.copies.map((c) => c.p);
    for (const p of undone) expect(planned).toContain(p);
  });
  test('marks each partition it moves with its revision, and leaves the others as they were', () => {
    const map = atRest(4);
    const plan = planPlacement(map, { add: [member('n5')] }, as);
    const after = applyChange(map, plan);
    after.partitions.forEach((config, p) => {
      expect(config.placed).toBe(plan.targets.has(p) ? map.revision + 1 : 1);
    });
  });
  test('gives a drained member nothing, and lets it leave when nothing names it', () => {
    const map = atRest(4);
    const after = applyChange(map, planPlacement(map, { drain: ['n2'] }, as));
    expect(after.members.n2?.state).toBe('draining');
    expect(after.partitions.flatMap((c) => c.target)).not.toContain('n2');
    expect(mayLeave(after, 'n2')).toBe(false);
    expect(mayLeave(settled(after), 'n2')).toBe(true);
    expect(mayLeave(settled(after), 'n1')).toBe(false);
  });
  test.each([0, -1, Number.NaN, 1001])('refuses a weight of %s', (weight) => {
    expect(() => planPlacement(atRest(3), { weights: { n1: weight } }, as)).toThrow(/weight of n1/);
  });
  test('refuses a member that there is not', () => {
    expect(() => planPlacement(atRest(3), { drain: ['n9'] }, as)).toThrow(/no member "n9"/);
  });
});

/** What n1 has heard: each of these nodes for so long, then silence for so long; and what all of them think. */
function heard(
  others: Readonly<Record<NodeId, { heardMs: number; silentMs: number }>>,
  opinion: Partial<Opinion> = {},
): Liveness {
  const liveness = new Liveness();
  const ids = Object.keys(others);
  const span = Math.max(...Object.values(others).map((o) => o.heardMs + o.silentMs));
  const step = limits.livenessStepMs;
  for (let now = 0; now <= span; now += step) {
    for (const [id, { heardMs, silentMs }] of Object.entries(others)) {
      const begin = span - heardMs - silentMs;
      if (now >= begin && now <= begin + heardMs) liveness.heard(id);
    }
    liveness.tick(now, ids, defaultTimings.leaseMs);
  }
  for (const id of ids) liveness.told(id, { silent: [], back: [], ...opinion });
  return liveness;
}
const fine = { heardMs: 60_000, silentMs: 0 };

describe('the members', () => {
  test('that are silent for longer than repair-after are put out, and their replicas placed elsewhere', () => {
    const map = atRest(5);
    const all = { n2: fine, n3: fine, n4: fine, n5: { heardMs: 1000, silentMs: 20_000 } };
    const liveness = heard(all, { silent: ['n5'] });
    const change = membersWanted(map, 'n1', liveness, 'id');
    expect(change?.members.get('n5')?.state).toBe('out');
    expect(change?.placement?.cause).toBe('repair without n5');
    const after = applyChange(map, change!);
    expect(after.partitions.flatMap((c) => c.target)).not.toContain('n5');
  });
  test('that some hear and some do not stay what they are', () => {
    const silent = { heardMs: 1000, silentMs: 20_000 };
    const map = atRest(4);
    // n1 and n2 do not hear n4, n3 does: two of three put it out, and the third does not bring it back.
    const put = heard({ n2: fine, n3: fine, n4: silent });
    expect(membersWanted(map, 'n1', put, 'id')).toBeNull();
    put.told('n2', { silent: ['n4'], back: [] });
    const change = membersWanted(map, 'n1', put, 'id');
    expect(change?.members.get('n4')?.state).toBe('out');
    const out = settled(applyChange(map, change!));
    const third = heard({ n1: fine, n2: fine, n4: fine });
    expect(membersWanted(out, 'n3', third, 'id')).toBeNull();
    third.told('n2', { silent: [], back: ['n4'] });
    expect(membersWanted(out, 'n3', third, 'id')?.members.get('n4')?.state).toBe('active');
    // What a node said before it fell silent itself is not counted.
    const deaf = heard({ n2: silent, n3: fine, n4: silent, n5: fine }, { silent: ['n4'] });
    expect(membersWanted(atRest(5), 'n1', deaf, 'id')?.members.get('n4')?.state).toBe('out');
    deaf.told('n5', { silent: [], back: [] });
    expect(membersWanted(atRest(5), 'n1', deaf, 'id')).toBeNull();
  });
  test('are let be while too few would be left to rebuild anything', () => {
    const liveness = heard({ n2: fine, n3: { heardMs: 1000, silentMs: 20_000 } }, { silent: ['n3'] });
    expect(membersWanted(atRest(3), 'n1', liveness, 'id')).toBeNull();
  });
  test('are not judged by a node that hears fewer than half of them', () => {
    const silent = { heardMs: 1000, silentMs: 20_000 };
    const liveness = heard({ n2: fine, n3: silent, n4: silent, n5: silent }, { silent: ['n3', 'n4', 'n5'] });
    expect(membersWanted(atRest(5), 'n1', liveness, 'id')).toBeNull();
  });
  test('that were out get their share back once they are heard for a while, and not at once', () => {
    const map = atRest(4);
    const out = settled(applyChange(map, planPlacement(map, { out: ['n4'] }, as)));
    const back = (ms: number) =>
      membersWanted(
        out,
        'n1',
        heard({ n2: fine, n3: fine, n4: { heardMs: ms, silentMs: 0 } }, { back: ['n4'] }),
        'id',
      );
    expect(back(limits.returnAfterMs / 2)).toBeNull();
    expect(back(limits.returnAfterMs * 2)?.members.get('n4')?.state).toBe('active');
  });
  test('that joined and were forgotten by whoever added them get their share in the end', () => {
    const map = atRest(3);
    const joined: ClusterMap = { ...map, members: { ...map.members, n4: member('n4', 'joining') } };
    const liveness = heard({ n2: fine, n3: fine, n4: fine }, { back: ['n4'] });
    const change = membersWanted(joined, 'n1', liveness, 'id');
    expect(change?.members.get('n4')?.state).toBe('active');
    expect(change?.placement?.cause).toBe('return of n4');
    expect(change?.targets.size).toBeGreaterThan(0);
  });
  test('are unregistered while no process of one that joins has started', () => {
    expect(isUnregistered(member('n1', 'joining', 0))).toBe(true);
    expect(isUnregistered(member('n1', 'joining', 1))).toBe(false);
    expect(isUnregistered(member('n1', 'active', 0))).toBe(false);
  });
  test('that were drained leave once they hold nothing', () => {
    const map = atRest(4);
    const drained = settled(applyChange(map, planPlacement(map, { drain: ['n4'] }, as)));
    const change = membersWanted(drained, 'n1', heard({ n2: fine, n3: fine, n4: fine }), 'id');
    expect(change?.members.get('n4')).toBeNull();
  });
  test('are not blamed for the time in which this node itself stood still', () => {
    const liveness = heard({ n2: fine });
    liveness.tick(10_000_000, ['n2'], defaultTimings.leaseMs);
    expect(liveness.silentMs('n2')).toBeLessThanOrEqual(2 * limits.livenessStepMs);
  });
});
