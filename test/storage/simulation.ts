/**
 * The production storage over a simulated disk: a node writes batches and checkpoints, is killed between any two calls, loses power and
 * meets errors. After each recovery a plain model says whether what is there could be: all that was acknowledged, nothing that was
 * never written, and of batches under way all or nothing.
 */
import type { Durability } from '../../src/core/map/types.js';
import { Random } from '../../src/core/random.js';
import { MusterError } from '../../src/errors.js';
import type { FileSystem } from '../../src/files/contract.js';
import { noFileFaults, type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { simCheckpoints } from '../../src/simulator/sim-checkpoint.js';
import { simPlatform } from '../../src/simulator/sim-storage.js';
import type { CheckpointStore } from '../../src/storage/checkpoint.js';
import type { LogRecord, StoredPartition } from '../../src/storage/contract.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage } from '../../src/storage/open.js';
import { Model, type Step } from './model.js';

export interface RunOptions {
  /** Production code on the files as they are, or on some that break a promise. */
  readonly tamper?: (files: FileSystem) => FileSystem;
  readonly tamperCheckpoints?: (store: CheckpointStore) => CheckpointStore;
  /** Which boot of the machine a process sees, by the number of the real one. */
  readonly tamperBoot?: (machine: number) => number;
  /** Steps of calls until everybody is stopped. */
  readonly steps?: number;
}

/** How often what happened. */
export interface RunReport {
  readonly problem: string | null;
  readonly counts: Readonly<Record<string, number>>;
  /** What happened, in order. */
  readonly events: readonly string[];
}

const dir = '/cluster/n1/data';

class Problem extends Error {}

/** What may be in the folder, as far as anybody outside can know. */
class Expectation {
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
    this.earlier = [];
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

function randomStep(random: Random): Step {
  const p = random.below(3);
  const n = 1 + random.below(4);
  const at = random.below(14);
  if (at < 5) return { do: 'append', p, n, newEpoch: random.chance(0.5) };
  if (at < 7) return { do: 'overwrite', p, back: 1 + random.below(4), n };
  if (at < 11) return { do: 'apply', p, n };
  if (at < 12) return { do: 'snapshot', p, ahead: n, rewind: random.chance(0.5) };
  return at < 13 ? { do: 'promise', p, n } : { do: 'drop', p };
}

const settle = (): Promise<void> => new Promise((resume) => setImmediate(resume));

export async function runStorage(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const random = new Random(seed);
  const durabilities = random.pick<Durability[]>([['fsync'], ['fsync'], ['process'], ['fsync', 'process']]);
  const crashy = random.pick([0.0005, 0.003, 0.01]);
  const dark = random.pick([0, 0.001, 0.004]);
  const dangerous = random.pick([dark, 0.05]);
  const rot = random.pick([0, 0, 0, 0.002]);
  const faults = {
    ...noFileFaults,
    io: random.pick([0, 0.003, 0.01, 0.03]),
    full: random.pick([0, 0, 0.005]),
    short: random.pick([0, 0.1]),
    stale: random.pick([0, 0, 0.3]),
    misdirected: random.pick([0, 0, 0, 0, 0, 0.3]),
  };
  const segmentBytes = random.pick([300, 1000, 4096]);
  const checkpointy = random.pick([0.05, 0.3]);
  const counts: Record<string, number> = {};
  const events: string[] = [];
  const note = (event: string): void => {
    events.push(event);
    const kind = event.split(':')[0] as string;
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  let waiting: { readonly process: string; readonly go: () => void }[] = [];
  const disk = new SimFileSystem({
    random: random.fork(),
    step: (process) => new Promise((go) => waiting.push({ process, go })),
  });
  const ids = random.fork();
  const expectation = new Expectation();
  let machine = 1;
  let problem: string | null = null;
  let over = false;
  let calm = false;
  let opening = false;
  let step = 0;
  let endangered = 0;

  /** Fails the run on what is no error of the disk. */
  const failed = (what: string, error: unknown): void => {
    const code = error instanceof MusterError ? error.code : '';
    note(`${what} failed: ${(error as Error).message}`);
    // The system forgets what it failed to write: without a sync that was promised to nobody, only a process was.
    if (faults.stale > 0 && expectation.runs.has('process')) expectation.damagedDisk = true;
    if (code === 'storage-corrupt') {
      over = true;
      if (!expectation.damagedDisk) problem = `${what}: ${(error as Error).message}`;
    } else if (calm || (code !== 'storage-failed' && code !== 'storage-full'))
      problem = error instanceof Problem ? error.message : `${what}: ${(error as Error).stack}`;
  };

  const open = async (process: SimFileProcess): Promise<FileStorage | null> => {
    opening = true;
    const durability = random.pick(durabilities);
    const files = options.tamper?.(process.files) ?? process.files;
    const checkpoints = simCheckpoints({ ...process, files });
    expectation.runs.add(durability);
    expectation.attempts++;
    try {
      const storage = await openStorage({
        ...simPlatform({ process, dir, random: ids }),
        files,
        dir,
        durability,
        segmentBytes,
        machine: `boot ${options.tamperBoot?.(machine) ?? machine}`,
        checkpoints: options.tamperCheckpoints?.(checkpoints) ?? checkpoints,
      });
      const what = expectation.recovered(storage, durability);
      note(`opened ${what}: ${process.name}, ${durability}`);
      if (what === 'with the batch under way') endangered = step + 60;
      return storage;
    } catch (error) {
      failed('opening', error);
      return null;
    } finally {
      opening = false;
    }
  };

  const checkpoint = (storage: FileStorage): void => {
    const { model } = expectation;
    const deltas = [0, 1, 2]
      .filter(() => random.chance(0.6))
      .map((p) => model.delta(p))
      .filter((delta) => delta !== null);
    for (const delta of deltas) expectation.noteState(delta.partition, delta);
    storage.checkpoint(deltas).then(
      () => note('checkpoint'),
      (error: unknown) => {
        expectation.nothingCheckpointed();
        if (!storage.stats().checkpointError?.includes('closed')) failed('checkpoint', error);
      },
    );
  };

  const close = async (storage: FileStorage): Promise<void> => {
    expectation.runs.add('clean');
    try {
      await storage.close();
      expectation.runs = new Set(['clean']);
      note('closed');
    } catch (error) {
      failed('closing', error);
    }
  };

  /** The life of one process; it ends when it is killed, or by itself. */
  const live = async (process: SimFileProcess): Promise<void> => {
    const storage = await open(process);
    while (storage !== null && problem === null) {
      if (random.chance(checkpointy)) checkpoint(storage);
      if (random.chance(0.02)) {
        const damaged = random.chance(0.5);
        if (!damaged) expectation.mustSayDamaged = false;
        try {
          await storage.setDamaged(damaged);
          expectation.mustSayDamaged = damaged;
        } catch (error) {
          failed('marking', error);
          break;
        }
      }
      if (random.chance(0.01)) {
        await close(storage);
        break;
      }
      const after = expectation.model.copy();
      const records = Array.from({ length: 1 + random.below(4) }, () =>
        after.step(randomStep(random)),
      ).flat();
      expectation.begin(records, after);
      const appended = storage.append(records);
      if (random.chance(checkpointy)) checkpoint(storage);
      try {
        await appended;
        expectation.acknowledge(after);
        note('append');
      } catch (error) {
        failed('append', error);
        if (random.chance(0.5)) await storage.close().catch(() => {});
        break;
      }
    }
    process.kill();
  };

  let current: SimFileProcess | null = null;
  let started = 0;
  const kill = (): void => {
    current?.kill();
    current = null;
    waiting = [];
  };
  const start = async (): Promise<void> => {
    current = disk.process(`p${++started}`);
    void live(current).catch((error: unknown) => {
      problem ??= (error as Error).stack ?? String(error);
    });
    await settle();
  };
  const powerFailure = (): void => {
    kill();
    if (faults.misdirected > 0) expectation.damagedDisk = true;
    disk.powerFailure();
    machine++;
    expectation.powerFailed = true;
    note('power failure');
  };

  for (; step < (options.steps ?? 1500) && problem === null && !over; step++) {
    // A start takes many calls; most of them should succeed.
    disk.faults = opening ? { ...faults, io: faults.io / 10, full: faults.full / 10 } : faults;
    if (random.chance(crashy)) {
      kill();
      note('kill');
    }
    // What a start found of a batch under way is most in danger soon after.
    if (random.chance(step < endangered ? dangerous : dark)) powerFailure();
    if (random.chance(rot)) {
      kill();
      const log = disk.list(`${dir}/log`);
      const path = random.chance(0.1)
        ? `${dir}/state/data.mdb`
        : `${dir}/log/${random.chance(0.7) ? log.at(-1) : random.pick(log)}`;
      const bytes = disk.peek(path);
      if (bytes !== null) {
        // Mostly near the end of what is in use.
        const used = Buffer.from(bytes).toString('latin1').replace(/\0+$/, '').length;
        const near = random.chance(0.7) ? Math.min(used, 200) : bytes.length;
        disk.corrupt(path, 8 * Math.max(0, used - near) + random.below(8 * Math.max(1, near)));
        expectation.damagedDisk = true;
        note(`rot: ${path}`);
      }
    }
    if ((current as SimFileProcess | null)?.killed !== false) await start();
    const next = waiting.splice(random.below(waiting.length), 1)[0];
    next?.go();
    await settle();
  }
  // Everything that happened is found by one that comes after, on a disk that fails no more, and by one after that.
  disk.faults = noFileFaults;
  calm = true;
  for (let n = 0; n < 2 && problem === null && !over; n++) {
    kill();
    if (random.chance(0.5)) powerFailure();
    const last = disk.process(`last${n}`);
    current = last;
    let done = false;
    void open(last)
      .then(async (storage) => {
        if (storage === null) return;
        await storage.append([{ type: 'promise', partition: 5, gen: 0, epoch: n + 1 }]);
        if (random.chance(0.5)) await close(storage);
        expectation.begin([{ type: 'promise', partition: 5, gen: 0, epoch: n + 1 }], expectation.model);
        expectation.model.step({ do: 'promise', p: 5, n: 1 });
      })
      .catch((error: unknown) => failed('the end', error))
      .finally(() => {
        done = true;
      });
    while (!done) {
      await settle();
      for (const { go } of waiting.splice(0)) go();
    }
  }
  return { problem, counts, events };
}
