/** The numbers of the router, each with its unit. */
export const settings = {
  /** A latency lower than the average takes this share of the difference from it; a higher one is taken at once. */
  peakGain: 1 / 8,
  /** Time constant, in ms, with which it is forgotten (Finagle's default). */
  forgetMs: 10_000,
  /** Latencies count as at least this, in ms: clocks of whole ms must not make them nothing. */
  leastMs: 0.01,
  /** Load of a node that has never answered and owes an answer (Finagle's penalty): above any other. */
  penalty: 1e12,
  /** ε of consistent hashing with bounded loads: no node above (1 + ε) of the mean. */
  hashSlack: 0.25,
  /** Points of an average node on the ring. */
  hashPoints: 128,
  /** Errors in a row that eject a node. */
  ejectAfter: 5,
  /** An ejection lasts this long, in ms, times how often it happened; and at most so long. */
  ejectMs: 30_000,
  ejectMostMs: 300_000,
  /** Earlier ejections are forgotten when the last one ended this long ago, in ms. */
  ejectForgetMs: 600_000,
  /** Share of the nodes that may be ejected at a time (and always one). */
  ejectShare: 0.1,
  /** With a smaller share of healthy nodes than this, ejected ones are candidates. */
  panicShare: 0.5,
  /** A node that came or came back has its whole weight after this long, in ms, and begins with this share. */
  slowStartMs: 10_000,
  slowStartShare: 0.1,
  /** Nothing heard of a node since a request that is older than this, in ms: it is silent. */
  silentMs: 500,
  /** A silent node is sent one request this often, in ms. */
  probeMs: 1000,
  /** Retries: this share of the requests, and so many a second, over this window in ms. */
  retryShare: 0.2,
  retriesPerSecond: 10,
  retryWindowMs: 10_000,
  /** Latencies kept for percentiles, and the fewest that say something. */
  samples: 512,
  samplesLeast: 20,
  /** Measured weights change every so many ms, by at most this share. */
  weightMs: 100,
  weightStep: 0.1,
  /** Time constant, in ms, of the averages of latency and use that weights are measured by, and of what is under way. */
  weightTauMs: 3000,
  inflightTauMs: 300,
  /** A node r times as slow as the others gets 1 / r to this power: four times as slow, it is left with less than shows in a 99th percentile. */
  latencyPower: 3,
  /** ε: what a node uses counts as at least this, so that idle ones do not draw everything. */
  leastUse: 0.05,
  /** A measured weight is never less: the node would not be measured again. */
  leastWeight: 0.01,
  /** A report or a latency older than this, in ms, says nothing. */
  staleMs: 5000,
} as const;
