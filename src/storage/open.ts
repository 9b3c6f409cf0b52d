import { join } from 'node:path';
import type { Durability } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import type { FileSystem, OpenFile } from '../files/contract.js';
import { ensureFolder, openRegular, readUpTo, removeTree, syncFolder, writeAll } from '../files/whole.js';
import { limits } from '../limits.js';
import type { Checkpoint, CheckpointStore, LoadedCheckpoint } from './checkpoint.js';
import { BatchEncoder } from './codec.js';
import type { LogRecord, StoredPartition } from './contract.js';
import { Coverage, coveredBy } from './coverage.js';
import { createLocked } from './create.js';
import { FileStorage } from './file-storage.js';
import { machineBoot, type RunFile, readRun, type StoreFile, writeRun, writeStore } from './identity.js';
import { corrupt, logFolder, stateFolder, storageError } from './io.js';
import { lmdbCheckpoints } from './lmdb-checkpoint.js';
import type { Release } from './lock.js';
import { type Platform, systemPlatform } from './platform.js';
import { Replay } from './replay.js';
import { type Log, type Scanned, scanLog } from './scan.js';
import { listSegments, SegmentWriter, segmentName } from './segments.js';

export interface StorageOptions extends Partial<Platform> {
  /** The data folder; made when there is none. */
  readonly dir: string;
  readonly durability: Durability;
  /** A segment is closed when it is this large, in bytes. Default: `limits.segmentBytes`. */
  readonly segmentBytes?: number;
  /** Default: LMDB. */
  readonly checkpoints?: CheckpointStore;
  /** Which boot of the machine this is, null when unknown. Default: what the system says. */
  readonly machine?: string | null;
  /**
   * Why the store cannot vouch for what it acknowledged, or null: asked under the folder's lock, before the start is counted. With a
   * reason the store gets a new identity: its data stays, and to the cluster it is another replica. Default: none has one.
   */
  readonly distrust?: (start: StoreStart) => string | null;
}

/** A start of a store, before it is counted. */
export interface StoreStart {
  readonly store: string;
  /** Which start this would be: 1 for the first. */
  readonly boot: number;
  /** The store was made just now. */
  readonly isNew: boolean;
}

type Settings = Required<StorageOptions>;

/**
 * Opens a node's data folder: locks it, reads checkpoint and log, cuts a torn tail, counts the start.
 * Rejects with `storage-locked`, `storage-corrupt` (file and offset in the details), `storage-full` or `storage-failed`.
 */
export async function openStorage(options: StorageOptions): Promise<FileStorage> {
  const settings: Settings = {
    dir: options.dir,
    durability: options.durability,
    files: options.files ?? systemPlatform.files,
    lock: options.lock ?? systemPlatform.lock,
    newId: options.newId ?? systemPlatform.newId,
    now: options.now ?? systemPlatform.now,
    segmentBytes: options.segmentBytes ?? limits.segmentBytes,
    checkpoints: options.checkpoints ?? lmdbCheckpoints,
    machine: options.machine === undefined ? machineBoot() : options.machine,
    distrust: options.distrust ?? (() => null),
  };
  const { dir, files } = settings;
  let release: Release = async () => {};
  let checkpoint: Checkpoint | null = null;
  try {
    await ensureFolder(files, dir);
    release = await settings.lock(dir);
    const { store, isNew } = await createLocked(dir, settings);
    const run = await readRun(files, dir);
    // Before the first start was counted nothing can have been stored; an earlier attempt may have been cut short.
    if (run.boot === 0) {
      for (const part of [logFolder(dir), stateFolder(dir)]) await removeTree(files, part);
      // The name of store.json is to be durable before there is data beside it.
      await syncFolder(files, dir);
    }
    await ensureFolder(files, logFolder(dir));
    const identity = await vouchOrMint(store, isNew, run, settings);
    checkpoint = await settings.checkpoints.open({
      dir,
      lineage: identity.store.lineage,
      leastBytes: run.stateBytes ?? 0,
    });
    return await recover(settings, run, identity, checkpoint, release);
  } catch (error) {
    await checkpoint?.close();
    await release();
    throw storageError(error, dir, 'opening the data folder');
  }
}

interface Identity {
  readonly store: StoreFile;
  /** False: the machine went down under un-synced data. */
  readonly trusted: boolean;
  readonly notes: readonly string[];
}

/**
 * PROTOCOL section 0 and "Sync modes": a store that the map distrusts, or that did not sync and whose machine went down without a clean
 * mark, is another replica.
 */
