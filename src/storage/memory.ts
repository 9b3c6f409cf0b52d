import { mismatch } from '../core/machine/digest.js';
import type { CheckpointDelta, OpResult, SessionId, Snapshot, StateDigest } from '../core/machine/types.js';
import type { Durability } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { BatchDecoder, textsOf } from './codec.js';
import type { LogRecord, NodeStorage, Recovered, StorageStats } from './contract.js';
import { Coverage, type Covered, coveredBy } from './coverage.js';
import { type CheckpointRow, Replay } from './replay.js';

interface Batch {
  readonly number: number;
  readonly segment: number;
  /** The records as JSON: what was stored cannot change under us. */
  readonly texts: readonly string[];
}

interface StoredRow {
  state: { gen: number; seq: number; epoch: number; batch: number; digest: StateDigest } | null;
  readonly cells: Map<string, string>;
  readonly sessions: Map<string, string>;
  /** By session/n. */
  readonly results: Map<string, string>;
  readonly rows: Map<string, string>;
  promised: number;
  promiseBatch: number;
}

/** How a process ends in a test. */
export interface Crash {
  /** The machine goes down with it: what was not synced is gone. */
  readonly machine?: boolean;
  /** The batch under way reached the disk whole after all. */
  readonly keepUnderWay?: boolean;
  /** A part of it did: the next start cuts it off, and cannot know that nobody had acknowledged it. */
  readonly torn?: boolean;
}

/** A disk that outlives the storages opened on it. `segmentBatches`: batches of a log segment. */
export class MemoryDisk {
  store: string;
  boot = 0;
  machine = 1;
  /** How the last storage ended. */
  clean = true;
  /** As `run.json` says. */
  damaged = false;
  durability: Durability = 'fsync';
  lastMachine = 1;
  batches: Batch[] = [];
  underWay: Batch | null = null;
  lastBatch = 0;
  /** Batches up to this one survive the machine. */
  synced = 0;
  segment = 0;
  readonly rows = new Map<number, StoredRow>();
  notes: string[] = [];
  opened: MemoryStorage | null = null;
  /** The next append fails with this. */
  failNext: MusterError | null = null;

  constructor(
    readonly name = 'memory',
    readonly segmentBatches = 64,
  ) {
    this.store = `${name}-1`;
  }

  /** Opens it as `openStorage` does a folder. Throws `storage-locked` while it is open. */
  open(durability: Durability = 'fsync'): MemoryStorage {
    if (this.opened !== null) {
      throw new MusterError('storage-locked', `disk ${this.name} is in use`, {
        details: { path: this.name },
      });
    }
    if (this.durability === 'process' && !this.clean && this.lastMachine !== this.machine) {
      this.remint('the machine went down while the store was not synced');
    }
    this.boot++;
    this.synced = this.lastBatch; // opening makes durable what it found
    this.clean = false;
    this.durability = durability;
    this.lastMachine = this.machine;
    this.opened = new MemoryStorage(this, durability);
    this.notes = [];
    return this.opened;
  }

  /** A copy as of now: what a restored backup of the disk would be. Nothing is under way in it, and nobody has it open. */
  clone(store: string): MemoryDisk {
    const copy = new MemoryDisk(this.name, this.segmentBatches);
    const { boot, machine, clean, damaged, durability, lastMachine, lastBatch, synced, segment } = this;
    Object.assign(copy, {
      store,
      boot,
      machine,
      clean,
      damaged,
      durability,
      lastMachine,
      lastBatch,
      synced,
      segment,
    });
    copy.batches = [...this.batches];
    for (const [p, row] of this.rows) {
      copy.rows.set(p, {
        ...row,
        cells: new Map(row.cells),
        sessions: new Map(row.sessions),
        results: new Map(row.results),
        rows: new Map(row.rows),
      });
    }
    return copy;
  }

  /**
   * A bit of the last batch flips while nobody has the disk open: the next start finds what it takes for a torn write. False: that
   * batch is in the checkpoint, or nothing is there, so a start would notice (`storage-corrupt`) or lose nothing.
   */
  damageLastBatch(): boolean {
    const last = this.batches.at(-1);
    const checkpointed = Math.max(
      0,
      ...[...this.rows.values()].map((row) => Math.max(row.state?.batch ?? 0, row.promiseBatch)),
    );
    if (last === undefined || last.number !== this.lastBatch || last.number <= checkpointed) return false;
    this.batches = this.batches.slice(0, -1);
    this.lastBatch--;
    this.synced = Math.min(this.synced, this.lastBatch);
    this.damaged = true;
    return true;
  }

