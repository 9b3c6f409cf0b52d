import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ReplicaStatus } from '../core/node.js';

/** What a running node says of itself. */
export interface NodeStatus {
  readonly id: NodeId;
  readonly cluster: string;
  /** The cluster's folder, as the node has it. */
  readonly folder: string;
  readonly version: string;
  readonly pid: number;
  readonly url: string;
  readonly store: string;
  readonly incarnation: number;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly revision: number;
  /** Revision of the fault plan that it has applied; 0: none. */
  readonly faultRevision: number;
  readonly partitions: readonly PartitionStatus[];
  readonly storage: { readonly logBytes: number; readonly segments: number; readonly syncs: number };
}

/** What a node says of one replica that it holds. */
export type PartitionStatus = ReplicaStatus;

export interface KvEntry {
  readonly key: string;
  readonly value: string;
  readonly version: number;
}

export interface CounterEntry {
  readonly name: string;
  readonly value: number;
}

export interface CallOptions {
  /** How long to try, in ms; then `timeout` (certainly not done) or `outcome-unknown`. */
  readonly timeoutMs?: number;
}

export interface PutOptions extends CallOptions {
  /** Only if the key's version is still this (0: the key does not exist); else `conflict`. */
  readonly ifVersion?: number;
}

/** Typed calls on a cluster. Every operation is exactly once: retried under one identity until answered. Rejects with `MusterError`. */
export interface MusterClient {
  readonly kv: {
    /** null: there is no such key. `wrong-type` when it is a counter. */
    get(key: string, options?: CallOptions): Promise<KvEntry | null>;
    put(key: string, value: string, options?: PutOptions): Promise<KvEntry>;
    /** Was there one? */
    delete(key: string, options?: PutOptions): Promise<boolean>;
    /** In order of the keys (UTF-16 code units), page after page. */
    list(options?: { prefix?: string; after?: string } & CallOptions): AsyncIterable<KvEntry>;
  };
  readonly counter: {
    /** The value after. */
    incr(name: string, by?: number, options?: CallOptions): Promise<number>;
    /** A counter nobody touched is 0 (null with `strict`). */
    get(name: string, options?: CallOptions): Promise<number | null>;
    /** The value after. */
    reset(name: string, value?: number, options?: CallOptions): Promise<number>;
    list(options?: { prefix?: string; after?: string } & CallOptions): AsyncIterable<CounterEntry>;
  };
  /** The newest cluster map, read from the metastore. */
  map(): Promise<ClusterMap>;
  /** Asks one node directly. Rejects with `unreachable` or `timeout`. */
  status(node: NodeId, options?: CallOptions): Promise<NodeStatus>;
  /** Asks a node to change nothing for `ms`: no new writes, no change of the map (before a cluster is stopped). */
  quiesce(node: NodeId, ms: number, options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}
