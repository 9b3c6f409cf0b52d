/**
 * The twin of LMDB in the simulator: one value of the simulated file system, replaced as a whole. A write is atomic, and durable when
 * it resolves; one that fails may be there or not; the folder takes it along when it is lost, copied or put back. Loads exactly what
 * `LmdbCheckpoint` loads after the same writes (`test/storage/checkpoint.test.ts`).
 */
import { mismatch } from '../core/machine/digest.js';
import type { Cell, OpResult, Row, SessionId, Snapshot, StateDigest } from '../core/machine/types.js';
import { codeOf } from '../files/contract.js';
import { ensureFolder, syncFolder } from '../files/whole.js';
import type {
  Checkpoint,
  CheckpointStore,
  CheckpointWrite,
  LoadedCheckpoint,
} from '../storage/checkpoint.js';
import { corrupt, stateFile, stateFolder, storageError } from '../storage/io.js';
import type { CheckpointRow } from '../storage/replay.js';
import type { SimFileProcess } from './file-system.js';

/** JSON by name: what was stored cannot change under us. */
type Texts = ReadonlyMap<string, string>;

interface Partition {
  readonly state:
    | (Readonly<Record<'gen' | 'seq' | 'epoch' | 'batch', number>> & { digest: StateDigest })
    | null;
  readonly cells: Texts;
  readonly sessions: Texts;
  /** By session/n. */
  readonly results: Texts;
  readonly rows: Texts;
  readonly promised: number;
  readonly promiseBatch: number;
}

/** Never changed: a write makes another one. */
interface Value {
  readonly lineage: string;
  readonly floor: number;
  readonly partitions: ReadonlyMap<number, Partition>;
}

const none: Texts = new Map();
const empty: Partition = {
  state: null,
  cells: none,
  sessions: none,
  results: none,
  rows: none,
  promised: 0,
  promiseBatch: 0,
};

/** Checkpoints of the folders that a process opens. */
export function simCheckpoints(process: SimFileProcess): CheckpointStore {
  const { files } = process;
  return {
    async open({ dir, lineage, leastBytes }) {
      await ensureFolder(files, stateFolder(dir));
      const path = stateFile(dir);
      try {
        await files.stat(path);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        if (leastBytes > 0) throw corrupt(dir, path, `it has 0 bytes, and had ${leastBytes}`);
        await (await files.open(path, 'wx')).close();
      }
      await syncFolder(files, stateFolder(dir));
      return new SimCheckpoint(process, dir, lineage);
    },
  };
}

class SimCheckpoint implements Checkpoint {
  /** What is there; null: somebody has to look. */
  private value: Value | null = null;

  constructor(
    private readonly process: SimFileProcess,
    private readonly dir: string,
    private readonly lineage: string,
  ) {}

  private async read(): Promise<Value> {
    if (this.value !== null) return this.value;
    const path = stateFile(this.dir);
    const stored = await this.process.readValue(path);
    if (stored?.rotten) throw corrupt(this.dir, path, 'a row does not match its checksum');
    // Nobody else writes values under this name.
    this.value = (stored?.value as Value | undefined) ?? {
      lineage: this.lineage,
      floor: 0,
      partitions: new Map(),
    };
    return this.value;
  }

  async load(): Promise<LoadedCheckpoint> {
    const { lineage, floor, partitions } = await this.read();
    const fail = (why: string): Error => corrupt(this.dir, stateFile(this.dir), why);
    if (lineage !== this.lineage) throw fail('the checkpoint belongs to another store');
    let maxBatch = 0;
    const rows = new Map<number, CheckpointRow>();
    for (const partition of [...partitions.keys()].sort((a, b) => a - b)) {
      const row = toRow(partitions.get(partition) as Partition);
      if (typeof row === 'string') throw fail(`partition ${partition} is not whole: ${row}`);
      rows.set(partition, row);
      maxBatch = Math.max(maxBatch, row.snapshotBatch, row.promiseBatch);
    }
    return { rows, floor, maxBatch };
  }

  async write(written: CheckpointWrite): Promise<void> {
    try {
      const value = changed(await this.read(), written);
      this.value = null;
      await this.process.writeValue(stateFile(this.dir), value);
      this.value = value;
    } catch (error) {
      throw storageError(error, this.dir, 'writing the checkpoint');
    }
  }

  async bytes(): Promise<number> {
    return 1; // that it is there at all
  }

  async close(): Promise<void> {}
}

function changed(value: Value, { batch, deltas, drops, promises, floor }: CheckpointWrite): Value {
  const partitions = new Map(value.partitions);
  for (const partition of drops) partitions.delete(partition);
  for (const delta of deltas) {
    const { partition, gen, seq, epoch, digest, full } = delta;
    const before = partitions.get(partition) ?? empty;
    const base = full ? empty : before;
    partitions.set(partition, {
      state: { gen, seq, epoch, batch, digest },
      cells: merged(base.cells, delta.cells),
      sessions: merged(base.sessions, delta.sessions),
      results: merged(
        base.results,
        delta.results.map(([id, n, result]) => [`${id}/${n}`, result] as const),
      ),
      rows: merged(base.rows, delta.rows),
      promised: before.promised,
      promiseBatch: before.promiseBatch,
    });
  }
  for (const [partition, promised] of promises) {
    const before = partitions.get(partition) ?? empty;
    partitions.set(partition, { ...before, promised, promiseBatch: batch });
  }
  return { lineage: value.lineage, floor, partitions };
}

/** `null` deletes. */
function merged(texts: Texts, changes: readonly (readonly [string, unknown])[]): Texts {
  if (changes.length === 0) return texts;
  const result = new Map(texts);
  for (const [name, value] of changes) {
    if (value === null) result.delete(name);
    else result.set(name, JSON.stringify(value));
  }
  return result;
}

/** In the order of LMDB's keys: that of their bytes. */
const sorted = (texts: Texts): (readonly [string, string])[] =>
  [...texts].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** A partition as recovery takes it, or what is wrong with it. */
function toRow({
  state,
  cells,
  sessions,
  results,
  rows,
  promised,
  promiseBatch,
}: Partition): CheckpointRow | string {
  if (state === null) return { snapshot: null, snapshotBatch: 0, promised, promiseBatch };
  const { gen, seq, epoch, digest, batch } = state;
  const bySession = new Map<string, [number, OpResult][]>();
  for (const [id] of sessions) bySession.set(id, []);
  for (const [name, text] of sorted(results)) {
    const [id = '', n] = name.split('/');
    const of = bySession.get(id);
    if (of === undefined) return 'it has a result of no session';
    of.push([Number(n), JSON.parse(text) as OpResult]);
  }
  const snapshot: Snapshot = {
    gen,
    seq,
    epoch,
    digest,
    cells: sorted(cells).map(([key, text]) => {
      const { kind, value, version } = JSON.parse(text) as Cell;
      return [key, { kind, value, version } as Cell] as const;
    }),
    sessions: sorted(sessions).map(
      ([id, text]) =>
        [id as SessionId, { first: JSON.parse(text) as number, results: bySession.get(id) ?? [] }] as const,
    ),
    rows: sorted(rows).map(([id, text]) => [id, JSON.parse(text) as Row] as const),
  };
  const wrong = mismatch(digest, snapshot);
  return wrong ?? { snapshot, snapshotBatch: batch, promised, promiseBatch };
}