  /** Another identity for the same data. */
  remint(reason: string): void {
    this.store = `${this.name}-${Number(this.store.slice(this.name.length + 1)) + 1}`;
    this.notes.push(`store identity changed to ${this.store}: ${reason}`);
  }
}

/** The in-memory twin of `FileStorage`: same contract, same recovery, and a crash on demand. */
export class MemoryStorage implements NodeStorage {
  readonly recovered: Recovered;
  private readonly coverage: Coverage;
  private readonly promises = new Map<number, number>();
  private readonly dirtyPromises = new Set<number>();
  private readonly dropped = new Map<number, number>();
  private failed: MusterError | null = null;
  private closing = false;
  private appending: Promise<void> | null = null;
  private syncs = 0;
  private batchesInSegment = 0;

  constructor(
    private readonly disk: MemoryDisk,
    private readonly durability: Durability,
  ) {
    const rows = new Map([...disk.rows].map(([p, row]) => [p, toCheckpointRow(row)]));
    this.coverage = new Coverage(coveredBy(rows));
    const replay = new Replay(rows);
    let segment = -1;
    for (const batch of disk.batches) {
      if (batch.segment !== segment) this.coverage.begin(batch.segment);
      segment = batch.segment;
      const records = recordsOf(batch);
      replay.batch(batch.number, records);
      this.note(batch.number, records, lengthOf(batch));
    }
    disk.segment++;
    this.coverage.begin(disk.segment);
    const partitions = replay.finish((partition, after, found) => {
      throw new MusterError(
        'storage-corrupt',
        `partition ${partition} lacks entry ${after + 1} but has entry ${found}`,
      );
    });
    for (const { partition, promised } of partitions) this.promises.set(partition, promised);
    const { store, boot, damaged } = disk;
    this.recovered = { store, boot, partitions, damaged, notes: [...disk.notes] };
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
    const { disk } = this;
    this.begin(records);
    this.appending = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => {
        if (this.failed !== null) throw this.failed;
        if (disk.failNext !== null) {
          this.failed = disk.failNext;
          disk.failNext = null;
          throw this.failed;
        }
        this.finish();
      })
      .finally(() => {
        this.appending = null;
      });
    return this.appending;
  }

  /** The first half of an append: the batch is under way. For a simulator, which has its own time. */
  begin(records: readonly LogRecord[]): void {
    const { disk } = this;
    const number = disk.lastBatch + 1;
    if (this.batchesInSegment >= disk.segmentBatches) {
      this.coverage.begin(++disk.segment);
      this.batchesInSegment = 0;
    }
    this.batchesInSegment++;
    const batch: Batch = {
      number,
      segment: disk.segment,
      texts: records.flatMap((record) => [...textsOf(record)]),
    };
    disk.underWay = batch;
  }

  /** The second half: the batch under way is durable by the store's mode. */
  finish(): void {
    const batch = this.disk.underWay;
    if (batch === null) return;
    this.settle(batch);
    this.syncs += this.durability === 'fsync' ? 1 : 0;
    this.note(batch.number, recordsOf(batch), lengthOf(batch));
  }

  private settle(batch: Batch): void {
    this.disk.batches.push(batch);
    this.disk.lastBatch = batch.number;
    this.disk.underWay = null;
    if (this.durability === 'fsync') this.disk.synced = batch.number;
  }

  private note(batch: number, records: readonly LogRecord[], bytes: number): void {
    this.coverage.note(batch, records);
    this.coverage.addBytes(bytes);
    for (const record of records) {
      const p = record.partition;
      if (record.type === 'promise') {
        this.promises.set(p, Math.max(this.promises.get(p) ?? 0, record.epoch));
        this.dirtyPromises.add(p);
      } else if (record.type === 'drop') {
        this.promises.delete(p);
        this.dirtyPromises.delete(p);
        if (batch > (this.disk.rows.get(p)?.state?.batch ?? 0)) this.dropped.set(p, batch);
      }
    }
  }

  async checkpoint(deltas: readonly CheckpointDelta[]): Promise<void> {
    const refused = this.refusal();
    if (refused !== null) throw refused;
    const { disk } = this;
    const batch = disk.lastBatch;
    const pending = new Map<number, Covered>();
    for (const [partition, at] of this.dropped) {
      disk.rows.delete(partition);
      pending.set(partition, { dropped: true, batch: at });
    }
    for (const delta of deltas) {
      const row = this.row(delta.partition);
      row.state = { gen: delta.gen, seq: delta.seq, epoch: delta.epoch, batch, digest: delta.digest };
      if (delta.full) for (const held of [row.cells, row.sessions, row.results, row.rows]) held.clear();
      for (const [key, cell] of delta.cells) change(row.cells, key, cell);
      for (const [id, first] of delta.sessions) change(row.sessions, id, first);
      for (const [id, n, result] of delta.results) change(row.results, `${id}/${n}`, result);
      for (const [id, value] of delta.rows) change(row.rows, id, value);
      this.promises.set(delta.partition, Math.max(this.promises.get(delta.partition) ?? 0, delta.promised));
      this.dirtyPromises.add(delta.partition);
      pending.set(delta.partition, { dropped: false, batch, seq: delta.seq });
    }
    for (const partition of this.dirtyPromises) {
      const promised = this.promises.get(partition);
      if (promised !== undefined) Object.assign(this.row(partition), { promised, promiseBatch: batch });
    }
    this.dropped.clear();
    this.dirtyPromises.clear();
    for (const [partition, covered] of pending) this.coverage.cover(partition, covered);
    const removed = new Set(this.coverage.remove(this.coverage.removableUpTo(new Map())));
    disk.batches = disk.batches.filter((stored) => !removed.has(stored.segment));
    await Promise.resolve();
  }

  private row(partition: number): StoredRow {
    let row = this.disk.rows.get(partition);
    if (row === undefined) {
      row = {
        state: null,
        cells: new Map(),
        sessions: new Map(),
        results: new Map(),
        rows: new Map(),
        promised: 0,
        promiseBatch: 0,
      };
      this.disk.rows.set(partition, row);
    }
    return row;
  }

  async setDamaged(damaged: boolean): Promise<void> {
    const refused = this.refusal();
    if (refused !== null) throw refused;
    this.disk.damaged = damaged;
  }

  stats(): StorageStats {
    return {
      logBytes: this.coverage.bytes,
      segments: this.coverage.count,
      syncs: this.syncs,
      checkpointError: null,
    };
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    await this.appending?.catch(() => {});
    if (this.failed === null) {
      this.disk.synced = this.disk.lastBatch;
      this.disk.clean = true;
    }
    this.disk.opened = null;
  }

  /** Ends the process that has this open. The batch under way is lost unless `keepUnderWay`; its append rejects. */
  crash({ machine = false, keepUnderWay = false, torn = false }: Crash = {}): void {
    const { disk } = this;
    this.failed = new MusterError('storage-failed', 'process exited');
    if (disk.underWay !== null && keepUnderWay) this.settle(disk.underWay);
    else if (disk.underWay !== null && torn) disk.damaged = true;
    disk.underWay = null;
    if (machine) {
      disk.machine++;
      disk.batches = disk.batches.filter((batch) => batch.number <= disk.synced);
    }
    disk.opened = null;
  }

  private refusal(): MusterError | null {
    if (this.failed !== null) return this.failed;
    return this.closing ? new MusterError('storage-failed', 'storage is closed', { tookEffect: 'no' }) : null;
  }
}

