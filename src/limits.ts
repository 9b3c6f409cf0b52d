/** Every limit of muster, with its unit. Layer 0: imports nothing. */
export const limits = {
  /** Maximum length of a key or counter name, in UTF-8 bytes. */
  keyBytes: 512,
  /** Maximum size of a value, in UTF-8 bytes. */
  valueBytes: 1024 * 1024,
  /** Maximum size of a WebSocket frame, in bytes. A larger one closes the connection with 1009. */
  frameBytes: 8 * 1024 * 1024,
  /** Maximum size of the entries in one APPEND, in bytes. A single larger entry is sent alone. */
  appendBytes: 1024 * 1024,
  /** Maximum size of the entries in flight to one replica, in bytes. Then the primary waits for an ack. */
  streamWindowBytes: 4 * 1024 * 1024,
  /** Maximum size of one chunk of a snapshot, in UTF-16 code units of its JSON. */
  snapshotChunk: 128 * 1024,
  /** Maximum number of learners that a node catches up concurrently while no replica is missing. */
  movesAtOnce: 2,
  /** Maximum number of learners that a node catches up concurrently while replicas are missing. */
  repairsAtOnce: 8,
  /** Maximum bytes per second that an idle node sends to all its learners together. */
  copyBytesPerSecond: 32 * 1024 * 1024,
  /** Maximum bytes per second that a busy node sends to all its learners together. */
  copyBytesLeast: 1024 * 1024,
  /** Maximum number of primaries that a node hands over concurrently. */
  handoversAtOnce: 4,
  /** Time for which changes of the map that nobody waits for are batched, in ms. */
  gatherMs: 300,
  /** Interval between ticks of a node, in ms. */
  tickMs: 25,
  /**
   * Time for which a replica may hold up entries that all others have, in ms. Then it leaves the in-sync set as a laggard. A primary that
   * has been unable to commit for this long stops claiming its partition.
   */
  lagMs: 1500,
  /** Time for which a laggard is kept out of the in-sync set, in ms. It is doubled the second time, and tripled from the third on. */
  lagReturnMs: 5000,
  /** Minimum time that a replica must be in sync before it is made primary by a hand-over, in ms. */
  handoverAfterMs: 500,
  /** Maximum time for which a hand-over that is not drained, or of unknown outcome, holds up requests, in ms. */
  handoverMs: 1000,
  /** Time after which a replica that the map no longer names is deleted, in ms. */
  dropAfterMs: 5000,
  /** Time for which a joining member without a share must be heard before the nodes give it one, in ms. */
  joinPatienceMs: 10_000,
  /** Time for which an evicted member must be heard before it gets its share back, in ms. */
  returnAfterMs: 3000,
  /** Maximum silence of other nodes that one tick counts, in ms. */
  livenessStepMs: 100,
  /** Interval between heartbeats of nodes that share no partition, in ms. */
  idleBeaconMs: 1000,
  /** Minimum of `--repair-after`, in ms: the silence after which the replicas of a member are rebuilt elsewhere. */
  repairAfterLeastMs: 2000,
  /** Maximum of `--repair-after`, in ms. */
  repairAfterMostMs: 7 * 24 * 3600 * 1000,
  /** Maximum number of entries that a partition has accepted and not committed. Further ones are refused as `busy`. */
  pipelineEntries: 8192,
  /** Maximum bytes queued for one connection. A slower receiver is disconnected. */
  connectionQueueBytes: 64 * 1024 * 1024,
  /** Maximum number of connections that a node accepts. */
  connections: 1024,
  /** Maximum number of requests in flight on a client connection. Further ones are refused as `busy`. */
  requestsPerConnection: 16_384,
  /** Maximum number of results kept for a session. An operation’s number may be at most this far past the first incomplete one. */
  sessionWindow: 1024,
  /**
   * Maximum size of the results of a session that its client has not acknowledged, in UTF-16 code units. Then the client must acknowledge
   * some first. The largest single result is what a transaction has read, six times as long in JSON.
   */
  sessionUnits: 16 * 1024 * 1024,
  /** Maximum number of sessions of a partition. Then OPEN is refused. */
  sessionsPerPartition: 10_000,
  /** Time after which an idle session is expired by a logged command, in ms. */
  sessionIdleMs: 10 * 60_000,
  /** Maximum number of items of a transaction. */
  txItems: 1024,
  /** Maximum size of all items of a transaction, in bytes of their JSON: they must fit a frame with their envelope. */
  txBytes: 6 * 1024 * 1024,
  /** Maximum size of a log entry, in bytes of its JSON: it must fit a frame with its envelope. */
  entryBytes: 8 * 1024 * 1024 - 64 * 1024,
  /**
   * Maximum size of the reads of a transaction, in UTF-16 code units of keys and values. JSON takes up to six times that, and it must fit
   * a frame.
   */
  txReadUnits: 1024 * 1024,
  /** Maximum number of operations and prepares of a partition that wait for transactions to end. Further ones are refused immediately. */
  txWaiting: 10_000,
  /** Maximum time that an operation or an older transaction waits for others that hold its keys, in ms. */
  txWaitMs: 1000,
  /** Maximum time that a younger transaction waits before it gives way, in ms. */
  txYieldMs: 50,
  /** Time after which an unanswered message of a transaction is sent again, in ms. */
  txRetryMs: 100,
  /** Interval at which a participant that has heard nothing asks the anchor, in ms. */
  txAskMs: 300,
  /** Maximum delay until a finished transaction is forgotten together with others, in ms. */
  txForgetMs: 500,
  /** Time after which a transaction is aborted if not all participants have voted, in ms. */
  txPrepareMs: 3000,
  /** Time that a new primary gives clients to return with undecided transactions, before it aborts those not fully prepared, in ms. */
  txReturnMs: 500,
  /** Maximum number of transactions whose steps a primary remembers. */
  txTraces: 64,
  /** Maximum number of steps of a transaction that a primary remembers. */
  txTraceEvents: 256,
  /** Maximum time that `--pause-at` stops a transaction, in ms. */
  txPauseMs: 60_000,
  /** Maximum time to live of a lock, in ms. */
  lockTtlMostMs: 24 * 3600 * 1000,
  /** Minimum time to live of a lock, in ms. */
  lockTtlLeastMs: 100,
  /** Maximum number of permits of a semaphore. */
  lockPermits: 1000,
  /** Maximum number of waiters for one lock. */
  lockWaiters: 1000,
  /** Time after which a place in a lock’s queue is given up if its client does not ask for it, in ms. */
  lockWaiterMs: 3000,
  /** Maximum time for which a query for a place in the queue is held before it is answered, in ms. */
  lockAwaitMs: 500,
  /** Maximum length of the name of a service or method, in characters. */
  serviceName: 40,
  /** Default number of handlers that a node runs concurrently. */
  serviceInflight: 256,
  /** Maximum of `--max-inflight`. */
  serviceInflightMost: 65_536,
  /** Maximum number of requests that wait on a node for a handler. Further ones are refused as `busy`. */
  serviceQueue: 1024,
  /** Maximum time of a request, in ms. */
  serviceCallMs: 3600 * 1000,
  /** Maximum time that a stopping node waits for its handlers, in ms. */
  serviceDrainMs: 5000,
  /** Maximum size of the parameters or the reply of a request, in bytes of JSON. */
  serviceBytes: 4 * 1024 * 1024,
  /** Time after which an unanswered idempotent request is also sent to another node, in ms. */
  serviceAttemptMs: 1000,
  /** Maximum time for the head of a gateway request to arrive, in ms. */
  gatewayHeadMs: 10_000,
  /** Maximum time for a whole gateway request to arrive, in ms. */
  gatewayRequestMs: 60_000,
  /** Maximum time that a stopping gateway waits for requests in flight, in ms. */
  gatewayDrainMs: 5000,
  /** Maximum nesting of arrays and objects in a request body. Encoding a deeper one would overflow the stack. */
  gatewayDepth: 1000,
  /** Maximum length of a request id that a gateway accepts, in characters. */
  gatewayIdChars: 128,
  /** Maximum age of a gateway’s list of services, in ms. */
  gatewayServicesMs: 2000,
  /** Maximum number of pages that a dashboard serves. Further ones are refused. */
  dashboardPages: 16,
  /** Maximum size of a message from a page to its dashboard, in bytes. */
  dashboardMessageBytes: 16 * 1024,
  /** Maximum number of actions in progress for one page. Further ones are refused. */
  dashboardAsked: 16,
  /** Bytes queued for a page above which it skips intermediate updates. */
  dashboardQueueBytes: 1024 * 1024,
  /** Time after which a page that does not answer is disconnected, in ms. */
  dashboardSilenceMs: 30_000,
  /** Maximum number of entries in a page of `scan` or `rows`. */
  scanPage: 1000,
  /** Maximum size of a page of `scan`, in bytes of keys and values. */
  scanBytes: 4 * 1024 * 1024,
  /** Maximum size of a page of `rows`, in UTF-16 code units of its JSON. UTF-8 takes up to three times that, and it must fit a frame. */
  rowsUnits: 2 * 1024 * 1024,
  /** Number of applied entries kept in memory for catch-up by log, per partition. */
  retainEntries: 1024,
  /** Maximum size of the applied entries kept in memory for catch-up by log, in bytes, per partition. */
  retainBytes: 4 * 1024 * 1024,
  /** Maximum size of the applied entries kept for a replica that is catching up, in bytes, per partition. Then it starts over. */
  catchUpBytes: 128 * 1024 * 1024,
  /** Maximum size of the entries that a partition has accepted and not committed, in bytes. Further ones are refused as `busy`. */
  pipelineBytes: 64 * 1024 * 1024,
  /**
   * Maximum size of a partition (keys and values, results, locks, transactions), in UTF-16 code units. Then only operations that delete,
   * end or count are accepted. At twice this size, logged entries that would add more are refused when they are applied.
   */
  partitionUnits: 64 * 1024 * 1024,
  /** Size above which a log segment is closed, in bytes. */
  segmentBytes: 16 * 1024 * 1024,
  /** Maximum size of a frame of the log, in bytes: 1 MiB of records plus the largest record, a transaction with its reads. */
  recordBytes: 32 * 1024 * 1024,
  /** Maximum number of partitions of a cluster. */
  partitions: 16_384,
  /** Maximum number of members of a cluster. */
  members: 1000,
  /** Maximum number of nodes that `cluster start -n` starts on one machine. */
  localNodes: 100,
  /** Maximum number of network faults in force. */
  faults: 100,
  /** Maximum delay of one network fault, in ms, without its jitter. */
  faultDelayMs: 10 * 60_000,
  /** Maximum length of the name of a cluster or node, in characters. */
  nameLength: 40,
  /** Maximum value of a counter. */
  counterMax: Number.MAX_SAFE_INTEGER,
  /** Minimum value of a counter. */
  counterMin: Number.MIN_SAFE_INTEGER,
} as const;

