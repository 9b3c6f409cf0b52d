import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Durability } from '../core/map/types.js';
import { limits } from '../limits.js';
import type { LogRecord } from './contract.js';
import { Coverage, coveredBy } from './coverage.js';
import { createLocked, mint } from './create.js';
import { FileStorage, syncSegments } from './file-storage.js';
import { machineBoot, type RunFile, readRun, type StoreFile, writeRun } from './identity.js';
import {
  corrupt,
  type LogIo,
  logFolder,
  makeFolder,
  nodeIo,
  stateFolder,
  storageError,
  syncFolder,
} from './io.js';
import { LmdbCheckpoint, type LoadedCheckpoint, stateFile } from './lmdb-checkpoint.js';
import { lockFolder } from './lock.js';
import { Replay } from './replay.js';
import { type Scanned, scanLog } from './scan.js';
import { listSegments, SegmentWriter, segmentName } from './segments.js';

export interface StorageOptions {
  /** The data folder; made when there is none. */
  readonly dir: string;
  readonly durability: Durability;
  /** A segment is closed when it is this large, in bytes. Default: `limits.segmentBytes`. */
  readonly segmentBytes?: number;
  /** How the log reaches the disk; for faults in tests. */
  readonly io?: LogIo;
  /** Which boot of the machine this is; for tests. */
  readonly machine?: string | null;
}

/**
 * Opens a node's data folder: locks it, reads checkpoint and log, cuts a torn tail, counts the start.
 * Rejects with `storage-locked`, `storage-corrupt` (file and offset in the details), `storage-full` or `storage-failed`.
 */
export async function openStorage(options: StorageOptions): Promise<FileStorage> {
  const { dir } = options;
  const release = await lock(dir);
  let checkpoint: LmdbCheckpoint | null = null;
  try {
    const found = createLocked(dir);
    const run = readRun(dir);
    // Before the first start was counted nothing can have been stored; an earlier attempt may have been cut short.
    if (run.boot === 0)
      for (const part of [logFolder(dir), stateFolder(dir)])
        fs.rmSync(part, { recursive: true, force: true });
    makeFolder(logFolder(dir));
    const identity = vouchOrMint(dir, found, run, options);
    checkStateSize(dir, run);
    checkpoint = await LmdbCheckpoint.open(dir, identity.store.lineage);
    return await recover(options, run, identity, checkpoint, release);
  } catch (error) {
    await checkpoint?.close();
    await release();
    throw storageError(error, dir, 'opening the data folder');
  }
}

async function lock(dir: string): Promise<() => Promise<void>> {
  try {
    makeFolder(dir);
    return await lockFolder(dir);
  } catch (error) {
    throw storageError(error, dir, 'opening the data folder');
  }
}

interface Identity {
  readonly store: StoreFile;
  /** False: the machine went down under un-synced data. */
  readonly trusted: boolean;
  readonly machine: string | null;
  readonly notes: readonly string[];
}

/** PROTOCOL "Sync modes": a store that did not sync and whose machine went down without a clean mark is another replica. */
function vouchOrMint(dir: string, store: StoreFile, run: RunFile, options: StorageOptions): Identity {
  const machine = options.machine === undefined ? machineBoot() : options.machine;
  const same = machine !== null && run.machine === machine;
  if (run.boot === 0 || run.durability === 'fsync' || run.clean !== null || same) {
    return { store, trusted: true, machine, notes: run.notes };
  }
  const minted = mint(dir, store);
  const note =
    `the machine went down while this store ran with --durability process, so acknowledged writes may be missing: ` +
    `it got a new identity (${store.store} is now ${minted.store}) and learns again from the other replicas`;
  return { store: minted, trusted: false, machine, notes: [...run.notes, note] };
}

/** A checkpoint file never shrinks; reading one that was cut off would end the process (SIGBUS). */
function checkStateSize(dir: string, run: RunFile): void {
  const path = stateFile(dir);
  const size = fs.existsSync(path) ? fs.statSync(path).size : 0;
  if (size < (run.stateBytes ?? 0)) {
    throw corrupt(dir, path, `it has ${size} bytes, and had ${run.stateBytes}`);
  }
}

