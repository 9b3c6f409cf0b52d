/**
 * Every bound of muster, with its unit, in one place; `checkLimits` holds the relations between them.
 * Layer 0: imports nothing.
 */
export const limits = {
  /** Longest key or counter name, in UTF-8 bytes. */
  keyBytes: 512,
  /** Largest value, in UTF-8 bytes. */
  valueBytes: 1024 * 1024,
  /** Largest WebSocket frame accepted, in bytes; a larger one closes the connection with 1009. */
  frameBytes: 8 * 1024 * 1024,
  /** One APPEND carries at most this many bytes of entries (a single larger entry travels alone). */
  appendBytes: 1024 * 1024,
  /** Bytes of entries under way to one replica before the primary waits for an ack. */
  streamWindowBytes: 4 * 1024 * 1024,
  /** One chunk of a snapshot, in UTF-16 code units of its JSON. */
  snapshotChunk: 128 * 1024,
  /** Learners that a node brings up to date at once when no replica is missing. */
  movesAtOnce: 2,
  /** The same when some replicas are missing. */
  repairsAtOnce: 8,
  /** Bytes a second that an idle node sends to all its learners together. */
  copyBytesPerSecond: 32 * 1024 * 1024,
  /** The same of a busy node. */
  copyBytesLeast: 1024 * 1024,
  /** Primaries that a node hands over at once. */
  handoversAtOnce: 4,
  /** Changes of the map that nobody waits for are gathered for about this long, in ms. */
  gatherMs: 300,
  /** A node looks what is due this often, in ms. */
  tickMs: 25,
  /** A replica that has held up what all others have for this long, in ms, leaves the in-sync set; a primary that could commit nothing lets others try. */
  lagMs: 1500,
  /** It may come back after this long, in ms; after twice and three times this long when it happens again. */
  lagReturnMs: 5000,
  /** A replica must have been in sync for this long, in ms, before it is made primary by a hand-over. */
  handoverAfterMs: 500,
  /** A hand-over not drained, or of unknown outcome, for this long, in ms, holds up requests no longer. */
  handoverMs: 1000,
  /** A replica that the map has not named for this long, in ms, is deleted. */
  dropAfterMs: 5000,
  /** A member that joined and was not given its share is given it after being heard for this long, in ms. */
  joinPatienceMs: 10_000,
  /** A member that was out gets its share back after being heard for this long, in ms. */
  returnAfterMs: 3000,
  /** Longest time, in ms, that one tick counts as silence of the others. */
  livenessStepMs: 100,
  /** Nodes that share no partition tell each other that they live this often, in ms. */
  idleBeaconMs: 1000,
  /** Shortest time, in ms, after which a silent member's replicas may be rebuilt elsewhere. */
  repairAfterLeastMs: 2000,
  /** The longest. */
  repairAfterMostMs: 7 * 24 * 3600 * 1000,
  /** Entries a partition may have accepted and not yet committed; more is answered `busy`. */
  pipelineEntries: 8192,
  /** Bytes queued for one connection before it is cut off as too slow. */
  connectionQueueBytes: 64 * 1024 * 1024,
  /** Connections a node accepts. */
  connections: 1024,
  /** Requests one client connection may have under way; more is answered `busy`. */
  requestsPerConnection: 16_384,
  /** Results kept for a session: an operation's number may be at most this far past the first incomplete. */
  sessionWindow: 1024,
  /**
   * Results kept for a session that its client has not acknowledged, in UTF-16 code units: beyond, it has to acknowledge some first. The
   * longest is what a transaction has read, sixfold as JSON.
   */
  sessionUnits: 16 * 1024 * 1024,
  /** Sessions a partition keeps; at capacity OPEN is refused. */
  sessionsPerPartition: 10_000,
  /** A session idle this long is expired by a logged command, in ms. */
  sessionIdleMs: 10 * 60_000,
  /** Items of a transaction. */
  txItems: 1024,
  /** All items of a transaction together, in bytes of their JSON: they must fit a frame with what goes along. */
  txBytes: 6 * 1024 * 1024,
  /** An entry of a log in bytes of its JSON: it must fit a frame with what goes along. */
  entryBytes: 8 * 1024 * 1024 - 64 * 1024,
  /** What a transaction may read, in UTF-16 code units of keys and values: as JSON sixfold at worst, it must fit a frame. */
  txReadUnits: 1024 * 1024,
  /** Operations and prepares of a partition that wait for transactions to end; more give way at once. */
  txWaiting: 10_000,
  /** How long an operation or an older transaction waits for others that hold its keys, in ms. */
  txWaitMs: 1000,
  /** How long a younger one waits before it gives way, in ms. */
  txYieldMs: 50,
  /** A message of a transaction not answered for this long is sent again, in ms. */
  txRetryMs: 100,
  /** A participant that has heard nothing for this long asks the anchor, in ms. */
  txAskMs: 300,
  /** A finished transaction is forgotten with others, at most this much later, in ms. */
  txForgetMs: 500,
  /** Not everybody has voted after this long: aborted, in ms. */
  txPrepareMs: 3000,
  /** A new primary gives clients this long to come again with what was not decided, before it aborts what not all have prepared, in ms. */
  txReturnMs: 500,
  /** Transactions whose steps a primary remembers. */
  txTraces: 64,
  /** Steps of each that it remembers. */
  txTraceEvents: 256,
  /** Longest time, in ms, that a transaction stays where `--pause-at` stopped it. */
  txPauseMs: 60_000,
  /** Longest time to live of a lock, in ms. */
  lockTtlMostMs: 24 * 3600 * 1000,
  /** The shortest. */
  lockTtlLeastMs: 100,
  /** Permits of a semaphore. */
  lockPermits: 1000,
  /** Most that wait for one lock. */
  lockWaiters: 1000,
  /** A place in a lock's queue that nobody asks after for this long is given up, in ms. */
  lockWaiterMs: 3000,
  /** How long a question for a place in the queue is kept before it is answered anyway, in ms. */
  lockAwaitMs: 500,
  /** Longest name of a service or of a method, in characters. */
  serviceName: 40,
  /** Handlers that a node runs at once, unless its cluster says otherwise. */
  serviceInflight: 256,
  /** The most that a cluster may say. */
  serviceInflightMost: 65_536,
  /** Requests that wait on a node for a handler to end; more is answered `busy`. */
  serviceQueue: 1024,
  /** Longest time, in ms, that a request may take. */
  serviceCallMs: 3600 * 1000,
  /** A node that stops waits this long, in ms, for its handlers to end. */
  serviceDrainMs: 5000,
  /** Parameters or reply of a request, as bytes of JSON. */
  serviceBytes: 4 * 1024 * 1024,
  /** An attempt at an idempotent request that is not answered for this long, in ms, is made at another node as well. */
  serviceAttemptMs: 1000,
  /** How long the head of a request to a gateway may take to arrive, in ms. */
  gatewayHeadMs: 10_000,
  /** The same of the whole request. */
  gatewayRequestMs: 60_000,
  /** A gateway that ends waits this long, in ms, for the requests under way. */
  gatewayDrainMs: 5000,
  /** Arrays and objects within each other in a body that a gateway takes: more, and writing it out overflows the stack. */
  gatewayDepth: 1000,
  /** Longest request id that a gateway takes over, in characters. */
  gatewayIdChars: 128,
  /** What a gateway knows of the services is at most this old, in ms. */
  gatewayServicesMs: 2000,
  /** Pages that a dashboard serves at once; further ones are refused. */
  dashboardPages: 16,
  /** Longest message of a page to its dashboard, in bytes. */
  dashboardMessageBytes: 16 * 1024,
  /** What is asked for by one page and not done yet; more is answered with an error. */
  dashboardAsked: 16,
  /** Bytes that wait to be read by a page before it is spared the pictures in between. */
  dashboardQueueBytes: 1024 * 1024,
  /** A page that does not answer for this long, in ms, is cut off. */
  dashboardSilenceMs: 30_000,
  /** Largest page of `scan` or `rows`, in entries. */
  scanPage: 1000,
  /** Largest page of `scan`, in bytes of keys and values. */
  scanBytes: 4 * 1024 * 1024,
  /** Largest page of `rows`, in UTF-16 code units of its JSON: as UTF-8 threefold at worst, it must fit a frame. */
  rowsUnits: 2 * 1024 * 1024,
  /** Applied entries kept in memory for catch-up by log, per partition. */
  retainEntries: 1024,
  /** Bytes of applied entries kept in memory for catch-up by log, per partition. */
  retainBytes: 4 * 1024 * 1024,
  /** Bytes of applied entries kept in memory for a replica that is catching up, per partition; beyond, it starts over. */
  catchUpBytes: 128 * 1024 * 1024,
  /** Bytes of entries a partition may have accepted and not yet committed; more is answered `busy`. */
  pipelineBytes: 64 * 1024 * 1024,
  /**
   * What a partition keeps (keys and values, results, locks, transactions), in UTF-16 code units; beyond, only what takes away, ends or
   * counts goes on. What comes to more while it waits in the log is refused at twice that.
   */
  partitionUnits: 64 * 1024 * 1024,
  /** A log segment is closed when it has grown past this, in bytes. */
  segmentBytes: 16 * 1024 * 1024,
  /** Longest frame of the log, in bytes: 1 MiB of records, and the longest of them, which is a transaction with what it reads. */
  recordBytes: 32 * 1024 * 1024,
  /** Most partitions of a cluster. */
  partitions: 16_384,
  /** Most members of a cluster. */
  members: 1000,
  /** Most nodes `cluster start -n` launches on one machine. */
  localNodes: 100,
  /** Most network faults in force at a time. */
  faults: 100,
  /** Longest delay of one network fault, in ms (its jitter may come on top). */
  faultDelayMs: 10 * 60_000,
  /** Longest name of a cluster or node, in characters. */
  nameLength: 40,
  /** Largest integer that a counter holds. */
  counterMax: Number.MAX_SAFE_INTEGER,
  /** The smallest. */
  counterMin: Number.MIN_SAFE_INTEGER,
} as const;

