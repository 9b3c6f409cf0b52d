import type { Timings } from '../../limits.js';

/** A node's name within its cluster, such as `n1`. */
export type NodeId = string;
/** One copy on one disk: `node/store`. A wiped disk has another store, so it is another replica. */
export type ReplicaId = string;

export const replicaId = (node: NodeId, store: string): ReplicaId => `${node}/${store}`;
export const nodeOf = (replica: ReplicaId): NodeId => replica.slice(0, replica.indexOf('/'));

export type Durability = 'fsync' | 'process';

export interface Settings {
  readonly partitions: number;
  readonly replicas: number;
  /** Below this many in-sync replicas a partition refuses new writes. */
  readonly minInSync: number;
  readonly durability: Durability;
  readonly timings: Timings;
}

/** A node's record in the map. `incarnation` counts its starts; 0: never started. */
export interface Member {
  readonly id: NodeId;
  readonly store: string;
  readonly incarnation: number;
  /** `ws://host:port` of the running (or last) process; empty before the first start. */
  readonly url: string;
  readonly weight: number;
  readonly zone: string;
}

export interface PartitionConfig {
  /** Rises only by unclean recovery. */
  readonly gen: number;
  /** Rises with every new primary. */
  readonly epoch: number;
  readonly primary: ReplicaId;
  /** The replicas that hold every committed entry; the primary is one of them. */
  readonly inSync: readonly ReplicaId[];
  /** The members that placement wants to hold this partition, first choice of primary first. */
  readonly target: readonly NodeId[];
}

/** The one numbered document. Immutable: a change makes a new one with the next revision. */
export interface ClusterMap {
  readonly format: 1;
  readonly cluster: string;
  readonly name: string;
  readonly revision: number;
  readonly settings: Settings;
  readonly members: Readonly<Record<NodeId, Member>>;
  readonly partitions: readonly PartitionConfig[];
}
