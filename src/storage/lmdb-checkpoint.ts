/**
 * The checkpoint of applied state: one LMDB environment, one flat table.
 *
 *     key    partition (u16, big endian) · kind (1 byte) · key, session, row or result (UTF-8)     value  crc32 (of key and JSON) · JSON
 *     0 state     {gen, seq, epoch, batch, digest} 1 promise  [epoch, batch]
 *     2 cell      [kind, value, version]           3 session  first
 *     4 row       the `Row` itself                 5 result   (session/n) the `OpResult` itself
 *     FF FF 00    {lineage, floor, count, root}: whose it is; log segments up to `floor` may be gone
 *
 * A checksum tells that a row is not damaged, and not that it is the newest, or that none is missing. So the state row has the digest
 * of all its partition's rows, and the last row the number and digest of all state and promise rows; both are verified at load.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { RootDatabase } from 'lmdb';
import { DigestSum, mismatch } from '../core/machine/digest.js';
import type { Cell, OpResult, Row, SessionId, Snapshot, StateDigest } from '../core/machine/types.js';
import { nodeFiles } from '../files/node.js';
import { ensureFolder, syncFolder } from '../files/whole.js';
import type { Checkpoint, CheckpointStore, CheckpointWrite, LoadedCheckpoint } from './checkpoint.js';
import { corrupt, stateFile, stateFolder, storageError } from './io.js';
import { lmdbDamage } from './lmdb-verify.js';
import type { CheckpointRow } from './replay.js';

const STATE = 0;
const PROMISE = 1;
const CELL = 2;
const SESSION = 3;
const ROW = 4;
const RESULT = 5;
/** Kinds of what a partition holds. */
const contents = [CELL, SESSION, ROW, RESULT];
const GLOBAL = Buffer.from([0xff, 0xff, 0]);

type StateValue = Readonly<Record<'gen' | 'seq' | 'epoch' | 'batch', number>> & {
  readonly digest: StateDigest;
};
interface GlobalValue extends Total {
  readonly lineage: string;
  readonly floor: number;
}

/** What all state and promise rows come to. */
interface Total {
  readonly count: number;
  readonly root: string;
}

/** The state and promise rows, and what they come to. */
class Heads {
  private readonly rows = new Map<string, string>();
  private readonly sum = new DigestSum();
  /** What was there before each change since the last `keep`. */
  private changed: (readonly [id: string, before: string | undefined])[] = [];

  set(key: Buffer, text: string | undefined): void {
    if ((key[2] !== STATE && key[2] !== PROMISE) || key.equals(GLOBAL)) return;
    const id = key.toString('hex');
    this.changed.push([id, this.rows.get(id)]);
    this.put(id, text);
  }

  private put(id: string, text: string | undefined): void {
    const before = this.rows.get(id);
    if (before !== undefined) this.sum.texts(id, before, -1);
    if (text === undefined) this.rows.delete(id);
    else {
      this.rows.set(id, text);
      this.sum.texts(id, text, 1);
    }
  }

  keep(): void {
    this.changed = [];
  }

  *partitions(): Iterable<number> {
    for (const id of this.rows.keys()) yield Number.parseInt(id.slice(0, 4), 16);
  }

  undo(): void {
    for (const [id, before] of this.changed.reverse()) this.put(id, before);
    this.changed = [];
  }

  get total(): Total {
    return { count: this.rows.size, root: this.sum.with() };
  }
}

/**
 * LMDB reads and writes its file itself, so this stands on the operating system's files whatever the log stands on. The
 * look at the file before it is mapped is synchronous: LMDB's own reads are, and nobody else has the folder.
 */
export class LmdbCheckpoint implements Checkpoint {
  private closed = false;
  private heads = new Heads();
  /** A write failed, and its effect has not been read back yet. */
  private inDoubt = false;

  private constructor(
    private db: RootDatabase<Buffer, Buffer>,
    private readonly dir: string,
    private readonly lineage: string,
  ) {}

