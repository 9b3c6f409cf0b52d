import { emptySnapshot } from '../core/machine/digest.js';
import { PartitionMachine } from '../core/machine/machine.js';
import type { CheckpointDelta, Entry, Snapshot } from '../core/machine/types.js';
import type { LogRecord, StoredPartition } from '../core/records.js';
import type { Rules } from '../core/rules.js';
import type { Recovered, StorageStats } from '../storage/contract.js';
import { MemoryDisk, type MemoryStorage, toCheckpointRow } from '../storage/memory.js';

interface View {
  promised: number;
  /** The last snapshot record; what came before it is gone. */
  snapshot: Snapshot;
  entries: Entry[];
}

const empty = emptySnapshot();

/**
 * A node's disk: the production recovery (log, checkpoint, replay, removal of covered segments) in memory, and beside
 * it, kept in the plainest way, what it ought to hold, for the invariants to look at and each start to be compared with.
 */
export class SimDisk {
  readonly #disk: MemoryDisk;
  #storage: MemoryStorage | null = null;
  readonly #views: Map<number, View>;
  #underWay: readonly LogRecord[] = [];
  #lacks = false;

  /** `segmentBatches`: small, so that segments come and go. */
  constructor(
    readonly store: string,
    disk = new MemoryDisk(store, 16),
    views = new Map<number, View>(),
  ) {
    this.#disk = disk;
    this.#disk.store = store;
    this.#views = views;
  }

  get boot(): number {
    return this.#disk.boot;
  }

  /** Its log lacks, or may lack, what was acknowledged, and nobody has vouched for it since. */
  get damaged(): boolean {
    return this.#disk.damaged;
  }

  /** It really lacks entries that it had acknowledged. */
  get lacks(): boolean {
    return (this.#lacks && this.damaged) || this.rewound;
  }

  /** It was put back to an older state, and not all of its logs have been checked since. */
  rewound = false;

  setDamaged(damaged: boolean): void {
    void this.#storage?.setDamaged(damaged);
  }

  /** Nobody has it open: a bit of its last batch flips. False: it would be noticed, or there is none. */
  damageLastBatch(): boolean {
    if (this.#storage !== null || !this.#disk.damageLastBatch()) return false;
    this.#lookAgain();
    this.#lacks = true;
    return true;
  }

  /** Nobody has it open: it is put back to an older copy of itself, made in the same start. */
  rewind(copy: SimDisk): void {
    const { boot } = this.#disk;
    const old = copy.#disk.clone(this.store);
    Object.assign(this.#disk, { ...old, boot, rows: this.#disk.rows, clean: false });
    this.#disk.rows.clear();
    for (const [p, row] of old.rows) this.#disk.rows.set(p, row);
    this.rewound = true;
    this.#lookAgain();
  }

  /** What is there is what recovery finds: the plain view has no history to go back in. */
  #lookAgain(): void {
    const found = this.#disk.clone(this.store).open('fsync').recovered.partitions;
    this.#views.clear();
    for (const { partition, promised, snapshot, entries } of found)
      this.#views.set(partition, { promised, snapshot, entries: [...entries] });
  }

  get segments(): number {
    return this.#storage?.stats().segments ?? 0;
  }

  /** Recovers as a starting process does (`rules`: those of its state machine). Throws when that is not what was stored. */
  open(rules: Rules): readonly StoredPartition[] {
    this.#storage = this.#disk.open('fsync');
    const { partitions } = this.#storage.recovered;
    for (const stored of partitions) this.#compare(stored, rules);
    return partitions;
  }

  #compare(stored: StoredPartition, rules: Rules): void {
    const view = this.#view(stored.partition);
    const tail = (s: { snapshot: Snapshot; entries: readonly Entry[] }): string => {
      const last = s.entries.at(-1) ?? s.snapshot;
      return `#${last.seq}@${last.epoch}`;
    };
    const where = `${this.store} start ${this.boot} p${stored.partition}`;
    if (tail(stored) !== tail(view))
      throw new Error(`${where} recovered ${tail(stored)}, stored was ${tail(view)}`);
    if (stored.promised < view.promised) throw new Error(`${where} forgot its promise of e${view.promised}`);
    const recovered = replayed(stored, rules);
    const expected = replayed(view, rules);
    if (recovered !== expected) throw new Error(`${where} recovered ${recovered}, stored was ${expected}`);
  }

  #view(p: number): View {
    let view = this.#views.get(p);
    if (view === undefined) {
      view = { promised: 0, snapshot: empty, entries: [] };
      this.#views.set(p, view);
    }
    return view;
  }

  get recovered(): Recovered {
    if (this.#storage === null) throw new Error(`${this.store} is not open`);
    return this.#storage.recovered;
  }

  get stats(): StorageStats {
    if (this.#storage === null) throw new Error(`${this.store} is not open`);
    return this.#storage.stats();
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
    for (const record of this.#underWay) this.#apply(record);
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
      if (snapshot !== null) Object.assign(this.#view(partition), { snapshot, entries: [] });
    }
  }

  #apply(record: LogRecord): void {
    const view = this.#view(record.partition);
    switch (record.type) {
      case 'promise':
        view.promised = Math.max(view.promised, record.epoch);
        break;
      case 'append': {
        const { entry } = record;
        // Below the base, or of the history that a checkpoint ahead of its snapshot record has replaced (replay.ts, rule 3).
        if (entry.seq <= view.snapshot.seq || entry.epoch < view.snapshot.epoch) break;
        const index = entry.seq - view.snapshot.seq - 1;
        if (index > view.entries.length) {
          throw new Error(`${this.store}: #${entry.seq} of p${record.partition} does not follow its log`);
        }
        view.entries.length = index;
        view.entries.push(entry);
        break;
      }
      case 'snapshot':
        view.snapshot = record.snapshot;
        view.entries = [];
        break;
      case 'drop':
        this.#views.delete(record.partition);
        break;
    }
  }

  /** By the log or by the checkpoint. */
  promised(p: number): number {
    return Math.max(this.#view(p).promised, this.#disk.rows.get(p)?.promised ?? 0);
  }

  tail(p: number): number {
    const view = this.#view(p);
    return view.snapshot.seq + view.entries.length;
  }

  /** The epoch of the entry at `seq`; `covered` when a snapshot stands past it; null when it is not there. */
  epochAt(p: number, seq: number): number | 'covered' | null {
    const view = this.#view(p);
    if (seq < view.snapshot.seq) return 'covered';
    if (seq === view.snapshot.seq) return view.snapshot.epoch;
    return view.entries[seq - view.snapshot.seq - 1]?.epoch ?? null;
  }

  /** A copy as of now, under another identity: what a restored backup of the disk would be. */
  clone(store: string): SimDisk {
    const views = new Map([...this.#views].map(([p, view]) => [p, { ...view, entries: [...view.entries] }]));
    return new SimDisk(store, this.#disk.clone(store), views);
  }
}

/** The state after the whole log, as text. */
function replayed(
  { snapshot, entries }: { snapshot: Snapshot; entries: readonly Entry[] },
  rules: Rules,
): string {
  const machine = PartitionMachine.fromSnapshot(snapshot, rules);
  for (const entry of entries) machine.apply(entry);
  // The checksum of the log is the log's, and stored entries bear none.
  const { digest, ...state } = machine.snapshot();
  return JSON.stringify({ ...state, gen: 0, hash: digest.hash });
}
