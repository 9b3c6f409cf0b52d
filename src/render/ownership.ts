import { type ClusterMap, nodeOf } from '../core/map/types.js';

export interface Owner {
  readonly node: string;
  /** Partitions it is primary of. */
  readonly partitions: number;
  /** That, as a share of all partitions. */
  readonly share: number;
  /** The share its weight asks for. */
  readonly ideal: number;
  /** Partitions it holds a copy of that is in sync, the primary's among them. */
  readonly copies: number;
}

/** Who owns how much of the key space, against the ideal. Pure. */
export function ownership(map: ClusterMap): Owner[] {
  const members = Object.values(map.members);
  const weight = members.reduce((sum, m) => sum + m.weight, 0);
  const primaries = new Map<string, number>();
  const copies = new Map<string, number>();
  for (const config of map.partitions) {
    const primary = nodeOf(config.primary);
    primaries.set(primary, (primaries.get(primary) ?? 0) + 1);
    for (const replica of config.inSync) copies.set(nodeOf(replica), (copies.get(nodeOf(replica)) ?? 0) + 1);
  }
  return members
    .map(({ id, weight: own }): Owner => {
      const partitions = primaries.get(id) ?? 0;
      return {
        node: id,
        partitions,
        share: partitions / map.partitions.length,
        ideal: own / weight,
        copies: copies.get(id) ?? 0,
      };
    })
    .sort((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true }));
}