function recordsOf({ texts }: Batch): LogRecord[] {
  const decoder = new BatchDecoder();
  for (const text of texts) decoder.add(`[${text}]`);
  return decoder.take();
}

const lengthOf = ({ texts }: Batch): number => texts.reduce((sum, text) => sum + text.length, 0);

function change(held: Map<string, string>, key: string, value: unknown): void {
  if (value === null) held.delete(key);
  else held.set(key, JSON.stringify(value));
}

/** A stored row as replay wants it. Throws `storage-corrupt` when it is not what its digest says. */
export function toCheckpointRow(row: StoredRow): CheckpointRow {
  const { state, promised, promiseBatch } = row;
  if (state === null) return { snapshot: null, snapshotBatch: 0, promised, promiseBatch };
  const { gen, seq, epoch, digest, batch } = state;
  const results = new Map<string, [number, OpResult][]>();
  for (const [id, text] of row.results) {
    const [session = '', n] = id.split('/');
    const of = results.get(session) ?? [];
    of.push([Number(n), JSON.parse(text) as OpResult]);
    results.set(session, of);
  }
  const snapshot: Snapshot = {
    gen,
    seq,
    epoch,
    digest,
    cells: [...row.cells].map(([key, text]) => [key, JSON.parse(text)] as const),
    sessions: [...row.sessions].map(
      ([id, text]) =>
        [id as SessionId, { first: JSON.parse(text) as number, results: results.get(id) ?? [] }] as const,
    ),
    rows: [...row.rows].map(([id, text]) => [id, JSON.parse(text)] as const),
  };
  const wrong = mismatch(digest, snapshot);
  if (wrong !== null) throw new MusterError('storage-corrupt', `checkpoint is incomplete: ${wrong}`);
  return { snapshot, snapshotBatch: batch, promised, promiseBatch };
}
