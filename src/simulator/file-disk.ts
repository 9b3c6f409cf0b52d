import type { CheckpointDelta, Snapshot } from '../core/machine/types.js';
import type { Member } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import type { LogRecord, StoredPartition } from '../core/records.js';
import type { Rules } from '../core/rules.js';
import { distrust } from '../host/vouch.js';
import type { NodeStorage, Recovered } from '../storage/contract.js';
import type { FileStorage } from '../storage/file-storage.js';
import { storePath } from '../storage/identity.js';
import type { Disk } from './disk.js';
import { DiskView } from './disk-view.js';
import { noFileFaults, type SimFileProcess, SimFileSystem } from './file-system.js';
import type { Gate } from './gate.js';
import { Violation } from './invariants.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';
import { dataFiles, lastBit, openSimStorage, type SimStorageOptions, uuidOf } from './sim-storage.js';

/** Where a node's data lies on its disk. */
const dir = '/data';

export interface FileDiskWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly healed: boolean;
  /** A contradiction was found where nobody could be told at once. */
  broken(error: unknown): void;
  met(state: 'log was torn' | 'checkpoint failed'): void;
}

/** Who opens a disk. */
export interface Opener {
  readonly gate: Gate;
  /** As whom the map has the node now. */
  readonly member: Member;
  /** The state of a partition as of now. */
  readonly snapshot: (p: number) => Snapshot | null;
}

/** A checkpoint under way of what is applied, and so committed, and is ahead of this disk's own log. */
interface Ahead {
  readonly partition: number;
  readonly snapshot: Snapshot;
}

/**
 * The disk of `HostEdges`: production's storage on a simulated file system. Beside it, kept in the plainest way, what it ought to hold:
 * what was acknowledged, and what was under way when its process ended, which may be there or not.
 */
export class FileDisk implements Disk {
  /** What is on it. While that is to get another identity, which production draws, a name that nobody knows. */
  store: string;
  boot = 0;
  damaged = false;
  rewound = false;
  readonly #world: FileDiskWorld;
  readonly #random: Random;
  readonly #files: SimFileSystem;
  readonly #gates = new Map<string, Gate>();
  #process: SimFileProcess | null = null;
  #opened = 0;
  /** Its process has recovered what is on it. */
  #recovered = false;
  /** Which boot of its machine this is. */
  #machine = 1;
  /** It is a copy that gets another identity before it is opened, and why. */
  #remint: string | null = null;
  /** What is on the disk. */
  #view = new DiskView();
  /** What was acknowledged when its last process ended, and what was under way then. */
  #acknowledged = new DiskView();
  #underWay: readonly LogRecord[] = [];
  #ahead: readonly Ahead[] = [];
  #lacks = false;
  /** A bit of it has flipped: it may be refused, or lack its end and say so. */
  #rotten = false;
  /** What was acknowledged may be lost, and its store gets another identity. */
  #excused = false;

  constructor(world: FileDiskWorld, random: Random, files?: SimFileSystem) {
    this.#world = world;
    this.#random = random;
    this.store = uuidOf(random);
    const step = (process: string, call: string): Promise<void> => this.#step(process, call);
    this.#files =
      files?.clone({ random: random.fork(), step }) ?? new SimFileSystem({ random: random.fork(), step });
    this.#files.faults = noFileFaults;
  }

