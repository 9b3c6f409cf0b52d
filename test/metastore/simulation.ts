/**
 * The production `DirectoryMetastore` over a simulated file system: several processes publish and read, sleep for many
 * revisions between any two calls, are killed, lose power and meet errors. `judge` looks whether what they were told could have
 * come from one register with compare-and-set that never loses what it acknowledged.
 */
import { Random } from '../../src/core/random.js';
import type { FileSystem } from '../../src/files/contract.js';
import type { Metastore, PublishOutcome } from '../../src/metastore/contract.js';
import { DirectoryMetastore } from '../../src/metastore/directory.js';
import { noFileFaults, type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { mapOf } from './maps.js';

export interface Operation {
  readonly process: string;
  readonly began: number;
  /** Infinity while it has not come back. */
  ended: number;
  readonly kind: 'read' | 'readFrom' | 'publish';
  /** `publish`: the revision expected; `readFrom`: the revision asked for. */
  readonly revision: number;
  /** `publish`: the map's name, which nobody else gives. */
  readonly name: string;
  outcome: PublishOutcome | 'map' | 'none' | 'error' | 'open';
  /** What a read gave. */
  found: { readonly revision: number; readonly name: string } | null;
}

/** Production code on the file system as it is, or on one that undoes a part of the algorithm. */
export type Tamper = (files: FileSystem) => FileSystem;

export interface RunOptions {
  readonly tamper?: Tamper;
  /** Calls of the file system until everybody is stopped. */
  readonly steps?: number;
  /** Revisions that are kept; by default the seed decides. */
  readonly kept?: number;
}

export interface RunReport {
  readonly operations: readonly Operation[];
  readonly problem: string | null;
  /** Names in the folder at the end. */
  readonly names: readonly string[];
  readonly kept: number;
  /** Longest time that a process slept, in revisions published meanwhile. */
  readonly longestSleep: number;
  readonly powerFailures: number;
  readonly kills: number;
  readonly parts: number;
}

const folder = '/cluster/map';

interface Waiting {
  readonly process: string;
  /** It goes on when so many maps have been published. */
  readonly until: number;
  readonly slept: number;
  readonly go: () => void;
}

export async function runMetastores(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const random = new Random(seed);
  const tamper = options.tamper ?? ((files) => files);
  const drawn = random.pick([1, 2, 3, 5, 64]);
  const kept = options.kept ?? drawn;
  const sleepy = random.pick([0.002, 0.01, 0.03]);
  const crashy = random.pick([0, 0.002, 0.01]);
  const dark = random.pick([0, 0, 0.001, 0.004]);
  const faulty = random.pick([0, 0, 0.005, 0.03]);
  const parts = random.pick([0, 0.3]);
  const operations: Operation[] = [];
  let now = 0;
  let published = 0;
  let longestSleep = 0;
  let powerFailures = 0;
  let kills = 0;
  let waiting: Waiting[] = [];
  let calm = false;
  const disk = new SimFileSystem({
    random: random.fork(),
    step: (process, call, path) =>
      new Promise((go) => {
        // Mostly where a name that was read or checked is used.
        const armed = call === 'link' || (call === 'open' && path.endsWith('.json'));
        const sleeps = !calm && random.chance(armed ? 8 * sleepy : sleepy);
        const until = sleeps ? published + kept + random.below(kept + 3) : 0;
        waiting.push({ process, until, slept: published, go });
      }),
  });
  const setUp = disk.process('set-up');
  const settle = (): Promise<void> => new Promise((resume) => setImmediate(resume));

  /** Lets one of those who wait go on. False when nobody waits. */
  const advance = async (): Promise<boolean> => {
    if (waiting.length === 0) return false;
    let awake = waiting.filter(({ until }) => until <= published);
    if (awake.length === 0) awake = waiting;
    const next = random.pick(awake);
    waiting = waiting.filter((one) => one !== next);
    if (next.until > 0) longestSleep = Math.max(longestSleep, published - next.slept);
    now++;
    next.go();
    await settle();
    return true;
  };
  const run = async (work: Promise<unknown>): Promise<void> => {
    let done = false;
    void work.then(() => (done = true));
    await settle();
    while (!done && (await advance()));
    if (!done) throw new Error('it waits for nothing');
  };

  await run(setUp.files.mkdir('/cluster').then(async () => (await setUp.files.open('/', 'r')).sync()));

  const record = async (
    process: string,
    kind: Operation['kind'],
    revision: number,
    name: string,
    metastore: Metastore,
  ): Promise<Operation> => {
    const op: Operation = {
      process,
      kind,
      revision,
      name,
      began: now,
      ended: Number.POSITIVE_INFINITY,
      outcome: 'open',
      found: null,
    };
    operations.push(op);
    try {
      if (kind === 'publish') {
        op.outcome = await metastore.publish(mapOf(revision + 1, name), revision);
        if (op.outcome === 'ok') published++;
      } else {
        const map = await (kind === 'read' ? metastore.read() : metastore.readFrom(revision));
        op.outcome = map === null ? 'none' : 'map';
        op.found = map === null ? null : { revision: map.revision, name: map.name };
      }
    } catch {
      op.outcome = 'error';
    }
    op.ended = now;
    return op;
  };

  let newest = 0;
  const live = async (process: SimFileProcess): Promise<void> => {
    const metastore = new DirectoryMetastore(folder, { files: tamper(process.files), kept });
    let inHand = 0;
    let lost = true;
    for (let n = 0; !process.killed; n++) {
      const roll = random.next();
      if (roll < 0.2 || (lost && roll < 0.8)) {
        const read = await record(process.name, 'read', 0, '', metastore);
        inHand = Math.max(inHand, read.found?.revision ?? 0);
        lost = false;
      } else if (roll < 0.3 && newest > 0) {
        const read = await record(process.name, 'readFrom', newest, '', metastore);
        inHand = Math.max(inHand, read.found?.revision ?? 0);
      } else {
        const op = await record(process.name, 'publish', inHand, `${process.name}:${n}`, metastore);
        lost = op.outcome !== 'ok';
        if (op.outcome === 'ok') inHand++;
        newest = Math.max(newest, op.outcome === 'ok' ? inHand : 0);
      }
    }
  };

  const count = 3 + random.below(3);
  let started = 0;
  let processes: SimFileProcess[] = [];
  const start = (): void => {
    const process = disk.process(`p${++started}`);
    processes.push(process);
    void live(process);
  };
  const forget = (process: SimFileProcess): void => {
    waiting = waiting.filter((one) => one.process !== process.name);
  };
  for (let i = 0; i < count; i++) start();
  await settle();
  for (let i = 0; i < (options.steps ?? 1500); i++) {
    disk.faults = { ...noFileFaults, io: faulty, full: faulty, short: random.chance(0.1) ? 0.3 : 0, parts };
    if (random.chance(crashy)) {
      const victim = random.pick(processes);
      victim.kill();
      forget(victim);
      kills++;
      processes = processes.filter((one) => one !== victim);
      start();
      await settle();
    }
    if (random.chance(dark)) {
      disk.powerFailure();
      powerFailures++;
      for (const process of processes) forget(process);
      processes = [];
      for (let k = 0; k < count; k++) start();
      await settle();
    }
    if (!(await advance())) throw new Error('everybody waits for nothing');
  }
  // Whoever is stopped now stays so, and blocks nobody: one that comes fresh gets on at once.
  for (const process of processes) {
    if (random.chance(0.5)) process.kill();
    forget(process);
  }
  if (random.chance(0.5)) {
    disk.powerFailure();
    powerFailures++;
  }
  disk.faults = noFileFaults;
  calm = true;
  const last = disk.process('last');
  const metastore = new DirectoryMetastore(folder, { files: tamper(last.files), kept });
  let problem: string | null = null;
  await run(
    (async () => {
      const read = await record('last', 'read', 0, '', metastore);
      let inHand = read.found?.revision ?? 0;
      for (let n = 0; n < kept + 2; n++) {
        const { outcome } = await record('last', 'publish', inHand, `last:${n}`, metastore);
        if (outcome !== 'ok') problem = `alone and without faults, publishing ${inHand + 1} ended ${outcome}`;
        inHand++;
      }
      await record('last', 'read', 0, '', metastore);
    })(),
  );
  problem ??= judge(operations);
  return { operations, problem, names: disk.list(folder), kept, longestSleep, powerFailures, kills, parts };
}

/**
 * Revisions put all states in one order, so a history is linearizable when each revision has one map only, and what is seen
 * never goes back in real time, nor comes from a publish that had not begun. Gives what is wrong, or null.
 */
export function judge(operations: readonly Operation[]): string | null {
  const say = (op: Operation): string =>
    `${op.process} ${op.kind} ${op.revision}${op.name === '' ? '' : ` ${op.name}`} [${op.began}, ${op.ended}] ${op.outcome} ${op.found?.revision ?? ''} ${op.found?.name ?? ''}`;
  const byName = new Map(operations.filter((op) => op.kind === 'publish').map((op) => [op.name, op]));
  const maps = new Map<number, { name: string; from: Operation }>();
  /** What this operation proves to be in the register by its end; null: nothing. */
  const seen = (op: Operation): { revision: number; name: string } | null =>
    op.outcome === 'ok' ? { revision: op.revision + 1, name: op.name } : op.found;

  for (const op of operations) {
    const it = seen(op);
    if (it === null) continue;
    const known = maps.get(it.revision);
    if (known !== undefined && known.name !== it.name)
      return `two maps of revision ${it.revision}: ${say(known.from)}; ${say(op)}`;
    maps.set(it.revision, { name: it.name, from: op });
    const origin = byName.get(it.name);
    if (origin === undefined || origin.revision + 1 !== it.revision)
      return `a map nobody published: ${say(op)}`;
    if (origin.began > op.ended) return `a map before its publish began: ${say(op)}`;
    if (origin.outcome === 'failed' || origin.outcome === 'conflict')
      return `a publish that was ${origin.outcome} took effect: ${say(origin)}; ${say(op)}`;
  }

  const byBegin = [...operations].sort((a, b) => a.began - b.began);
  const byEnd = operations
    .filter((op) => op.ended !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.ended - b.ended);
  let at = 0;
  let floor = 0;
  let proof: Operation | null = null;
  for (const op of byBegin) {
    // Strictly before: what ends in the step in which another begins may be in any order with it.
    for (; at < byEnd.length && (byEnd[at] as Operation).ended < op.began; at++) {
      const it = seen(byEnd[at] as Operation);
      if (it !== null && it.revision > floor) {
        floor = it.revision;
        proof = byEnd[at] as Operation;
      }
    }
    const stale = (what: string): string =>
      `${what}: ${say(op)}, after ${proof === null ? 'nothing' : say(proof)}`;
    if (op.kind === 'read' && (op.outcome === 'map' || op.outcome === 'none')) {
      if ((op.found?.revision ?? 0) < floor) return stale('a read went back');
    } else if (op.kind === 'readFrom' && op.outcome === 'map') {
      if ((op.found?.revision ?? 0) < op.revision) return stale('a read gave less than it was asked for');
    } else if (op.kind === 'readFrom' && op.outcome === 'none')
      return stale('a read of a revision found nothing');
    else if (op.outcome === 'ok' && op.revision < floor) return stale('a publish on an old revision was ok');
    else if (op.outcome === 'conflict') {
      const rival = operations.some(
        (other) =>
          other !== op &&
          other.kind === 'publish' &&
          other.revision >= op.revision &&
          other.began <= op.ended,
      );
      if (!rival && op.revision <= floor) return stale('a conflict with nobody');
    }
  }
  return null;
}
