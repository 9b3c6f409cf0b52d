import type { CheckpointDelta } from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from '../core/records.js';
import type { Rules } from '../core/rules.js';
import { MemoryDisk, type MemoryStorage, toCheckpointRow } from '../storage/memory.js';
import { DiskView } from './disk-view.js';

/** A node's disk, as the world, the nemesis and the invariants see it. */
export interface Disk {
  /** The identity of the store on it. */
  readonly store: string;
  /** How often that store was opened. */
  readonly boot: number;
  /** Its log lacks, or may lack, what was acknowledged, and nobody has vouched for it since. */
  readonly damaged: boolean;
  /** It really lacks entries that it had acknowledged. */
  readonly lacks: boolean;
  /** It was put back to an older state, and not all of its logs have been checked since. */
  rewound: boolean;
  /** The epoch promised, by the log or by the checkpoint. */
  promised(p: number): number;
  tail(p: number): number;
  /** The epoch of the entry at `seq`; `covered` when a snapshot stands past it; null when it is not there. */
  epochAt(p: number, seq: number): number | 'covered' | null;
  /** Its machine has lost power, and with it what was not synced. */
  powerFailure(): void;
  /** Nobody has it open: one of its bits flips. */
  rot(): void;
  /** A copy as of now, under another identity. */
  clone(store: string): Disk;
  /** This copy is put back in place of `instead`. `store`: another identity, for those who need one; `isOld`: of an earlier start. */
  putBack(store: string, isOld: boolean, instead: Disk): Disk;
  /** Nobody has it open: a bit of its last batch flips. False: it would be noticed, or there is none. */
  damageLastBatch(): boolean | Promise<boolean>;
  /** Nobody has it open: it is put back to an older copy of itself, made in the same start. */
  rewind(copy: Disk): void;
}

/** The disk of `DirectEdges`: production's recovery (log, checkpoint, replay, removal of covered segments) in memory. */
export class SimDisk implements Disk {
  readonly #disk: MemoryDisk;
  #storage: MemoryStorage | null = null;
  readonly #view: DiskView;
  #underWay: readonly LogRecord[] = [];
  #lacks = false;
  rewound = false;

  /** `segmentBatches`: small, so that segments come and go. */
  constructor(
    readonly store: string,
    disk = new MemoryDisk(store, 16),
    view = new DiskView(),
  ) {
    this.#disk = disk;
    this.#disk.store = store;
    this.#view = view;
  }

  get boot(): number {
    return this.#disk.boot;
  }

  get damaged(): boolean {
    return this.#disk.damaged;
  }

  get lacks(): boolean {
    return (this.#lacks && this.damaged) || this.rewound;
  }

  setDamaged(damaged: boolean): void {
    void this.#storage?.setDamaged(damaged);
  }

  damageLastBatch(): boolean {
    if (this.#storage !== null || !this.#passesDamaged() || !this.#disk.damageLastBatch()) return false;
    this.#lookAgain();
    this.#lacks = true;
    return true;
  }

  /** Would recovery take it for a torn batch? Not if what was written before rests on the last batch: then the store is refused. */
  #passesDamaged(): boolean {
    const copy = this.#disk.clone(this.store);
    if (!copy.damageLastBatch()) return false;
    try {
      copy.open('fsync');
      return true;
    } catch {
      return false;
    }
  }

  rewind(copy: SimDisk): void {
    const { boot } = this.#disk;
    const old = copy.#disk.clone(this.store);
    Object.assign(this.#disk, { ...old, boot, rows: this.#disk.rows, clean: false });
    this.#disk.rows.clear();
    for (const [p, row] of old.rows) this.#disk.rows.set(p, row);
    this.rewound = true;
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#view.set(this.#disk.clone(this.store).open('fsync').recovered.partitions);
  }

  /** Recovers as a starting process does (`rules`: those of its state machine). Throws when that is not what was stored. */
  open(rules: Rules): readonly StoredPartition[] {
    this.#storage = this.#disk.open('fsync');
    const { partitions } = this.#storage.recovered;
    for (const stored of partitions) {
      const wrong = this.#view.differs(stored, rules);
      if (wrong !== null) throw new Error(`${this.store} start ${this.boot}: ${wrong}`);
    }
    return partitions;
  }

  begin(records: readonly LogRecord[]): void {
    this.#storage?.begin(records);
    this.#underWay = records;
  }

  /** The batch under way is on disk. */
  finish(): void {
    this.#storage?.finish();
    this.#take();
  }

  #take(): void {
    for (const record of this.#underWay) this.#view.apply(record);
    this.#underWay = [];
  }

  /** The process ends; the batch under way is on disk whole, in part (`torn`), or not at all. */
  crash(keepUnderWay: boolean, torn: boolean): void {
    this.#storage?.crash({ keepUnderWay, torn });
    this.#storage = null;
    if (keepUnderWay) this.#take();
    this.#underWay = [];
  }

  checkpoint(deltas: readonly CheckpointDelta[]): void {
    // Everything it does, it does before it first waits.
    void this.#storage?.checkpoint(deltas);
    for (const { partition, seq, epoch } of deltas) {
      const held = this.epochAt(partition, seq);
      if (this.#storage === null || held === epoch || held === 'covered') continue;
      // What is applied is committed, and may be ahead of this disk's own log: then the checkpoint is what makes it durable.
      const row = this.#disk.rows.get(partition);
      const snapshot = row === undefined ? null : toCheckpointRow(row).snapshot;
      if (snapshot !== null) this.#view.replace(partition, snapshot);
    }
  }

  /** What is acknowledged is on it, and the end of the process has decided what else. */
  powerFailure(): void {}

  /** It has no bytes. */
  rot(): void {}

  promised(p: number): number {
    return Math.max(this.#view.promised(p), this.#disk.rows.get(p)?.promised ?? 0);
  }

  tail(p: number): number {
    return this.#view.tail(p);
  }

  epochAt(p: number, seq: number): number | 'covered' | null {
    return this.#view.epochAt(p, seq);
  }

  putBack(store: string): SimDisk {
    return this.clone(store);
  }

  clone(store: string): SimDisk {
    return new SimDisk(store, this.#disk.clone(store), this.#view.clone());
  }
}
