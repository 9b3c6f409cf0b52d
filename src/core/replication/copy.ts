import { limits } from '../../limits.js';
import { emptySnapshot } from '../machine/digest.js';
import { type Applied, PartitionMachine } from '../machine/machine.js';
import type { CheckpointDelta, Command, Snapshot } from '../machine/types.js';
import type { StoredPartition } from '../records.js';
import type { LocalReplica, ReplicaContext } from './context.js';
import { LogEntry, ReplicaLog } from './log.js';

/**
 * What a replica holds of its partition, and how much of that is on the disk: the promise, the log, and the state that the committed part
 * of the log leads to. It decides nothing: others say what to append, cut, commit and promise.
 */
export class Copy {
  /** No epoch below this one is accepted. */
  promised: number;
  log: ReplicaLog;
  machine: PartitionMachine;
  /** Everything up to here is committed, and applied. */
  commit: number;
  /** Everything up to here is on this disk. */
  durable: number;
  #durablePromise: number;
  #flyingMark = 0;
  #flyingPromise: number;
  /**
   * How often this copy began anew, by a snapshot or from nothing; and the last such beginning in the batch under way and on disk.
   * Before its beginning is durable, the disk may still hold, and drop, a copy that was here before.
   */
  #base = 0;
  #flyingBase = 0;
  #durableBase = 0;
  readonly #replica: LocalReplica;
  readonly #ctx: ReplicaContext;

  /** `gen`: the generation of the partition in the map. `stored`: what the disk had of it; null: nothing. */
  constructor(replica: LocalReplica, ctx: ReplicaContext, gen: number, stored: StoredPartition | null) {
    this.#replica = replica;
    this.#ctx = ctx;
    // A store without a checkpoint knows of no generation: the log is from the partition's beginning.
    const snapshot = stored === null || stored.snapshot.seq === 0 ? emptySnapshot(gen) : stored.snapshot;
    this.machine = PartitionMachine.fromSnapshot(snapshot, ctx.rules);
    if (stored !== null && !stored.checkpointed) this.machine.markFull();
    this.log = new ReplicaLog(snapshot.seq, snapshot.epoch, snapshot.digest.chain, stored?.entries ?? []);
    this.promised = stored?.promised ?? 0;
    this.#durablePromise = this.promised;
    this.#flyingPromise = this.promised;
    this.commit = snapshot.seq;
    this.durable = this.log.tailSeq;
  }

  promise(epoch: number, gen: number): void {
    if (epoch <= this.promised) return;
    this.promised = epoch;
    this.#ctx.write(this.#replica, { type: 'promise', partition: this.#replica.p, gen, epoch });
  }

  append(command: Command, epoch: number): LogEntry {
    const entry = new LogEntry(epoch, this.log.tailSeq + 1, command);
    this.log.append(entry);
    this.#ctx.write(this.#replica, { type: 'append', partition: this.#replica.p, entry });
    return entry;
  }

  /** Throws when something committed would go. */
  truncateAfter(seq: number): void {
    if (seq < this.commit)
      throw new Error(`partition ${this.#replica.p}: cutting after ${seq}, committed are ${this.commit}`);
    this.log.truncateAfter(seq);
    this.durable = Math.min(this.durable, seq);
    this.#flyingMark = Math.min(this.#flyingMark, seq);
  }

  /** Replaces log and state. */
  install(snapshot: Snapshot): void {
    this.machine = PartitionMachine.fromSnapshot(snapshot, this.#ctx.rules);
    this.beginsAnew();
    this.log = new ReplicaLog(snapshot.seq, snapshot.epoch, snapshot.digest.chain);
    this.commit = snapshot.seq;
    this.durable = 0;
    this.#flyingMark = 0;
    this.#ctx.write(this.#replica, { type: 'snapshot', partition: this.#replica.p, snapshot });
  }

  /** Applies the entries up to `seq`, each followed by `applied`. */
  commitTo(seq: number, applied: (entry: LogEntry, outcome: Applied) => void): void {
    for (let n = this.commit + 1; n <= seq; n++) {
      const entry = this.log.at(n) as LogEntry;
      const outcome = this.machine.apply(entry);
      this.commit = n;
      applied(entry, outcome);
      entry.settle();
    }
  }

  /** Forgets applied entries from before `pinned`, as far as they need not be kept. */
  compact(pinned: number): void {
    const { retainEntries, retainBytes } = this.#ctx.tuning;
    this.log.compact(this.commit, retainEntries, retainBytes, pinned, limits.catchUpBytes);
  }

  // ---- the disk

  /** The batch that holds the newest records has been handed to the disk. */
  batchTaken(): void {
    this.#flyingMark = this.log.tailSeq;
    this.#flyingBase = this.#base;
    this.#flyingPromise = this.promised;
  }

  /** That batch is durable. */
  written(): void {
    this.durable = Math.max(this.durable, this.#flyingMark);
    this.#durableBase = this.#flyingBase;
    this.#durablePromise = Math.max(this.#durablePromise, this.#flyingPromise);
  }

  isPromiseDurable(epoch: number): boolean {
    return this.#durablePromise >= epoch;
  }

  /** The next checkpoint replaces everything that the disk holds of the partition. */
  beginsAnew(): void {
    this.machine.markFull();
    this.#base++;
  }

  /**
   * What changed since the last checkpoint; null: nothing, or its time has not come. A checkpoint that is ahead of the record that
   * this copy began with would be taken for one of the copy before: the drop or snapshot that is still on its way
   * to the disk would clear it, and the next would add to nothing.
   */
  takeDelta(): CheckpointDelta | null {
    if (this.#ctx.rules.checkpointAfterBase && this.#durableBase !== this.#base) return null;
    return this.machine.takeDelta(this.#replica.p, this.promised);
  }
}