/**
 * Upper bounds, in ms, of the buckets in which a node counts how long its answers took, two for each doubling from 0.1 ms to
 * about 13 s; one more bucket holds what took longer. A node counts, whoever asks compares two counts.
 */
export const latencyBoundsMs: readonly number[] = Array.from({ length: 35 }, (_, i) => 0.1 * 2 ** (i / 2));

/** Times of the protocol, in ms on each node's monotonic clock; ρ is the largest relative clock drift. */
export interface Timings {
  /** A primary sends a beacon this often. */
  readonly beaconMs: number;
  /** L: a lease lasts this long from the sending of the beacon that was acked. */
  readonly leaseMs: number;
  /** G: a backup keeps quiet this long from the receipt of the last beacon it granted. */
  readonly graceMs: number;
  /** ρ: the largest relative drift of a clock. */
  readonly drift: number;
  /** No ack for entries sent this long ago: attach anew. */
  readonly resendMs: number;
  /** A backup that grants its lease but has stored nothing for this long is removed from the in-sync set. */
  readonly stallMs: number;
}

/** A member silent for this long has its replicas rebuilt elsewhere, in ms; see `--repair-after`. */
export const defaultRepairAfterMs = 30_000;

export const defaultTimings: Timings = {
  beaconMs: 200,
  leaseMs: 1200,
  graceMs: 1800,
  drift: 0.01,
  resendMs: 1000,
  stallMs: 10_000,
};

/** PROTOCOL R12: `L(1+ρ) < G(1−ρ)`; and a lease must outlive a few beacons. Returns what is wrong, or null. */
export function checkTimings(t: Timings): string | null {
  if (!(t.leaseMs * (1 + t.drift) < t.graceMs * (1 - t.drift))) {
    return `the lease (${t.leaseMs} ms) must end before the grace (${t.graceMs} ms) on any two clocks that drift ${t.drift}`;
  }
  if (t.leaseMs < 2 * t.beaconMs)
    return `the lease (${t.leaseMs} ms) must outlive two beacons (${t.beaconMs} ms each)`;
  return null;
}