async function recover(
  options: StorageOptions,
  run: RunFile,
  { store, trusted, machine, notes }: Identity,
  checkpoint: LmdbCheckpoint,
  release: () => Promise<void>,
): Promise<FileStorage> {
  const { dir, durability, segmentBytes = limits.segmentBytes, io = nodeIo } = options;
  const folder = logFolder(dir);
  const loaded = checkpoint.load();
  finishRemoval(folder, loaded.floor);
  if (run.boot > 0 && listSegments(folder).length === 0) throw corrupt(dir, folder, 'the log is missing');

  const covered = coveredBy(loaded.rows);
  const coverage = new Coverage(covered);
  const replay = new Replay(loaded.rows);
  const dropped = new Map<number, number>();
  const dirtyPromises = new Set<number>();
  let begun = 0;
  const scanned = scanLog({
    dir,
    lineage: store.lineage,
    trusted,
    firstSegment: loaded.floor + 1,
    onSegment: (number) => {
      coverage.begin(number);
      begun = number;
    },
    onBatch: (batch: number, records: readonly LogRecord[]) => {
      replay.batch(batch, records);
      coverage.note(batch, records);
      for (const record of records) {
        if (record.type === 'promise') dirtyPromises.add(record.partition);
        if (record.type === 'drop' && batch > (covered.get(record.partition)?.batch ?? 0)) {
          dropped.set(record.partition, batch);
        }
      }
    },
    onBytes: (bytes) => coverage.setBytes(bytes),
  });
  checkNothingLost(dir, run, loaded, scanned, trusted);
  const partitions = replay.finish((partition, after, found) => {
    throw corrupt(dir, folder, `partition ${partition} has no entry ${after + 1}, though it has ${found}`);
  });

  const allNotes = [...notes];
  // A flipped bit in the last batch looks like a write cut short, which nobody had acknowledged: the cut is remembered first.
  const damaged = run.damaged === true || scanned.torn !== null;
  if (scanned.torn !== null) {
    if (run.damaged !== true) writeRun(dir, { ...run, damaged });
    allNotes.push(cutTail(dir, scanned));
  }
  await settleSegments(dir, scanned, run.durability === 'process');
  const promises = new Map(partitions.map((p) => [p.partition, p.promised]));
  for (const partition of dirtyPromises) if (!promises.has(partition)) dirtyPromises.delete(partition);

  const segment = Math.max(begun, loaded.floor) + 1;
  const lastBatch = Math.max(scanned.lastBatch, loaded.maxBatch);
  const header = {
    lineage: store.lineage,
    number: segment,
    previousBatch: scanned.lastBatch,
    firstBatch: lastBatch + 1,
    synced: scanned.lastBatch,
  };
  const writer = await SegmentWriter.create(folder, header, durability, io);
  try {
    syncFolder(folder);
    coverage.begin(segment);
    coverage.setBytes(writer.size);
    const boot = run.boot + 1;
    const stateBytes = fs.statSync(stateFile(dir)).size;
    writeRun(dir, { format: 1, boot, machine, durability, clean: null, damaged, notes: [], stateBytes });
    const recovered = { store: store.store, boot, partitions, damaged, notes: allNotes };
    return new FileStorage({
      dir,
      lineage: store.lineage,
      durability,
      segmentBytes,
      io,
      release,
      checkpoint,
      coverage,
      recovered,
      writer,
      segment,
      lastBatch,
      floor: loaded.floor,
      promises,
      dirtyPromises,
      dropped,
    });
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** A removal of covered segments may have been cut short, in whatever order the disk did it. */
function finishRemoval(folder: string, floor: number): void {
  for (const number of listSegments(folder)) {
    if (number <= floor) fs.unlinkSync(join(folder, segmentName(number)));
  }
}

/** Batches that something else recorded as durable must be in the log: what a scan alone would take for a torn tail. */
function checkNothingLost(
  dir: string,
  run: RunFile,
  loaded: LoadedCheckpoint,
  scanned: Scanned,
  trusted: boolean,
): void {
  const known = trusted ? Math.max(loaded.maxBatch, run.clean ?? 0) : 0;
  if (scanned.lastBatch >= known) return;
  const { torn } = scanned;
  const file = torn === null ? logFolder(dir) : join(logFolder(dir), segmentName(torn.segment));
  throw corrupt(
    dir,
    file,
    `batch ${scanned.lastBatch + 1} is missing, though it had been on disk`,
    torn?.offset ?? null,
  );
}

/** Cuts what was never acknowledged; later segments first, so that a crash in between leaves a torn tail again. */
function cutTail(dir: string, scanned: Scanned): string {
  const { segment, offset, bytes } = scanned.torn!;
  const folder = logFolder(dir);
  for (const number of listSegments(folder).reverse()) {
    if (number > segment || (number === segment && offset === 0))
      fs.unlinkSync(join(folder, segmentName(number)));
    syncFolder(folder);
  }
  return (
    `the end of the log was torn: ${segmentName(segment)} was cut at byte ${offset} (${bytes} bytes), ` +
    'as happens when a process or machine ends while it writes. The node leads no partition before it has compared its log with the others'
  );
}

/** Shortens the last segment to what is in use and makes durable what was read but maybe never synced. */
async function settleSegments(dir: string, scanned: Scanned, all: boolean): Promise<void> {
  const last = scanned.segments.at(-1);
  if (last === undefined) return;
  fs.truncateSync(join(logFolder(dir), segmentName(last.number)), last.bytes);
  await syncSegments(dir, all ? scanned.segments.map((s) => s.number) : [last.number]);
}
