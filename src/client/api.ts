import type { TraceEvent, TxItem, TxReason } from '../core/machine/types.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ReplicaStatus } from '../core/node.js';
import type { Considered, NodeLoad, Pick, RouterView, StrategyName } from '../router/types.js';
import type { Json, ServiceView } from '../service/definition.js';

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
  readonly storage: {
    readonly logBytes: number;
    readonly segments: number;
    readonly syncs: number;
    /** Why the node cannot checkpoint, and its log only grows; null: it can. */
    readonly checkpointError: string | null;
  };
  readonly requests: RequestCounts;
  readonly calls: CallCounts;
}

/** Reads and writes that a node answered as primary, counted since its process started. Lists of locks and transactions do not count. */
export interface RequestCounts {
  readonly reads: number;
  readonly writes: number;
  /** Refused: too busy, too few in sync, invalid. One sent on to another primary is not counted here. */
  readonly failed: number;
  /** Under way now. */
  readonly inflight: number;
  /** How many of the answered took how long, from decoding to the reply's release: one count for each of `latencyBoundsMs`, and one for what took longer. */
  readonly latency: readonly number[];
}

/** Calls of services, counted since the node's process started. */
export interface CallCounts {
  readonly finished: number;
  /** Refused, or ended by an error or by their deadline. */
  readonly failed: number;
  /** Handlers that run now, and requests that wait for one to end. */
  readonly inflight: number;
  readonly queued: number;
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

export interface ServiceCallOptions extends CallOptions {
  /** For `hash`: requests of one key go to one node while it lives. */
  readonly key?: string;
  /** May it be run twice? Left out: as its service declares. Only then is it sent to another node when one does not answer. */
  readonly idempotent?: boolean;
  /** Ask another node when the first has not answered within this quantile of the latencies so far (0.95); idempotent only. */
  readonly hedge?: number;
  /** Say in the report who was considered. */
  readonly explain?: boolean;
}

export interface RouterOptions {
  /** Default `two-choices`. A function is given the candidates and names one. */
  readonly strategy?: StrategyName | Pick;
  /** Static weights by node, for the strategies that have them. */
  readonly weights?: Readonly<Record<NodeId, number>>;
  /** Of its random choices. */
  readonly seed?: number;
}

/** A request that was answered. */
export interface CallReport {
  readonly value: Json;
  readonly node: NodeId;
  readonly attempts: number;
  /** From the asking to the answer. */
  readonly ms: number;
  readonly load: NodeLoad;
  /** With `explain`: all nodes as they stood at the first attempt, and why this one was chosen. */
  readonly considered?: readonly Considered[];
  readonly why?: string;
}

export type { Considered, Json, NodeLoad, Pick, RouterView, ServiceView, StrategyName };

export interface ServiceRouter {
  /** As `client.call`. */
  call(to: string, params?: unknown, options?: ServiceCallOptions): Promise<Json>;
  /** The same, and tells who answered. */
  route(to: string, params?: unknown, options?: ServiceCallOptions): Promise<CallReport>;
  view(): RouterView;
}

export interface PutOptions extends CallOptions {
  /** Only if the key's version is still this (0: the key does not exist); else `conflict`. */
  readonly ifVersion?: number;
  /** Only if no greater token of that lock was seen with this key; else `fenced`. */
  readonly fence?: { readonly name: string; readonly token: number };
}

/** What a transaction came to. `aborted`: nothing of it was done, nor will be. */
export interface TxReport {
  readonly id: string;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  readonly reads: readonly {
    readonly key: string;
    readonly value: string | number | null;
    readonly version: number;
  }[];
  readonly reason: TxReason | null;
  /** The reason in words. */
  readonly message: string | null;
  /** How often it was tried: a conflict with another transaction is tried again. */
  readonly attempts: number;
}

export interface TxOptions extends CallOptions {
  /** Pauses there until the transaction is aborted, its coordinator fails, or a minute has passed. */
  readonly pauseAt?: 'prepared' | 'decided';
}

/** A transaction that has not ended, as one of its partitions has it. */
export interface TxView {
  readonly id: string;
  readonly partition: number;
  readonly role: 'coordinator' | 'participant';
  /** `in-doubt`: prepared here, and the decision has not come. */
  readonly state: 'pending' | 'committed' | 'in-doubt';
  readonly anchor: number;
  /** Of a coordinator. */
  readonly participants: readonly number[];
  readonly keys: readonly string[];
}

/** The user's view of an optimistic transaction: what it reads must still be so when it commits. */
export interface Transaction {
  /** What is there, this transaction's own writes included; null: nothing. */
  get(key: string): Promise<string | number | null>;
  put(key: string, value: string): void;
  delete(key: string): void;
  incr(name: string, by?: number): void;
}

export interface TransactionOptions extends CallOptions {
  /** How often the function is run again with fresh reads after a conflict; default 16. */
  readonly retries?: number;
}

export interface LockOptions extends CallOptions {
  /** Time to live, in ms: how long the lock stays held by a holder that is not heard from. */
  readonly ttlMs: number;
  /** How long to wait in the queue, in ms; default 0: not at all. */
  readonly waitMs?: number;
  /** How many may hold it at once; default 1. */
  readonly permits?: number;
  readonly signal?: AbortSignal;
}

/** A lock that is held. */
export interface HeldLock {
  readonly name: string;
  /** The fencing token: greater than those of all who held it before. */
  readonly token: number;
  /** Until when it is certainly held, on `performance.now()`, if it is not renewed; earlier after a sleep of the machine. */
  readonly validUntil: number;
  /** Aborted as soon as it can no longer be proved that the lock is held. */
  readonly signal: AbortSignal;
  /** Renews it by itself at a third of its time, from now on. */
  keep(): void;
  renew(options?: CallOptions): Promise<void>;
  release(options?: CallOptions): Promise<void>;
}

export interface LockView {
  readonly name: string;
  readonly permits: number;
  readonly holders: readonly { readonly token: number; readonly ttlMs: number }[];
  readonly waiting: number;
}

/** Typed calls on a cluster. Every operation is exactly once: retried under one identity until answered. Rejects with `MusterError`. */
export interface MusterClient {
  readonly kv: {
    /** null: the key does not exist. Rejects with `wrong-type` when it is a counter. */
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
    /** A counter that does not exist is 0 (null with `strict`). */
    get(name: string, options?: CallOptions): Promise<number | null>;
    /** The value after. */
    reset(name: string, value?: number, options?: CallOptions): Promise<number>;
    list(options?: { prefix?: string; after?: string } & CallOptions): AsyncIterable<CounterEntry>;
  };
  readonly tx: {
    /**
     * One atomic, strictly serializable step over any keys. A conflict with another transaction is tried again until the time is up; a
     * failed check is not. Rejects with `usage` for items that cannot be, and as every call does; an unknown outcome is a report, with its id.
     */
    run(items: readonly TxItem[], options?: TxOptions): Promise<TxReport>;
    /** Every transaction that has not ended. */
    list(options?: CallOptions): Promise<TxView[]>;
    /** What is known of one: the parts that have not ended, and what its coordinator remembers. */
    show(id: string, options?: CallOptions): Promise<{ parts: TxView[]; trace: readonly TraceEvent[] }>;
    /** Asks for its abort; never overrides a decision. */
    abort(id: string, options?: CallOptions): Promise<'committed' | 'aborting' | 'unknown'>;
  };
  /**
   * Runs `work` until what it read is still so when what it wrote is committed. Rejects with `conflict` after `retries`, with what
   * `work` throws (then nothing was written), or `outcome-unknown`.
   */
  transaction<T>(work: (t: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  readonly locks: {
    /**
     * Rejects with `lock-held` when it is not got in time, `interrupted`, or as every call does; then the caller does not hold it. The caller
     * keeps it alive: `keep()`, or `renew()` in time.
     */
    acquire(name: string, options: LockOptions): Promise<HeldLock>;
    /** Releases the lock by its token, from any client; rejects with `lock-lost` when that token does not hold it. */
    release(name: string, token: number, options?: CallOptions): Promise<void>;
    show(name: string, options?: CallOptions): Promise<LockView | null>;
    list(options?: CallOptions): Promise<LockView[]>;
  };
  /** Runs `work` while holding the lock, kept alive; `signal` is aborted when it is lost. Released on every way out. */
  lock<T>(name: string, options: LockOptions, work: (held: HeldLock) => Promise<T>): Promise<T>;
  /**
   * Runs `SERVICE.METHOD` on a node, two choices by load. Rejects with `handler-failed` (its message, `details.own` its code), `busy`,
   * `unknown-service`, `unreachable`, `timeout`, or `outcome-unknown` when a handler that is not idempotent may have run.
   */
  call(to: string, params?: unknown, options?: ServiceCallOptions): Promise<Json>;
  /** Calls by a strategy of one's own choice, with its own memory of the nodes. */
  router(options?: RouterOptions): Promise<ServiceRouter>;
  /** What the nodes run. */
  services(options?: CallOptions): Promise<ServiceView[]>;
  /** The newest cluster map, read from the metastore. */
  map(): Promise<ClusterMap>;
  /** Asks one node directly. Rejects with `unreachable` or `timeout`. */
  status(node: NodeId, options?: CallOptions): Promise<NodeStatus>;
  /** Asks a node to change nothing for `ms`: no new writes, no change of the map (before a cluster is stopped). */
  quiesce(node: NodeId, ms: number, options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}
