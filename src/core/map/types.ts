import type { Timings } from '../../limits.js';

/** A node's name within its cluster, such as `n1`. */
export type NodeId = string;
/** One copy on one disk: `node/store`. A wiped disk has another store, so it is another replica. */
export type ReplicaId = string;

export const replicaId = (node: NodeId, store: string): ReplicaId => `${node}/${store}`;
export const nodeOf = (replica: ReplicaId): NodeId => replica.slice(0, replica.indexOf('/'));

/** One run of a node: its store and which start of it. */
export interface Process {
  readonly node: NodeId;
  readonly store: string;
  readonly incarnation: number;
}

export type Durability = 'fsync' | 'process';

export interface Settings {
  readonly partitions: number;
  readonly replicas: number;
  /** Below this many in-sync replicas a partition refuses new writes. */
  readonly minInSync: number;
  readonly durability: Durability;
  readonly timings: Timings;
  /** A member that nobody has heard from for this long, in ms, gets its replicas rebuilt elsewhere. */
  readonly repairAfterMs: number;
}

/**
 * What placement makes of a member. `joining`: registered, or about to be, and given nothing yet. `active`: holds its
 * share. `draining`: is to hold nothing, and leaves the map when it does. `out`: was silent for too long, and
 * is to hold nothing until it is heard again.
 */
export type MemberState = 'joining' | 'active' | 'draining' | 'out';

/** A node's record in the map. `incarnation` counts its starts; 0: never started. */
export interface Member {
  readonly id: NodeId;
  readonly store: string;
  readonly incarnation: number;
  /** `ws://host:port` of the running (or last) process; empty before the first start. */
  readonly url: string;
  readonly weight: number;
  readonly zone: string;
  readonly state: MemberState;
  /** Earlier stores of the node that configurations still count as in sync, and how many starts of each the map has seen. */
  readonly former?: Readonly<Record<string, number>>;
}

/** Is in the map because a command began to add it, and no process of it has registered yet. */
export const isUnregistered = (m: Member): boolean => m.state === 'joining' && m.incarnation === 0;

/**
 * A primary that stopped acting and made another replica primary. `from` acts in no epoch before the configuration's; `to` is
 * the incarnation that may act in it, so that no later life of the new primary takes the epoch for its own.
 */
export interface Handover {
  readonly from: Process;
  readonly to: number;
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
  /** The revision that set `target`: what a learner stored for an earlier placement counts no more. */
  readonly placed: number;
  /** How this epoch began, when it began by a hand-over. */
  readonly handover: Handover | null;
}

/** A replica to be made: what was planned, and what it took. Sizes are of keys and values, in UTF-16 code units. */
export interface Copy {
  readonly p: number;
  readonly to: NodeId;
  /** The member that gives up its replica for it; null: one that was missing. */
  readonly from: NodeId | null;
  /** The partition's size when this was planned; null when nobody asked. */
  readonly planned: number | null;
  /** What was sent to bring the replica in sync; null: it is not in sync yet. */
  readonly sent: number | null;
}

/** The last change of placement: what it was to move, and what it has moved. */
export interface Placement {
  /** Of whoever made it; tells its author whether a publish of unknown outcome took effect. */
  readonly id: string;
  /** The revision that made it. */
  readonly revision: number;
  /** In words: `add n4, drain n2`. */
  readonly cause: string;
  readonly copies: readonly Copy[];
  /** The least number of copies that any placement of these members needs. */
  readonly least: number;
  /** Primaries that change their member, and hand-overs so far. */
  readonly primaries: number;
  readonly handovers: number;
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
  /** null: placed as the cluster was made. */
  readonly placement: Placement | null;
}
