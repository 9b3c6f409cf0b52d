import type { Entry, Snapshot } from './machine/types.js';

/**
 * A record of the node's one replicated log, shared by all its partitions. Records are stored in order; a
 * batch is durable as a whole or, after a crash, as a prefix of its records.
 */
export type LogRecord =
  /** Appending at `seq` implies that everything of the partition at or after `seq` is cut off first. */
  | { readonly type: 'append'; readonly partition: number; readonly entry: Entry }
  /** The partition will not accept an epoch below this one. */
  | { readonly type: 'promise'; readonly partition: number; readonly gen: number; readonly epoch: number }
  /** Replaces the partition's state and its whole log. */
  | { readonly type: 'snapshot'; readonly partition: number; readonly snapshot: Snapshot }
  /** The partition is no longer held here: forget state, log and promise. */
  | { readonly type: 'drop'; readonly partition: number };

/** What a node finds of one partition when it starts: checkpointed (or snapshot) state and the tail of the log. */
export interface StoredPartition {
  readonly partition: number;
  readonly promised: number;
  /** State at `snapshot.seq`; an empty one (gen 0, seq 0, epoch 0) when nothing was checkpointed. */
  readonly snapshot: Snapshot;
  /** Does the checkpoint hold just this snapshot? Else the next one must replace it whole. */
  readonly checkpointed: boolean;
  /** Entries after `snapshot.seq`, without gaps. */
  readonly entries: readonly Entry[];
}