  /** Opens or makes the environment: see `CheckpointStore`. */
  static async open({
    dir,
    lineage,
    leastBytes,
  }: Parameters<CheckpointStore['open']>[0]): Promise<LmdbCheckpoint> {
    await ensureFolder(nodeFiles, stateFolder(dir));
    const path = stateFile(dir);
    // It never shrinks; reading one that was cut off would end the process (SIGBUS).
    const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < leastBytes) throw corrupt(dir, path, `expected at least ${leastBytes} bytes, got ${size}`);
    const damage = lmdbDamage(path);
    if (damage !== null) throw corrupt(dir, path, damage.message, damage.offset);
    // Mutexes and readers of dead processes: the holder of the folder's lock is the only user.
    fs.rmSync(join(stateFolder(dir), 'lock.mdb'), { force: true });
    const db = await openDatabase(dir);
    await syncFolder(nodeFiles, stateFolder(dir));
    return new LmdbCheckpoint(db, dir, lineage);
  }

  /** Reads everything. Throws `storage-corrupt`. */
  async load(): Promise<LoadedCheckpoint> {
    const rows = new Map<number, MutableRow>();
    const heads = new Heads();
    let global: GlobalValue | null = null;
    try {
      for (const { key, value } of this.db.getRange({})) {
        const text = decodeValue(key, value);
        const json: unknown = JSON.parse(text);
        if (key.equals(GLOBAL)) global = json as GlobalValue;
        else addRow(rows, key, json);
        heads.set(key, text);
      }
      heads.keep();
      verify(rows, global, heads.total);
      this.heads = heads;
    } catch (error) {
      throw corrupt(this.dir, stateFile(this.dir), (error as Error).message);
    }
    if (global !== null && global.lineage !== this.lineage) {
      throw corrupt(this.dir, stateFile(this.dir), 'checkpoint belongs to another store');
    }
    let maxBatch = 0;
    for (const row of rows.values()) maxBatch = Math.max(maxBatch, row.snapshotBatch, row.promiseBatch);
    return { rows, floor: global?.floor ?? 0, maxBatch };
  }

  /** One atomic, durable transaction. Rejects with `storage-full` or `storage-failed`; nothing of it is stored then. */
  async write(written: CheckpointWrite): Promise<void> {
    try {
      if (this.inDoubt) await this.lookAgain(written);
    } catch (error) {
      throw storageError(error, this.dir, 'reopening the checkpoint');
    }
    const { db, heads } = this;
    try {
      // The sync runs in lmdb's own thread; the callback, in a transaction that an exception undoes, in ours.
      await db.childTransaction(() => {
        const put = (key: Buffer, value: unknown) => {
          const text = JSON.stringify(value);
          heads.set(key, text);
          void db.put(key, encodeValue(key, text));
        };
        const change = (key: Buffer, value: unknown) => {
          if (value === null) void db.remove(key);
          else put(key, value);
        };
        const clear = (partition: number, kinds: readonly number[]) => {
          for (const kind of kinds) {
            const range = { start: rowKey(partition, kind), end: rowKey(partition, kind + 1) };
            for (const key of [...db.getKeys(range)]) {
              heads.set(key, undefined);
              void db.remove(key);
            }
          }
        };
        for (const partition of written.drops) clear(partition, [STATE, PROMISE, ...contents]);
        for (const delta of written.deltas) {
          const { partition, gen, seq, epoch, digest } = delta;
          if (delta.full) clear(partition, contents);
          const state: StateValue = { gen, seq, epoch, batch: written.batch, digest };
          put(rowKey(partition, STATE), state);
          for (const [name, cell] of delta.cells)
            change(rowKey(partition, CELL, name), cell && [cell.kind, cell.value, cell.version]);
          for (const [id, first] of delta.sessions) change(rowKey(partition, SESSION, id), first);
          for (const [id, n, result] of delta.results)
            change(rowKey(partition, RESULT, `${id}/${n}`), result);
          for (const [id, row] of delta.rows) change(rowKey(partition, ROW, id), row);
        }
        for (const [partition, epoch] of written.promises)
          put(rowKey(partition, PROMISE), [epoch, written.batch]);
        const global: GlobalValue = { lineage: this.lineage, floor: written.floor, ...heads.total };
        put(GLOBAL, global);
      });
      heads.keep();
    } catch (error) {
      heads.undo();
      this.inDoubt = true;
      throw storageError(await realError(error, this.dir), this.dir, 'writing the checkpoint');
    }
  }

  /**
   * After a failed write LMDB may refuse all others until it is opened anew, and the write may have reached the disk all the same.
   * Only partitions of that write or of `next` can differ from what is known: a failed one is written again with the next.
   */
  private async lookAgain(next: CheckpointWrite): Promise<void> {
    await this.db.close();
    this.db = await openDatabase(this.dir);
    const { db } = this;
    const partitions = new Set(this.heads.partitions());
    for (const { partition } of next.deltas) partitions.add(partition);
    for (const [partition] of next.promises) partitions.add(partition);
    for (const partition of next.drops) partitions.add(partition);
    const heads = new Heads();
    const read = (key: Buffer): string | undefined => {
      const value = db.get(key);
      return value === undefined ? undefined : decodeValue(key, value);
    };
    for (const partition of partitions)
      for (const kind of [STATE, PROMISE]) heads.set(rowKey(partition, kind), read(rowKey(partition, kind)));
    heads.keep();
    const text = read(GLOBAL);
    const { total } = heads;
    const said =
      text === undefined ? { count: 0, root: new Heads().total.root } : (JSON.parse(text) as Total);
    if (said.count !== total.count || said.root !== total.root)
      throw corrupt(
        this.dir,
        stateFile(this.dir),
        `root hash mismatch: expected ${said.root}, got ${total.root}`,
      );
    this.heads = heads;
    this.inDoubt = false;
  }

  async bytes(): Promise<number> {
    return fs.statSync(stateFile(this.dir)).size;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.db.close();
  }
}

export const lmdbCheckpoints: CheckpointStore = { open: (options) => LmdbCheckpoint.open(options) };

