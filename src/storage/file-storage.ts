import { join } from 'node:path';
import type { CheckpointDelta } from '../core/machine/types.js';
import type { Durability } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import type { FileSystem } from '../files/contract.js';
import { openRegular, syncFolder, unlinkIfThere } from '../files/whole.js';
import type { Checkpoint } from './checkpoint.js';
import { BatchEncoder } from './codec.js';
import type { LogRecord, NodeStorage, Recovered, StorageStats } from './contract.js';
import type { Coverage, Covered } from './coverage.js';
import { type RunFile, writeRun } from './identity.js';
import { logFolder, storageError } from './io.js';
import type { Release } from './lock.js';
import { SegmentWriter, segmentName } from './segments.js';

/** What `openStorage` hands over. */
export interface Parts {
  readonly dir: string;
  readonly lineage: string;
  readonly durability: Durability;
  readonly segmentBytes: number;
  readonly files: FileSystem;
  /** What `run.json` says. */
  readonly run: RunFile;
  readonly release: Release;
  readonly checkpoint: Checkpoint;
  readonly coverage: Coverage;
  readonly recovered: Recovered;
  readonly writer: SegmentWriter;
  readonly segment: number;
  readonly lastBatch: number;
  readonly floor: number;
  /** Promises by partition, and which of them the checkpoint does not have. */
  readonly promises: Map<number, number>;
  readonly dirtyPromises: Set<number>;
  /** Partitions whose rows in the checkpoint are older than their drop, with the batch of the drop. */
  readonly dropped: Map<number, number>;
}

/**
 * `NodeStorage` on a folder: log segments and a checkpoint. Made by `openStorage`. Reaches the disk through `FileSystem`
 * and `Checkpoint` alone, so that the simulator runs it as it is.
 */
export class FileStorage implements NodeStorage {
  readonly recovered: Recovered;
  private readonly encoder = new BatchEncoder();
  private writer: SegmentWriter;
  private segment: number;
  /** The last batch that is durable by the store's mode. */
  private lastBatch: number;
  /** The last batch known to be on disk; in 'process' mode that of the open. */
  private synced: number;
  private floor: number;
  private syncsBefore = 0;
  private failed: MusterError | null = null;
  /** Why the last checkpoint is not there. */
  private checkpointError: MusterError | null = null;
  private checkpointFailures = 0;
  /** Why the last one that failed did. */
  private lastFailure: MusterError | null = null;
  /** Segments that nothing needs and that are still there, oldest first. */
  private readonly removable: number[] = [];
  /** Partitions of which changes were to be written and are not there. */
  private readonly unwritten = new Set<number>();
  private closing = false;
  private gone = false;
  private appending: Promise<void> | null = null;
  private checkpointing: Promise<void> = Promise.resolve();
  private run: RunFile;
  private marking: Promise<void> = Promise.resolve();

  constructor(private readonly parts: Parts) {
    this.recovered = parts.recovered;
    this.writer = parts.writer;
    this.segment = parts.segment;
    this.lastBatch = parts.lastBatch;
    this.synced = parts.lastBatch;
    this.floor = parts.floor;
    this.run = parts.run;
  }

  append(records: readonly LogRecord[]): Promise<void> {
    const refused = this.refusal();
    if (refused !== null) return Promise.reject(refused);
    if (this.appending !== null) {
      return Promise.reject(
        new MusterError('internal', 'concurrent appends to the log', { tookEffect: 'no' }),
      );
    }
    if (records.length === 0) return Promise.resolve();
    const appending = this.write(records).finally(() => {
      this.appending = null;
    });
    this.appending = appending;
    return appending;
  }

  private async write(records: readonly LogRecord[]): Promise<void> {
    try {
      const batch = this.lastBatch + 1;
      const bytes = this.encoder.encode(records, batch, this.synced);
      if (this.writer.size >= this.parts.segmentBytes) await this.roll();
      await this.writer.write(bytes);
      this.lastBatch = batch;
      if (this.parts.durability === 'fsync') this.synced = batch;
      this.parts.coverage.note(batch, records);
      this.parts.coverage.setBytes(this.writer.size);
      this.notePromisesAndDrops(batch, records);
    } catch (error) {
      throw this.fail(error, 'writing the log');
    }
  }

  private notePromisesAndDrops(batch: number, records: readonly LogRecord[]): void {
    const { promises, dirtyPromises, dropped } = this.parts;
    for (const record of records) {
      if (record.type === 'promise') {
        promises.set(record.partition, Math.max(promises.get(record.partition) ?? 0, record.epoch));
        dirtyPromises.add(record.partition);
      } else if (record.type === 'drop') {
        promises.delete(record.partition);
        dirtyPromises.delete(record.partition);
        dropped.set(record.partition, batch);
      }
    }
  }

  private async roll(): Promise<void> {
    const { dir, lineage, durability, files, coverage, segmentBytes } = this.parts;
    const header = {
      lineage,
      number: this.segment + 1,
      previousBatch: this.lastBatch,
      firstBatch: this.lastBatch + 1,
      synced: this.synced,
    };
    const next = await SegmentWriter.create(files, logFolder(dir), header, durability, segmentBytes);
    await this.writer.close();
    this.syncsBefore += this.writer.syncs;
    this.writer = next;
    this.segment++;
    coverage.begin(this.segment);
    coverage.setBytes(next.size);
  }

