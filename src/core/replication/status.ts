import type { Replica } from './replica.js';

export interface ReplicaStatus {
  readonly partition: number;
  readonly role: 'primary' | 'backup' | 'learner';
  readonly epoch: number;
  /** A primary that answers requests (its barrier is committed). */
  readonly serving: boolean;
  /** A primary that also takes writes: enough replicas in sync. */
  readonly writable: boolean;
  readonly tail: number;
  readonly commit: number;
  readonly keys: number;
  /** Keys and values held, in UTF-16 code units. */
  readonly units: number;
  /** Locks, fences, and transactions that have not ended. */
  readonly rows: number;
  /** The entry at which it differs from its primary's copy, though it must not; null: it does not. */
  readonly divergedAt: number | null;
}

export const statusOf = (replica: Replica): ReplicaStatus => ({
  partition: replica.p,
  role: replica.role,
  epoch: replica.config.epoch,
  serving: replica.lead?.serving === true && replica.lead.holdsLeases(),
  writable: replica.lead?.isWritable === true,
  tail: replica.log.tailSeq,
  commit: replica.commit,
  keys: replica.machine.cells.size,
  units: replica.machine.units,
  rows: replica.machine.rows.size,
  divergedAt: replica.divergedAt,
});