/**
 * Upper bounds, in ms, of the buckets in which a node counts the latencies of its answers: two for each doubling, from 0.1 ms to about
 * 13 s. One more bucket counts longer ones. A node only counts; an observer compares two counts.
 */
export const latencyBoundsMs: readonly number[] = Array.from({ length: 35 }, (_, i) => 0.1 * 2 ** (i / 2));

/** Times of the protocol, in ms on each node's monotonic clock; ρ is the largest relative clock drift. */
export interface Timings {
  /** Interval between heartbeats of a primary. */
  readonly beaconMs: number;
  /** L: how long a lease lasts, counted from the sending of the heartbeat that was acked. */
  readonly leaseMs: number;
  /** G: how long a backup does not act, counted from the receipt of the last heartbeat that it granted. */
  readonly graceMs: number;
  /** ρ: the maximum relative drift of a clock. */
  readonly drift: number;
  /** Time after which a stream without progress attaches anew. */
  readonly resendMs: number;
  /** Time after which a backup that grants leases but stores nothing is removed from the in-sync set. */
  readonly stallMs: number;
}

/** Default of `--repair-after`, in ms. */
export const defaultRepairAfterMs = 30_000;

export const defaultTimings: Timings = {
  beaconMs: 200,
  leaseMs: 1200,
  graceMs: 1800,
  drift: 0.01,
  resendMs: 1000,
  stallMs: 10_000,
};

/** Checks PROTOCOL R12, `L(1+ρ) < G(1−ρ)`, and that a lease outlives two heartbeats. Returns the problem, or null. */
export function checkTimings(t: Timings): string | null {
  if (!(t.leaseMs * (1 + t.drift) < t.graceMs * (1 - t.drift))) {
    return `the lease (${t.leaseMs} ms) must end before the grace (${t.graceMs} ms) on any two clocks that drift ${t.drift}`;
  }
  if (t.leaseMs < 2 * t.beaconMs)
    return `the lease (${t.leaseMs} ms) must outlive two heartbeats (${t.beaconMs} ms each)`;
  return null;
}
