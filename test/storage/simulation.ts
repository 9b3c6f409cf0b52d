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
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage } from '../../src/storage/open.js';
import { Expectation, Problem } from './expectation.js';
import type { Step } from './model.js';

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
