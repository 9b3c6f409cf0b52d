import type { ClusterMap } from '../core/map/types.js';
import type { PublishOutcome } from '../core/publisher.js';

export type { PublishOutcome };

/** Where the cluster map lives. Three verbs; PROTOCOL.md section 7 is the specification. */
export interface Metastore {
  /** The newest map (linearizable), or null when there is none yet. Rejects with `metastore-unavailable`. */
  read(): Promise<ClusterMap | null>;
  /** A map at least as new as `revision`, of which a watch told: cheaper than `read`, and may not be the newest. */
  readFrom(revision: number): Promise<ClusterMap | null>;
  /** Publishes `map` iff the newest revision is `expected` (0: there is none); `map.revision` must be `expected + 1`. Never rejects. */
  publish(map: ClusterMap, expected: number): Promise<PublishOutcome>;
  /**
   * Calls `changed` soon after a newer revision than `from` appears; a hint, it may come late, twice or with a
   * revision skipped. Returns the function that ends the watch.
   */
  watch(from: number, changed: (revision: number) => void): () => void;
  close(): Promise<void>;
}
