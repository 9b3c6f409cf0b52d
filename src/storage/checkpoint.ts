import type { CheckpointDelta } from '../core/machine/types.js';
import type { CheckpointRow } from './replay.js';

/** Everything one checkpoint changes, in one transaction. `batch`: the last durable one when it was taken. */
export interface CheckpointWrite {
  readonly batch: number;
  readonly deltas: readonly CheckpointDelta[];
  /** Partitions whose rows go, before anything else. */
  readonly drops: readonly number[];
  readonly promises: Iterable<readonly [partition: number, epoch: number]>;
  /** Log segments up to this number are removed afterwards. */
  readonly floor: number;
}

export interface LoadedCheckpoint {
  readonly rows: ReadonlyMap<number, CheckpointRow>;
  readonly floor: number;
  /** The greatest batch any row was taken at. */
  readonly maxBatch: number;
}

/** The checkpoint of one data folder. Calls do not overlap. */
export interface Checkpoint {
  /** Reads everything. Rejects with `storage-corrupt`. */
  load(): Promise<LoadedCheckpoint>;
  /**
   * Writes all of it, or nothing, and resolves when it is durable. After a rejection (`storage-full`, `storage-failed`) it may be
   * there or not; further writes are allowed.
   */
  write(written: CheckpointWrite): Promise<void>;
  /** Bytes that it has on disk; never fewer than before. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

/** How checkpoints are kept: LMDB, or in the simulator its twin (`src/simulator/sim-checkpoint.ts`). */
export interface CheckpointStore {
  /**
   * Opens the checkpoint of a folder, or makes an empty one in its folder `state`, durably. `lineage`: whose it is, for
   * `load()` to compare. `leastBytes`: what `bytes()` gave at the last end. Rejects with `storage-corrupt`, or as the disk does.
   */
  open(options: {
    readonly dir: string;
    readonly lineage: string;
    readonly leastBytes: number;
  }): Promise<Checkpoint>;
}
