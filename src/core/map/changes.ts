import {
  type ClusterMap,
  type Member,
  type NodeId,
  type PartitionConfig,
  type Placement,
  type Process,
  type ReplicaId,
  replicaId,
} from './types.js';

/** What one publish changes. */
export interface MapChange {
  /** New records; null: the member leaves. */
  readonly members: ReadonlyMap<NodeId, Member | null>;
  /** What replicas of the publisher want of their partitions. */
  readonly partitions: ReadonlyMap<number, PartitionConfig>;
  /** New placement of partitions, on top of that. */
  readonly targets: ReadonlyMap<number, readonly NodeId[]>;
  /** undefined: as it was. */
  readonly placement: Placement | undefined;
}

export const noChange: MapChange = {
  members: new Map(),
  partitions: new Map(),
  targets: new Map(),
  placement: undefined,
};

export function isEmpty(change: MapChange): boolean {
  const { members, partitions, targets, placement } = change;
  return members.size === 0 && partitions.size === 0 && targets.size === 0 && placement === undefined;
}

/** The map with the change, one revision on. */
export function applyChange(map: ClusterMap, change: MapChange): ClusterMap {
  const revision = map.revision + 1;
  const members = { ...map.members };
  for (const [id, member] of change.members) {
    if (member === null) delete members[id];
    else members[id] = member;
  }
  const changed = change.partitions.size > 0 || change.targets.size > 0;
  return {
    ...map,
    revision,
    members: change.members.size === 0 ? map.members : members,
    partitions: !changed
      ? map.partitions
      : map.partitions.map((config, p) => {
          const next = change.partitions.get(p) ?? config;
          const target = change.targets.get(p);
          return target === undefined ? next : { ...next, target, placed: revision };
        }),
    placement: change.placement ?? map.placement,
  };
}

/** R9: `replica` takes over; the old primary, unless it is the same replica, leaves the in-sync set. */
export function promoted(config: PartitionConfig, replica: ReplicaId): PartitionConfig {
  const inSync = config.inSync.filter((r) => r === replica || r !== config.primary);
  return { ...config, epoch: config.epoch + 1, primary: replica, inSync, handover: null };
}

/** Section 2: the primary, which has stopped acting as `from`, makes a replica in sync primary of the next epoch, and stays in sync. */
export function handedOver(
  config: PartitionConfig,
  to: ReplicaId,
  incarnation: number,
  from: Process,
): PartitionConfig {
  return { ...config, epoch: config.epoch + 1, primary: to, handover: { from, to: incarnation } };
}

export function sameSet(a: readonly ReplicaId[], b: readonly ReplicaId[]): boolean {
  return a.length === b.length && a.every((r) => b.includes(r));
}

/** Is this very process (of this store, started this time) the one the map knows as the node? */
export function isCurrent(map: ClusterMap, node: NodeId, store: string, incarnation: number): boolean {
  const member = map.members[node];
  return member !== undefined && member.store === store && member.incarnation === incarnation;
}

/**
 * The member's record when this process runs it. Of a store that it had before, and that some configuration still counts, the
 * number of starts is kept, so that an old copy of it is told apart when it is put back.
 */
export function withProcess(
  map: ClusterMap,
  member: Member,
  { store, incarnation, url }: Pick<Member, 'store' | 'incarnation' | 'url'>,
): Member {
  const { former: before = {}, ...rest } = member;
  const seen = new Map(Object.entries(before));
  seen.set(member.store, member.incarnation);
  seen.delete(store);
  const counted = new Set(map.partitions.flatMap(({ inSync }) => inSync));
  const kept = [...seen].filter(([old]) => counted.has(replicaId(member.id, old)));
  return {
    ...rest,
    store,
    incarnation,
    url,
    ...(kept.length === 0 ? {} : { former: Object.fromEntries(kept) }),
  };
}