async function vouchOrMint(
  store: StoreFile,
  isNew: boolean,
  run: RunFile,
  settings: Settings,
): Promise<Identity> {
  const { machine, distrust } = settings;
  const same = machine !== null && run.machine === machine;
  const trusted = run.boot === 0 || run.durability === 'fsync' || run.clean !== null || same;
  const reason = trusted
    ? distrust({ store: store.store, boot: run.boot + 1, isNew })
    : 'the machine went down while the node ran with --durability process, so acknowledged writes may be missing';
  if (reason === null) return { store, trusted, notes: run.notes };
  const minted = await mint(store, settings);
  const note = `store identity changed from ${store.store} to ${minted.store}, resynchronizing from the other replicas: ${reason}`;
  return { store: minted, trusted, notes: [...run.notes, note] };
}

/** Gives the store a new identity, durably. Its data stays. */
async function mint(old: StoreFile, { dir, files, newId }: Settings): Promise<StoreFile> {
  const store = { ...old, store: newId() };
  await writeStore(files, dir, store);
  return store;
}

async function recover(
  settings: Settings,
  run: RunFile,
  { store, trusted, notes }: Identity,
  checkpoint: Checkpoint,
  release: Release,
): Promise<FileStorage> {
  const { dir, durability, segmentBytes, files, machine } = settings;
  const folder = logFolder(dir);
  const loaded = await checkpoint.load();
  await finishRemoval(files, folder, loaded.floor);

  const covered = coveredBy(loaded.rows);
  const coverage = new Coverage(covered);
  const replay = new Replay(loaded.rows);
  const dropped = new Map<number, number>();
  const dirtyPromises = new Set<number>();
  let begun = 0;
  const log = {
    files,
    dir,
    lineage: store.lineage,
    trusted,
    unsyncedFrom: trusted ? Number.POSITIVE_INFINITY : (run.unsyncedFrom ?? Number.POSITIVE_INFINITY),
    firstSegment: loaded.floor + 1,
    // A damaged one may have been cut to nothing, and its process have ended before it could begin another segment.
    begun: run.boot > 0 && run.damaged !== true,
  };
  const scanned = await scanLog({
    ...log,
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
  const gaps = new Set<number>();
  const partitions = replay.finish((partition, after, found) => {
    gaps.add(partition);
    // What would have cut those entries may be among what was not synced.
    if (trusted)
      throw corrupt(dir, folder, `partition ${partition} lacks entry ${after + 1} but has entry ${found}`);
  });

  const allNotes = [...notes];
  // A flipped bit in the last batch looks like a write cut short, which nobody had acknowledged: the cut is remembered first.
  const damaged = run.damaged === true || (scanned.torn !== null && !scanned.torn.isEmpty);
  if (scanned.torn !== null) {
    // Even if it says so already: an earlier attempt may have ended before that was durable.
    await writeRun(files, dir, { ...run, damaged });
    const note = await cutTail(files, dir, scanned);
    if (!scanned.torn.isEmpty) allNotes.push(note);
  }
  const from = uncertainFrom(run, machine);
  await settleSegments(files, dir, scanned, from);
  if (from !== Number.POSITIVE_INFINITY) await lookAgain(log, scanned);
  const promises = new Map(partitions.map((p) => [p.partition, p.promised]));
  for (const partition of dirtyPromises) if (!promises.has(partition)) dirtyPromises.delete(partition);

  const segment = Math.max(begun, loaded.floor) + 1;
  let lastBatch = Math.max(scanned.lastBatch, loaded.maxBatch);
  const header = {
    lineage: store.lineage,
    number: segment,
    previousBatch: scanned.lastBatch,
    firstBatch: lastBatch + 1,
    synced: scanned.lastBatch,
  };
  const writer = await SegmentWriter.create(files, folder, header, durability, segmentBytes);
  try {
    await syncFolder(files, folder);
    coverage.begin(segment);
    if (gaps.size > 0) {
      // The next start, which may trust this log, has to find what cuts them.
      const records = partitions.filter((p) => gaps.has(p.partition)).flatMap(recordsOf);
      lastBatch++;
      await writer.write(new BatchEncoder().encode(records, lastBatch, scanned.lastBatch));
      coverage.note(lastBatch, records);
    }
    coverage.setBytes(writer.size);
    const boot = run.boot + 1;
    const stateBytes = await checkpoint.bytes();
    const now: RunFile = {
      format: 1,
      boot,
      machine,
      durability,
      clean: null,
      damaged,
      notes: [],
      stateBytes,
      ...(durability === 'process' && { unsyncedFrom: segment }),
    };
    await writeRun(files, dir, now);
    const recovered = { store: store.store, boot, partitions, damaged, notes: allNotes };
    return new FileStorage({
      dir,
      lineage: store.lineage,
      durability,
      segmentBytes,
      files,
      run: now,
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
    await writer.close();
    throw error;
  }
}

/** A partition anew, as records that replace whatever the log has of it. */
const recordsOf = ({ partition, snapshot, entries }: StoredPartition): LogRecord[] => [
  { type: 'snapshot', partition, snapshot },
  ...entries.map((entry) => ({ type: 'append', partition, entry }) as const),
];

/** A removal of covered segments may have been cut short, in whatever order the disk did it. */
async function finishRemoval(files: FileSystem, folder: string, floor: number): Promise<void> {
  for (const number of await listSegments(files, folder)) {
    if (number <= floor) await files.unlink(join(folder, segmentName(number)));
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
  if (scanned.accountedFor >= known) return;
  const { torn } = scanned;
  const file = torn === null ? logFolder(dir) : join(logFolder(dir), segmentName(torn.segment));
  throw corrupt(
    dir,
    file,
    `batch ${scanned.accountedFor + 1} is missing although it was written`,
    torn?.offset ?? null,
  );
}

/** Cuts what was never acknowledged; later segments first, so that a crash in between leaves a torn tail again. */
async function cutTail(files: FileSystem, dir: string, scanned: Scanned): Promise<string> {
  const { segment, offset, bytes } = scanned.torn!;
  const folder = logFolder(dir);
  for (const number of (await listSegments(files, folder)).reverse()) {
    if (number > segment || (number === segment && offset === 0))
      await files.unlink(join(folder, segmentName(number)));
    await syncFolder(files, folder);
  }
  return (
    `torn log tail: truncated ${segmentName(segment)} at byte ${offset} (${bytes} bytes removed), ` +
    'as after a crash during a write; the node becomes primary only after it has compared its log with the other replicas'
  );
}

/** Whole segments were read, written and synced: what is there is what was read the first time, or this start has to be begun again. */
async function lookAgain(log: Log, scanned: Scanned): Promise<void> {
  const nothing = () => {};
  const again = await scanLog({ ...log, onSegment: nothing, onBatch: nothing, onBytes: nothing });
  if (again.lastBatch !== scanned.lastBatch || again.torn !== null)
    throw new MusterError('storage-failed', `log in ${log.dir} changed while being read`, {
      details: { path: log.dir, cause: null },
    });
}

/**
 * The first segment of which nothing is known to be on the disk; infinite when there is none. In another boot of the machine what was read
 * came from the disk.
 */
function uncertainFrom(run: RunFile, machine: string | null): number {
  const same = machine === null || run.machine === machine;
  if (run.durability === 'fsync' || run.clean !== null || !same) return Number.POSITIVE_INFINITY;
  return run.unsyncedFrom ?? 0;
}

/**
 * Makes sure that what was read is on the disk, and shortens the last segment to what is in use. A sync alone does not: one that
 * failed leaves pages that reads show, that count as written and are not (Rebello et al., "Can Applications Recover from
 * fsync Failures?", USENIX ATC 2020). So what an earlier process may have failed to sync is written again over itself, which makes
 * new pages to be synced. In 'fsync' mode that is the last write: a process ends at the first error, and the batches before were
 * synced when it was begun. In 'process' mode it is every segment from `uncertainFrom` on.
 */
async function settleSegments(
  files: FileSystem,
  dir: string,
  { segments, lastWrite }: Scanned,
  uncertainFrom: number,
): Promise<void> {
  const last = segments.at(-1);
  for (const segment of segments) {
    const whole = segment.number >= uncertainFrom;
    if (!whole && segment !== last) continue;
    const path = join(logFolder(dir), segmentName(segment.number));
    const { file } = await openRegular(files, path, { mode: 'r+' });
    try {
      if (segment === last) await file.truncate(segment.bytes);
      if (whole) await rewrite(file, segment.bytes);
      // As it was read: the system may have forgotten it since.
      if (segment === last) for (const { at, bytes } of lastWrite) await writeAll(file, [bytes], at);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(files, logFolder(dir));
}

const REWRITE_BYTES = 1024 * 1024;

/** Writes the first `bytes` over themselves. */
async function rewrite(file: OpenFile, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += REWRITE_BYTES)
    await writeAll(file, [await readUpTo(file, at, Math.min(REWRITE_BYTES, bytes - at))], at);
}
