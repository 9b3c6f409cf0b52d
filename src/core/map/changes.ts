import type { ClusterMap, Member, NodeId, PartitionConfig, ReplicaId } from './types.js';

/** What one publish changes: at most this node's own record, and some partitions. */
export interface MapChange {
  readonly member: Member | null;
  readonly partitions: ReadonlyMap<number, PartitionConfig>;
}

export function isEmpty(change: MapChange): boolean {
  return change.member === null && change.partitions.size === 0;
}

/** The map with the change, one revision on. */
export function applyChange(map: ClusterMap, change: MapChange): ClusterMap {
  return {
    ...map,
    revision: map.revision + 1,
    members: change.member === null ? map.members : { ...map.members, [change.member.id]: change.member },
    partitions:
      change.partitions.size === 0
        ? map.partitions
        : map.partitions.map((config, p) => change.partitions.get(p) ?? config),
  };
}

/** R9: `replica` takes over; the old primary, unless it is the same replica, leaves the in-sync set. */
export function promoted(config: PartitionConfig, replica: ReplicaId): PartitionConfig {
  const inSync = config.inSync.filter((r) => r === replica || r !== config.primary);
  return { ...config, epoch: config.epoch + 1, primary: replica, inSync };
}

export function sameSet(a: readonly ReplicaId[], b: readonly ReplicaId[]): boolean {
  return a.length === b.length && a.every((r) => b.includes(r));
}

/** Is this very process (of this store, started this time) the one the map knows as the node? */
export function isCurrent(map: ClusterMap, node: NodeId, store: string, incarnation: number): boolean {
  const member = map.members[node];
  return member !== undefined && member.store === store && member.incarnation === incarnation;
}