  /** The deltas must be taken from the applied state in the same turn as the call: see replay.ts. */
  checkpoint(deltas: readonly CheckpointDelta[]): Promise<void> {
    const refused = this.refusal();
    if (refused !== null) return Promise.reject(refused);
    // Where the log stands now is part of what the deltas mean; the writing waits for its turn.
    const batch = this.lastBatch;
    const closedSegments = this.segment - 1; // later ones may get promises that this checkpoint does not hold
    const { promises, dirtyPromises, dropped, coverage } = this.parts;
    for (const { partition, promised } of deltas) {
      promises.set(partition, Math.max(promises.get(partition) ?? 0, promised));
      dirtyPromises.add(partition);
    }
    const droppedAt = new Map(dropped);
    const failuresBefore = this.checkpointFailures;
    const drops = [...dropped.keys()];
    const dirty = [...dirtyPromises].map((partition) => [partition, promises.get(partition)!] as const);
    const pending = new Map<number, Covered>();
    for (const [partition, at] of dropped) pending.set(partition, { dropped: true, batch: at });
    for (const { partition, seq } of deltas) pending.set(partition, { dropped: false, batch, seq });
    dropped.clear();
    dirtyPromises.clear();
    const done = this.checkpointing.then(async () => {
      if (this.failed !== null) throw this.failed;
      try {
        // Changes that build on those which did not get there.
        const partial = deltas.some(({ partition, full }) => !full && this.unwritten.has(partition));
        if (partial && this.checkpointFailures === failuresBefore)
          throw new MusterError('internal', 'checkpoint after a failed one is incomplete');
        // One that was called before failed: its drops and promises are in neither, and segments with them must stay.
        if (this.checkpointFailures !== failuresBefore) throw this.lastFailure;
        const floor = Math.max(this.floor, Math.min(closedSegments, coverage.removableUpTo(pending)));
        await this.parts.checkpoint.write({ batch, deltas, drops, promises: dirty, floor });
        for (const [partition, covered] of pending) coverage.cover(partition, covered);
        this.floor = floor;
        for (const { partition } of deltas) this.unwritten.delete(partition);
        for (const partition of drops) this.unwritten.delete(partition);
        this.removable.push(...coverage.remove(floor));
      } catch (error) {
        // The log has everything and continues. The next checkpoint writes what this one did not.
        for (const [partition, at] of droppedAt) if (!dropped.has(partition)) dropped.set(partition, at);
        for (const [partition] of dirty) if (promises.has(partition)) dirtyPromises.add(partition);
        for (const { partition } of deltas) this.unwritten.add(partition);
        this.checkpointFailures++;
        this.lastFailure = storageError(error, this.parts.dir, 'checkpointing');
        this.checkpointError = this.lastFailure;
        throw this.lastFailure;
      }
      await this.removeSegments();
    });
    this.checkpointing = done.catch(() => {}); // the caller has the rejection; the queue goes on to the next refusal
    return done;
  }

  /** The checkpoint is there, whatever comes of this: what cannot be removed is removed later, or by the next start. */
  private async removeSegments(): Promise<void> {
    const { files, dir } = this.parts;
    this.checkpointError = null;
    try {
      for (; this.removable.length > 0; this.removable.shift())
        await unlinkIfThere(files, join(logFolder(dir), segmentName(this.removable[0]!)));
    } catch (error) {
      this.checkpointError = storageError(error, dir, 'removing segments');
    }
  }

  async setDamaged(damaged: boolean): Promise<void> {
    const refused = this.refusal();
    if (refused !== null) throw refused;
    try {
      await this.mark({ damaged });
    } catch (error) {
      throw this.fail(error, 'writing the log marker');
    }
  }

  /** Changes `run.json`; one change at a time, for each replaces the file. */
  private mark(changes: Partial<RunFile>): Promise<void> {
    const done = this.marking.then(async () => {
      const run = { ...this.run, ...changes };
      await writeRun(this.parts.files, this.parts.dir, run);
      this.run = run;
    });
    this.marking = done.catch(() => {}); // the caller has the rejection
    return done;
  }

  stats(): StorageStats {
    const { coverage } = this.parts;
    return {
      logBytes: coverage.bytes,
      segments: coverage.count,
      syncs: this.syncsBefore + this.writer.syncs,
      checkpointError: this.checkpointError?.message ?? null,
    };
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    await this.appending?.catch(() => {});
    await this.checkpointing;
    const { dir, durability, coverage, files, checkpoint } = this.parts;
    try {
      if (this.failed !== null) return;
      if (durability === 'process') await syncSegments(files, dir, coverage.numbers);
      const stateBytes = await checkpoint.bytes();
      await checkpoint.close();
      await this.mark({ clean: this.lastBatch, stateBytes });
    } catch (error) {
      throw this.fail(error, 'closing');
    } finally {
      await this.letGo();
    }
  }

  /**
   * Lets go of files and lock and leaves everything as SIGKILL would: no sync, no clean mark. What is under way may
   * or may not reach the disk. For tests, and for a host that ends after a failure.
   */
  async abandon(): Promise<void> {
    this.closing = true;
    await this.letGo();
  }

  private async letGo(): Promise<void> {
    if (this.gone) return;
    this.gone = true;
    await this.writer.close();
    await this.parts.checkpoint.close();
    await this.parts.release();
  }

  private refusal(): MusterError | null {
    if (this.failed !== null) return this.failed;
    return this.closing ? new MusterError('storage-failed', 'storage is closed', { tookEffect: 'no' }) : null;
  }

  /** After a failed write the content of the disk is unknown, and a later sync may falsely succeed: refuse all further work. */
  private fail(error: unknown, doing: string): MusterError {
    this.failed ??= storageError(error, this.parts.dir, doing);
    return this.failed;
  }
}

/** Makes segments and their names durable. */
async function syncSegments(files: FileSystem, dir: string, numbers: readonly number[]): Promise<void> {
  const folder = logFolder(dir);
  for (const number of numbers) {
    const { file } = await openRegular(files, join(folder, segmentName(number)), { mode: 'r+' });
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(files, folder);
}