async function openDatabase(dir: string): Promise<RootDatabase<Buffer, Buffer>> {
  const { open } = await import('lmdb'); // late: it costs 10 MiB, and createStore() needs none of it
  return open<Buffer, Buffer>({
    path: stateFolder(dir),
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    // A transaction's promise must mean that it is on disk, and after a crash the newest one must be whole.
    overlappingSync: false,
    // With it, a failing commit also rejects a promise that no caller can handle.
    eventTurnBatching: false,
    compression: false,
    cache: false,
    maxReaders: 8,
  });
}

/**
 * lmdb rejects with a general error whose `commitError` is a promise that rejects with the cause. A write that ends
 * short, as on a full disk, it calls EIO: so look how much room there is.
 */
async function realError(error: unknown, dir: string): Promise<unknown> {
  const commit = (error as { commitError?: Promise<never> }).commitError;
  const cause = await commit?.catch((inner: unknown) => inner);
  const { bavail, bsize } = fs.statfsSync(dir);
  if (bavail * bsize < ROOM) return Object.assign(new Error('no space left'), { code: 'ENOSPC', cause });
  return cause ?? error;
}

/** With less room than this, in bytes, a failed checkpoint is put down to a full disk. */
const ROOM = 1024 * 1024;

function rowKey(partition: number, kind: number, name = ''): Buffer {
  const key = Buffer.allocUnsafe(3 + Buffer.byteLength(name));
  key.writeUInt16BE(partition, 0);
  key[2] = kind;
  key.write(name, 3);
  return key;
}

function encodeValue(key: Buffer, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
  bytes.write(text, 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(4), crc32(key)), 0);
  return bytes;
}

/** The JSON of a row. */
function decodeValue(key: Buffer, bytes: Buffer): string {
  if (bytes.length < 4 || crc32(bytes.subarray(4), crc32(key)) !== bytes.readUInt32LE(0)) {
    throw new Error(`checksum mismatch in row ${key.toString('hex')}`);
  }
  return bytes.toString('utf8', 4);
}

/** Throws when something is missing, too old or too much. */
function verify(
  rows: ReadonlyMap<number, MutableRow>,
  global: GlobalValue | null,
  { count, root }: Total,
): void {
  if (global === null) {
    if (count > 0) throw new Error('the summary row is missing');
    return;
  }
  if (count !== global.count) throw new Error(`expected ${global.count} partition rows, got ${count}`);
  if (root !== global.root) throw new Error(`root hash mismatch: expected ${global.root}, got ${root}`);
  for (const [partition, { snapshot }] of rows) {
    const wrong = snapshot === null ? null : mismatch(snapshot.digest, snapshot);
    if (wrong !== null) throw new Error(`partition ${partition} is incomplete: ${wrong}`);
  }
}

type Results = (readonly [n: number, result: OpResult])[];

interface MutableRow extends CheckpointRow {
  snapshot:
    | (Snapshot & {
        readonly cells: (readonly [string, Cell])[];
        readonly sessions: (readonly [SessionId, { readonly first: number; readonly results: Results }])[];
        readonly rows: (readonly [string, Row])[];
      })
    | null;
  /** The results of each session. */
  readonly results: Map<string, Results>;
  snapshotBatch: number;
  promised: number;
  promiseBatch: number;
}

/** Rows of a partition come in the order of their kinds, so its state row precedes its cells. */
function addRow(rows: Map<number, MutableRow>, key: Buffer, json: unknown): void {
  const partition = key.readUInt16BE(0);
  let row = rows.get(partition);
  if (row === undefined) {
    row = { snapshot: null, results: new Map(), snapshotBatch: 0, promised: 0, promiseBatch: 0 };
    rows.set(partition, row);
  }
  if (key[2] === STATE) {
    const { batch, gen, seq, epoch, digest } = json as StateValue;
    row.snapshot = { gen, seq, epoch, digest, cells: [], sessions: [], rows: [] };
    row.snapshotBatch = batch;
  } else if (key[2] === PROMISE) {
    [row.promised, row.promiseBatch] = json as [number, number];
  } else if (row.snapshot === null) {
    throw new Error(`partition ${partition} has rows but no state`);
  } else if (key[2] === CELL) {
    const [kind, value, version] = json as [Cell['kind'], Cell['value'], number];
    row.snapshot.cells.push([key.toString('utf8', 3), { kind, value, version }]);
  } else if (key[2] === SESSION) {
    const id = key.toString('latin1', 3) as SessionId;
    const results: Results = [];
    row.results.set(id, results);
    row.snapshot.sessions.push([id, { first: json as number, results }]);
  } else if (key[2] === RESULT) {
    const [id = '', n] = key.toString('latin1', 3).split('/');
    const results = row.results.get(id);
    if (results === undefined) throw new Error(`partition ${partition} has a result without a session`);
    results.push([Number(n), json as OpResult]);
  } else if (key[2] === ROW) {
    row.snapshot.rows.push([key.toString('utf8', 3), json as Row]);
  } else {
    throw new Error(`unknown row type ${key[2]}`);
  }
}
