import type { Durability } from '../../src/core/map/types.js';
import type { LogRecord, StoredPartition } from '../../src/storage/contract.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { Model } from './model.js';

/** A promise of the storage that it did not keep. */
export class Problem extends Error {}

/** What may be in the folder, as far as anybody outside can know. */
export class Expectation {
  /** Everything that was acknowledged. */
  model = new Model();
  /** That, and what a batch under way would make of it. */
  possible = [this.model];
  /** Earlier models, newest first: what is left when damage takes acknowledged batches. */
  private earlier: Model[] = [];
  /** Bytes were changed behind the storage's back. */
  damagedDisk = false;
  /** The store has to say that its log is damaged. */
  mustSayDamaged = false;
  /** What `run.json` may say of the last process. */
  runs = new Set<Durability | 'clean'>(['clean']);
  powerFailed = false;
  store = '';
  private boot = 0;
  /** Starts since the last one that ended well, that one included. */
  attempts = 0;
  /** Partitions that were written to since. */
  private touched = new Set<number>();
  private readonly written = new Map<number, Set<string>>();
  private readonly states = new Set<string>(['0:0']);
  private readonly promised = new Map<number, number>();

  begin(records: readonly LogRecord[], after: Model): void {
    this.possible = [this.model, after];
    for (const record of records) {
      const { partition } = record;
      this.touched.add(partition);
      const written = this.written.get(partition) ?? new Set();
      this.written.set(partition, written);
      if (record.type === 'append') written.add(JSON.stringify(record.entry));
      if (record.type === 'promise')
        this.promised.set(partition, Math.max(this.promised.get(partition) ?? 0, record.epoch));
      if (record.type === 'snapshot') this.noteState(partition, record.snapshot);
    }
  }

  noteState(partition: number, { seq, epoch }: { readonly seq: number; readonly epoch: number }): void {
    this.states.add(`${partition}:${seq}:${epoch}`);
  }

  acknowledge(after: Model): void {
    this.earlier = [this.model, ...this.earlier].slice(0, 60);
    this.model = after;
    this.possible = [after];
  }

  /** A checkpoint failed: the next has to have everything. */
  nothingCheckpointed(): void {
    for (const model of this.possible) for (const m of model.partitions.values()) m.dirty = null;
  }

  /** Throws when this cannot be; else it is what is there from now on. */
  recovered(storage: FileStorage, durability: Durability): string {
    const { store, boot, partitions, damaged, notes } = storage.recovered;
    if (boot <= this.boot) throw new Problem(`boot ${boot} after ${this.boot}`);
    this.boot = boot;
    if (this.mustSayDamaged && !damaged) throw new Problem('it forgot that its log is damaged');
    this.mustSayDamaged = damaged;
    const sameStore = this.store === '' || this.store === store;
    const unsynced = this.powerFailed && this.runs.has('process');
    if (!sameStore && !unsynced) throw new Problem('another identity for no reason');
    if (sameStore && unsynced && this.runs.size === 1)
      throw new Problem('the same identity though the machine went down under what was not synced');
    // A start that was killed may have taken the note along.
    if (!sameStore && this.attempts === 1 && !notes.join().includes('identity'))
      throw new Problem('another identity without a note');
    this.store = store;
    let what = 'as acknowledged';
    const newest = this.possible.at(-1) as Model;
    if (sameStore) {
      const problems = this.possible.map((m) => m.differs(partitions));
      let found = problems.indexOf(null) === -1 ? null : (this.possible[problems.indexOf(null)] as Model);
      if (found !== null && found !== this.model) what = 'with the batch under way';
      else if (found === null && this.damagedDisk && damaged) {
        found = this.earlier.find((m) => m.differs(partitions) === null) ?? null;
        what = 'less what was damaged';
      }
      if (found === null) throw new Problem(problems.join('\nor '));
      this.model = found.copy();
    } else {
      what = 'under another identity';
      this.checkWritten(partitions);
      if (!this.damagedDisk) this.checkUntouched(partitions);
      this.model = newest.restarted(partitions);
    }
    this.model.goOnAfter(newest);
    // A node starts from what it recovered: every delta starts anew.
    for (const m of this.model.partitions.values()) m.dirty = null;
    this.possible = [this.model];
    this.attempts = 0;
    this.touched.clear();
    this.damagedDisk = false;
    this.powerFailed = false;
    this.runs = new Set([durability]);
    return what;
  }

  /** Of a store that lost what was not synced: all that it has was written at some time. */
  private checkWritten(partitions: readonly StoredPartition[]): void {
    for (const { partition, entries, snapshot, promised } of partitions) {
      for (const entry of entries)
        if (this.written.get(partition)?.has(JSON.stringify(entry)) !== true)
          throw new Problem(`partition ${partition} has an entry nobody wrote: ${JSON.stringify(entry)}`);
      if (snapshot.seq > 0 && !this.states.has(`${partition}:${snapshot.seq}:${snapshot.epoch}`))
        throw new Problem(
          `partition ${partition} has a state nobody stored: ${snapshot.epoch}.${snapshot.seq}`,
        );
      if (promised > (this.promised.get(partition) ?? 0))
        throw new Problem(`partition ${partition} promised ${promised}, which nobody asked for`);
    }
  }

  /** And what was there when it was opened, and nobody has written to since, is there still: opening makes durable. */
  private checkUntouched(partitions: readonly StoredPartition[]): void {
    const rest = this.model.copy();
    for (const partition of this.touched) rest.partitions.delete(partition);
    const problem = rest.differs(partitions.filter(({ partition }) => !this.touched.has(partition)));
    if (problem !== null) throw new Problem(`of what had been durable: ${problem}`);
  }
}
