import {
  type ClusterMap,
  type Member,
  type NodeId,
  type PartitionConfig,
  replicaId,
} from '../core/map/types.js';
import { place } from '../core/ring/placement.js';
import { defaultTimings } from '../limits.js';
import type { Scenario } from './scenario.js';

/** The first map of a cluster of these nodes. */
export function genesis(
  scenario: Scenario,
  nodes: readonly NodeId[],
  storeOf: (node: NodeId) => string,
): ClusterMap {
  const { partitions, replicas, minInSync, repairAfterMs, durability } = scenario;
  const members: Record<NodeId, Member> = {};
  for (const id of nodes)
    members[id] = { id, store: storeOf(id), incarnation: 0, url: '', weight: 1, zone: '', state: 'active' };
  const targets = place({
    partitions,
    replicas,
    members: nodes.map((id) => ({ id, weight: 1, zone: '' })),
  });
  const configs = targets.map((target): PartitionConfig => {
    const inSync = target.map((id) => replicaId(id, (members[id] as Member).store));
    return { gen: 1, epoch: 1, primary: inSync[0] as string, inSync, target, placed: 1, handover: null };
  });
  return {
    format: 1,
    cluster: 'sim',
    name: 'sim',
    revision: 1,
    settings: {
      partitions,
      replicas,
      minInSync,
      durability,
      timings: defaultTimings,
      repairAfterMs,
    },
    members,
    partitions: configs,
    placement: null,
  };
}
