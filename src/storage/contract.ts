import type { CheckpointDelta } from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from '../core/records.js';

export type { LogRecord, StoredPartition };

export interface Recovered {
  /** Identity of this store; made with the folder, and anew when the store cannot vouch for what it acked. */
  readonly store: string;
  /** Which start this is: 1 for the first. Already durable. */
  readonly boot: number;
  readonly partitions: readonly StoredPartition[];
  /** Something was cut off the log that may have been acknowledged, now or at an earlier start, and nobody has vouched for the rest since. */
  readonly damaged: boolean;
  /** Things a person should know: a torn tail was cut, the store was distrusted, …. */
  readonly notes: readonly string[];
}

export interface StorageStats {
  readonly logBytes: number;
  readonly segments: number;
  readonly syncs: number;
  /** Why the last checkpoint failed; null: it did not. The log grows until one succeeds. */
  readonly checkpointError: string | null;
}

/**
 * What a node asks of its disk. One writer; calls to `append` may not overlap (the host collects while one is
 * under way). Any rejection of `append` means that the durability of the batch is unknown and the process must end.
 */
export interface NodeStorage {
  readonly recovered: Recovered;
  /** Resolves when every record is durable by the store's durability mode. */
  append(records: readonly LogRecord[]): Promise<void>;
  /**
   * Writes applied state to the checkpoint, atomically for all partitions given, then removes log segments no
   * longer needed. May run while `append` does. Resolves when durable. When it rejects, the log goes on, and the next checkpoint has to
   * replace those partitions whole. A copy that begins anew may be in it only once the record that it begins with (promise
   * or snapshot), and with it any drop before, is durable.
   */
  checkpoint(deltas: readonly CheckpointDelta[]): Promise<void>;
  /** Remembers durably that the log lacks, or lacks no more, what may have been acknowledged. */
  setDamaged(damaged: boolean): Promise<void>;
  stats(): StorageStats;
  /** Closes after what is under way; marks the store clean (see `--durability process`). */
  close(): Promise<void>;
}
