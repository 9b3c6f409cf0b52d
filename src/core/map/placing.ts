import { MusterError } from '../../errors.js';
import { namesBeside } from '../../text/nearest.js';
import { countPrimaryChanges, leastMoves, place } from '../ring/placement.js';
import type { MapChange } from './changes.js';
import {
  type ClusterMap,
  type Copy,
  type Member,
  type NodeId,
  nodeOf,
  type Placement,
  replicaId,
} from './types.js';

/** What is to change of the members; each id at most once among `add`, `activate`, `drain` and `out`. */
export interface MembersChange {
  /** Members that the map does not have yet: for a plan. */
  readonly add?: readonly Member[];
  /** Members that are given their share from now on. */
  readonly activate?: readonly NodeId[];
  readonly drain?: readonly NodeId[];
  readonly out?: readonly NodeId[];
  readonly weights?: Readonly<Record<NodeId, number>>;
  readonly zones?: Readonly<Record<NodeId, string>>;
}

/** Members hold something by right; the others are to hold nothing. */
export const holdsShare = (member: Member): boolean => member.state === 'active';

/** Who holds a copy of each partition, or is about to: what a new placement stays close to, preferred primary first. */
function holders(map: ClusterMap): NodeId[][] {
  return map.partitions.map(({ target, inSync }) => [...new Set([...target, ...inSync.map(nodeOf)])]);
}

const input = (map: ClusterMap, members: readonly Member[]) => ({
  partitions: map.partitions.length,
  replicas: map.settings.replicas,
  members: members.map((m) => ({ id: m.id, zone: m.zone, weight: holdsShare(m) ? m.weight : 0 })),
});

function changedMembers(map: ClusterMap, change: MembersChange): Map<NodeId, Member> {
  const changed = new Map<NodeId, Member>((change.add ?? []).map((member) => [member.id, member]));
  const set = (ids: Iterable<NodeId>, edit: (member: Member) => Member): void => {
    for (const id of ids) {
      const member = changed.get(id) ?? map.members[id];
      if (member === undefined)
        throw new MusterError(
          'unknown-node',
          `the cluster has no member "${id}"; it has ${namesBeside(id, Object.keys(map.members))}`,
          { details: { node: id } },
        );
      changed.set(id, edit(member));
    }
  };
  set(change.activate ?? [], (member) => ({ ...member, state: 'active' }));
  set(change.drain ?? [], (member) => ({ ...member, state: 'draining' }));
  set(change.out ?? [], (member) => ({ ...member, state: 'out' }));
  set(Object.keys(change.weights ?? {}), (m) => ({ ...m, weight: change.weights?.[m.id] as number }));
  set(Object.keys(change.zones ?? {}), (m) => ({ ...m, zone: change.zones?.[m.id] as string }));
  for (const { id, weight } of changed.values()) {
    if (!(weight > 0 && weight <= 1000))
      throw new MusterError('usage', `the weight of ${id} must be above 0 and at most 1000, not ${weight}`);
  }
  return changed;
}

/**
 * The change of the map that places its partitions anew on its members as changed: a pure function of both, moving as
 * little as it can from where the data is. `sizes` gives the size of each partition, when it is known. Throws `unknown-node`, or
 * `usage` for an impossible weight.
 */
export function planPlacement(
  map: ClusterMap,
  change: MembersChange,
  as: { readonly id: string; readonly cause: string; readonly sizes?: readonly number[] },
): MapChange & { readonly placement: Placement } {
  const members = changedMembers(map, change);
  const all = Object.values({ ...map.members, ...Object.fromEntries(members) });
  const previous = holders(map);
  const wanted = { ...input(map, all), previous };
  const next = place(wanted);
  const targets = new Map<number, readonly NodeId[]>();
  // What an earlier change left undone, and this one still wants, is taken over from it.
  const undone = new Map(
    (map.placement?.copies ?? [])
      .filter((c) => c.sent === null)
      .map((copy) => [`${copy.p}/${copy.to}`, copy]),
  );
  const copies: Copy[] = [];
  let takenOver = 0;
  next.forEach((target, p) => {
    const config = map.partitions[p] as ClusterMap['partitions'][number];
    // Nobody is left to hold it: it stays where it is.
    if (target.length === 0) return;
    const before = config.target;
    if (before.length !== target.length || target.some((id, i) => id !== before[i])) targets.set(p, target);
    const held = config.inSync.map(nodeOf);
    const freed = held.filter((id) => !target.includes(id));
    for (const to of target) {
      const member = members.get(to) ?? map.members[to];
      if (member === undefined || config.inSync.includes(replicaId(to, member.store))) continue;
      if (config.target.includes(to)) {
        // Else it is a replica that catches up after a restart, and no copy of any change.
        const copy = undone.get(`${p}/${to}`);
        if (copy !== undefined) {
          copies.push(copy);
          takenOver++;
        }
        continue;
      }
      copies.push({
        p,
        to,
        from: freed.shift() ?? null,
        planned: as.sizes?.[p] ?? null,
        sent: null,
      });
    }
  });
  return {
    members,
    partitions: new Map(),
    targets,
    placement: {
      id: as.id,
      revision: map.revision + 1,
      cause: as.cause,
      copies,
      least: leastMoves(wanted) + takenOver,
      primaries: countPrimaryChanges(
        map.partitions.map(({ primary }) => [nodeOf(primary)]),
        next,
      ),
      handovers: 0,
    },
  };
}

/** Why a partition is not yet as placement wants it; null when it is. */
export function unplaced(map: ClusterMap, p: number): string | null {
  const { target, inSync, primary } = map.partitions[p] as ClusterMap['partitions'][number];
  const held = inSync.map(nodeOf);
  const lacking = target.filter((id) => !inSync.includes(replicaId(id, map.members[id]?.store ?? '')));
  if (lacking.length > 0) return `${lacking.join(', ')} not in sync yet`;
  if (target[0] !== undefined && nodeOf(primary) !== target[0])
    return `${nodeOf(primary)} still leads, not ${target[0]}`;
  const extra = held.filter((id) => !target.includes(id));
  return extra.length > 0 ? `${extra.join(', ')} not retired yet` : null;
}

/** A member that is leaving and that no partition names any more. */
export function mayLeave(map: ClusterMap, id: NodeId): boolean {
  if (map.members[id]?.state !== 'draining') return false;
  return map.partitions.every(
    ({ primary, inSync, target }) =>
      nodeOf(primary) !== id && !target.includes(id) && !inSync.some((r) => nodeOf(r) === id),
  );
}