  #step(process: string, call: string): Promise<void> {
    const { queue, scenario, healed } = this.#world;
    const { disk } = scenario;
    if (healed) this.#files.faults = noFileFaults;
    let ms = this.#random.between(0.02, 0.4);
    // A call has two steps.
    if (!healed && call === 'write' && this.#random.chance(disk.slow / 2))
      ms += this.#random.next() * disk.slowMs;
    return new Promise((go) => {
      queue.after(ms, () => this.#gates.get(process)?.run('disk', go));
    });
  }

  #options(process: SimFileProcess): SimStorageOptions {
    return {
      process,
      dir,
      random: this.#random,
      // The first was promised to the cluster that was made with it.
      newId: () => (this.#files.peek(storePath(dir)) === null ? this.store : uuidOf(this.#random)),
      durability: this.#world.scenario.durability,
      machine: `boot ${this.#machine}`,
      segmentBytes: this.#world.scenario.disk.segmentBytes,
      now: () => this.#world.queue.now,
    };
  }

  get lacks(): boolean {
    return (this.#lacks && this.damaged) || this.rewound;
  }

  promised(p: number): number {
    return this.#view.promised(p);
  }

  tail(p: number): number {
    return this.#view.tail(p);
  }

  epochAt(p: number, seq: number): number | 'covered' | null {
    return this.#view.epochAt(p, seq);
  }

  // ---- a process opens it

  async open({ gate, member, snapshot }: Opener): Promise<NodeStorage> {
    const name = `${this.store} ${++this.#opened}`;
    const process = this.#files.process(name);
    this.#process = process;
    this.#gates.set(name, gate);
    this.#files.faults = this.#world.healed ? noFileFaults : this.#world.scenario.disk.faults;
    const storage = await openSimStorage({
      ...this.#options(process),
      distrust: (start) => this.#remint ?? distrust(member, start, this.#world.rules),
    });
    this.#remint = null;
    const { recovered } = storage;
    if (recovered.damaged && !this.damaged) this.#world.met('log was torn');
    this.#found(recovered);
    this.#acknowledged = this.#view.clone();
    this.#underWay = [];
    this.#ahead = [];
    this.#rotten = false;
    this.#excused = false;
    this.#recovered = true;
    return this.#watched(storage, snapshot);
  }

  #found(recovered: Recovered): void {
    const excused = this.#excused || (this.#rotten && recovered.damaged);
    if (this.#rotten && recovered.damaged) this.#lacks = true;
    for (const stored of recovered.partitions) {
      const wrong = excused ? null : this.#wrong(stored);
      if (wrong !== null) throw new Violation(10, `${this.store} start ${recovered.boot}: ${wrong}`);
    }
    this.store = recovered.store;
    this.boot = recovered.boot;
    this.damaged = recovered.damaged;
    this.#view.set(recovered.partitions);
  }

  /** Why it cannot be what is on the disk, or null: with what was under way or without it, by a checkpoint under way or not. */
  #wrong(stored: StoredPartition): string | null {
    const { rules } = this.#world;
    const before = this.#acknowledged;
    const wrong = before.differs(stored, rules);
    if (wrong === null) return null;
    const after = before.clone();
    for (const record of this.#underWay) after.apply(record);
    if (after.differs(stored, rules) === null) return null;
    for (const { partition, snapshot } of this.#ahead) {
      if (partition !== stored.partition) continue;
      for (const view of [before.clone(), after.clone()]) {
        view.replace(partition, snapshot);
        if (view.differs(stored, rules) === null) return null;
        for (const record of this.#underWay) view.apply(record);
        if (view.differs(stored, rules) === null) return null;
      }
    }
    return wrong;
  }

  #watched(storage: FileStorage, snapshot: Opener['snapshot']): NodeStorage {
    return {
      recovered: storage.recovered,
      append: async (records) => {
        this.#underWay = records;
        await storage.append(records);
        for (const record of records) this.#view.apply(record);
        this.#underWay = [];
      },
      checkpoint: (deltas) => this.#checkpoint(storage, deltas, snapshot),
      setDamaged: async (damaged) => {
        await storage.setDamaged(damaged);
        this.damaged = damaged;
      },
      stats: () => storage.stats(),
      close: () => storage.close(),
    };
  }

  async #checkpoint(
    storage: FileStorage,
    deltas: readonly CheckpointDelta[],
    snapshot: Opener['snapshot'],
  ): Promise<void> {
    const isAhead = ({
      partition,
      seq,
      epoch,
    }: {
      partition: number;
      seq: number;
      epoch: number;
    }): boolean => {
      const held = this.#view.epochAt(partition, seq);
      return held !== epoch && held !== 'covered';
    };
    const ahead = deltas.filter(isAhead).flatMap(({ partition }) => {
      const state = snapshot(partition);
      return state === null ? [] : [{ partition, snapshot: state }];
    });
    this.#ahead = [...this.#ahead, ...ahead];
    try {
      await storage.checkpoint(deltas);
      for (const one of ahead)
        if (isAhead({ partition: one.partition, ...one.snapshot }))
          this.#view.replace(one.partition, one.snapshot);
    } catch (error) {
      this.#world.met('checkpoint failed');
      throw error;
    }
  }

  // ---- what happens to it

  /** Its process has ended: what was under way is on it whole, in part, or not at all. */
  crash(): void {
    this.#process?.kill();
    this.#process = null;
    // One that had not recovered yet has acknowledged nothing.
    if (this.#recovered) this.#acknowledged = this.#view.clone();
    this.#recovered = false;
    this.#lookAgain();
  }

  /** Its machine has lost power, and with it what was not synced. */
  powerFailure(): void {
    this.crash();
    this.#machine++;
    this.#files.powerFailure();
    // Its store cannot vouch for what it acknowledged, and gets another identity when it is opened.
    if (this.#world.scenario.durability === 'process' && this.#opened > 0) {
      if (this.#files.peek(storePath(dir)) !== null) this.store = `what is left of ${this.store}`;
      this.#excused = true;
    }
    this.#lookAgain();
  }

  rot(): void {
    const paths = dataFiles(this.#files, dir);
    if (paths.length === 0) return;
    const path = this.#random.pick(paths);
    const bytes = this.#files.peek(path)?.length ?? 0;
    this.#files.corrupt(path, this.#random.below(Math.max(1, bytes) * 8));
    this.#rotten = true;
  }

  /** Recovers a copy, as the next process will recover the disk itself. */
  #recover(files: SimFileSystem): Promise<FileStorage> {
    const judge = files.clone();
    return openSimStorage(this.#options(judge.process('judge', { immediate: true })));
  }

  /** It may be refused as damaged, and is then to be replaced. */
  get mayBeRefused(): boolean {
    return this.#rotten;
  }

  #lookAgain(): void {
    if (this.#opened === 0) return;
    const opened = this.#opened;
    this.#recover(this.#files).then(
      ({ recovered }) => {
        // Nobody has opened it since, and it has not been put back.
        if (opened !== this.#opened || this.#process !== null) return;
        const { boot, store } = this;
        try {
          this.#found(recovered);
        } catch (error) {
          this.#world.broken(error);
        }
        Object.assign(this, { boot, store });
      },
      (error: unknown) => {
        if (!this.#rotten) this.#world.broken(error);
      },
    );
  }

  async damageLastBatch(): Promise<boolean> {
    if (this.#process !== null || this.#opened === 0 || this.#rotten) return false;
    const bit = lastBit(this.#files, dir, this.#random);
    if (bit === null) return false;
    const [path, at] = bit;
    const copy = this.#files.clone();
    copy.corrupt(path, at);
    const opened = this.#opened;
    const found = await this.#recover(copy).catch(() => null);
    // It would be noticed, or something else has happened to the disk meanwhile.
    if (found === null || !found.recovered.damaged || this.#opened !== opened || this.#process !== null)
      return false;
    this.#files.corrupt(path, at);
    this.#restart(found.recovered);
    this.#lacks = true;
    return true;
  }

  /** What is there now is what it ought to hold. */
  #restart(recovered: Recovered): void {
    this.#view.set(recovered.partitions);
    this.#acknowledged = this.#view.clone();
    this.#underWay = [];
    this.#ahead = [];
    this.damaged = recovered.damaged;
  }

  rewind(copy: FileDisk): void {
    this.#files.restore(dir, copy.#files.save(dir));
    this.#view = copy.#view.clone();
    this.#acknowledged = copy.#view.clone();
    this.#underWay = copy.#underWay;
    this.#ahead = copy.#ahead;
    this.rewound = true;
    this.#lookAgain();
  }

  /**
   * A copy of the last start of its store is not told from it unless others remember (PROTOCOL section 9): an operator gives it another
   * identity. An older one is left to production, which has to find out whether it may still count as the replica that it was.
   */
  putBack(store: string, isOld: boolean, instead: Disk): FileDisk {
    const disk = this.clone(store);
    // The machine has booted as often as it has, whatever its folder says.
    if (instead instanceof FileDisk) disk.#machine = Math.max(disk.#machine, instead.#machine);
    // One that was to get another identity, and has not been opened since, is not known under that yet.
    if (isOld && this.#remint === null) disk.#remint = null;
    return disk;
  }

  clone(store: string): FileDisk {
    const disk = new FileDisk(this.#world, this.#random.fork(), this.#files);
    // One that keeps its name is a backup; any other is put into use, as another replica.
    if (store === this.store) {
      disk.store = store;
      disk.#remint = this.#remint;
    } else if (this.#files.peek(storePath(dir)) !== null) {
      disk.store = `a copy of ${this.store}`;
      disk.#remint = 'its folder was put back to an older state';
    }
    disk.#machine = this.#machine;
    disk.boot = this.boot;
    disk.damaged = this.damaged;
    disk.rewound = this.rewound;
    disk.#opened = this.#opened;
    disk.#view = this.#view.clone();
    disk.#acknowledged = this.#view.clone();
    disk.#underWay = this.#underWay;
    disk.#ahead = this.#ahead;
    disk.#lacks = this.#lacks;
    disk.#rotten = this.#rotten;
    disk.#excused = this.#excused;
    return disk;
  }
}
