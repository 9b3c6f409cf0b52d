import { checkAppends } from '../check/append.js';
import { checkCell } from '../check/cell.js';
import { checkDecisions } from '../check/decision.js';
import type { Observation, Verdict } from '../check/history.js';
import { checkLedger } from '../check/ledger.js';
import { checkFenced, checkHoldings } from '../check/lock.js';
import { checkVersions } from '../check/versions.js';
import { loadAll } from '../client/client.js';
import { describeConfig } from '../core/describe.js';
import { othersOf } from '../core/machine/transactions.js';
import { applyChange, type MapChange, noChange } from '../core/map/changes.js';
import { holdsShare, type MembersChange, planPlacement, unplaced } from '../core/map/placing.js';
import {
  type ClusterMap,
  isUnregistered,
  type Member,
  type NodeId,
  nodeOf,
  type PartitionConfig,
  replicaId,
} from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { Ready } from '../core/node.js';
import { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { place } from '../core/ring/placement.js';
import { type Rules, soundRules } from '../core/rules.js';
import { defaultTimings } from '../limits.js';
import { BrokenLinks } from './broken-links.js';
import { type RareState, RareStates } from './coverage.js';
import { DirectEdges } from './direct.js';
import type { Disk } from './disk.js';
import type { Edges } from './edges.js';
import { HostEdges } from './hosts.js';
import { Invariants, Violation } from './invariants.js';
import { LibraryUser } from './library-user.js';
import { SimMetastore } from './metastore.js';
import { Nemesis } from './nemesis.js';
import { SimNetwork } from './network.js';
import type { Moment, NodeProcess } from './process.js';
import { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';
import { SimClient } from './sim-client.js';
import type { SimUser } from './sim-user.js';
import { newHistory } from './tx-history.js';
import { TxUser } from './tx-user.js';

/** Lines of the trace kept for a failure's report. */
const traceLines = 60;

/** A cluster in virtual time: the production core on simulated disks, network, clocks and metastore. */
export class World {
  readonly queue = new EventQueue();
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly metastore: SimMetastore;
  readonly invariants: Invariants;
  readonly nodes: NodeId[] = [];
  readonly disks = new Map<NodeId, Disk>();
  readonly processes = new Map<NodeId, NodeProcess>();
  /** Processes whose node runs again on another disk: an operator took them for dead. They cannot read the map for a while. */
  readonly usurped: NodeProcess[] = [];
  readonly clients: SimClient[] = [];
  readonly txUsers: TxUser[] = [];
  readonly libraryUsers: LibraryUser[] = [];
  readonly history: Observation[] = [];
  readonly txHistory = newHistory();
  readonly nemesis: Nemesis;
  healed = false;
  readonly #destroyed: Disk[] = [];
  #joined: number;
  /** The last start of each store that took part. */
  readonly #starts = new Map<string, number>();
  #placements = 0;
  #stores = 0;
  #hash = 0x811c9dc5;
  readonly #trace: (() => string)[] = [];
  readonly #edges: Edges;
  readonly #rare = new RareStates((state) => this.count(state));
  /** What was found wrong where nobody could be told at once. */
  #violation: Violation | null = null;

  constructor(scenario: Scenario, rules: Rules = soundRules) {
    this.scenario = scenario;
    this.rules = rules;
    this.random = new Random(scenario.seed).fork();
    this.network = new SimNetwork(this.queue, this.random.fork(), scenario.network);
    // Drawn apart, so that the rest of a seed is what it was.
    this.#edges = scenario.hosts
      ? new HostEdges(this, new Random(scenario.seed + 0.3))
      : new DirectEdges(this);
    for (let i = 1; i <= scenario.nodes; i++) this.nodes.push(`n${i}`);
    this.#joined = scenario.nodes;
    for (const node of this.nodes) this.disks.set(node, this.#newDisk());
    this.metastore = new SimMetastore(
      this.#genesis(),
      this.queue,
      this.random.fork(),
      scenario.metastore,
      (map) => this.#published(map),
      (state) => this.met(state),
    );
    this.metastore.oldFormat = scenario.oldMap;
    const disk = (node: NodeId): Disk => this.disks.get(node) as Disk;
    const world = this;
    this.invariants = new Invariants(
      {
        get map() {
          return world.metastore.map;
        },
        disk,
        allDisks: () => [...this.disks.values(), ...this.#destroyed],
      },
      scenario.partitions,
      scenario.minInSync,
      scenario.quiet,
    );
    this.nemesis = new Nemesis(this, this.random.fork());
  }

  #newDisk(): Disk {
    return this.#edges.newDisk(`s${++this.#stores}`);
  }

  #genesis(): ClusterMap {
    const { partitions, replicas, minInSync, repairAfterMs } = this.scenario;
    const members: Record<NodeId, Member> = {};
    for (const id of this.nodes) {
      const { store } = this.disks.get(id) as Disk;
      members[id] = { id, store, incarnation: 0, url: '', weight: 1, zone: '', state: 'active' };
    }
    const targets = place({
      partitions,
      replicas,
      members: this.nodes.map((id) => ({ id, weight: 1, zone: '' })),
    });
    const configs = targets.map((target): PartitionConfig => {
      const inSync = target.map((id) => replicaId(id, (members[id] as Member).store));
      return { gen: 1, epoch: 1, primary: inSync[0] as string, inSync, target, placed: 1, handover: null };
    });
    return {
      format: 1,
      cluster: 'sim',
      name: 'sim',
      revision: 1,
      settings: {
        partitions,
        replicas,
        minInSync,
        durability: this.scenario.durability,
        timings: defaultTimings,
        repairAfterMs,
      },
      members,
      partitions: configs,
      placement: null,
    };
  }

  get users(): readonly SimUser[] {
    return [...this.clients, ...this.txUsers];
  }

  // ---- processes

  get tears(): boolean {
    return this.scenario.disk.tears && !this.healed;
  }

  start(node: NodeId): void {
    if (this.processes.get(node)?.alive === true || this.#edges.isStarting(node)) return;
    // As the program does: who is no member, or no member any more, is not started.
    if (this.metastore.map.members[node] === undefined) {
      this.#departs(node);
      return;
    }
    const disk = this.disks.get(node) as Disk;
    this.note(() => `${node} starts (store ${disk.store}, boot ${disk.boot + 1})`);
    this.#edges.start(node, disk, this.random.fork());
  }

  kill(node: NodeId): void {
    this.#edges.stopStarting(node);
    const process = this.processes.get(node);
    if (process?.alive !== true) return;
    this.note(() => `${node} is killed`);
    process.kill();
    this.#edges.killed(node);
  }

  /** One machine loses power. */
  powerFailureOf(node: NodeId): void {
    this.note(() => `the machine of ${node} loses power`);
    this.kill(node);
    for (const process of this.oldOf(node)) process.kill();
    const disk = this.disks.get(node) as Disk;
    this.#destroyed.push(disk.clone(disk.store));
    disk.powerFailure();
  }

  /** A bit of the node's disk flips, somewhere. It is noticed when the node starts, and then an operator puts an empty disk in its place. */
  rot(node: NodeId): void {
    this.note(() => `a bit of ${node}'s disk flips`);
    this.kill(node);
    const disk = this.disks.get(node) as Disk;
    this.#destroyed.push(disk.clone(disk.store));
    disk.rot();
  }

  /** All machines lose power at once. */
  powerFailure(): void {
    this.note(() => 'all machines lose power');
    this.met('power failure');
    for (const node of this.nodes) this.kill(node);
    for (const process of this.usurped) process.kill();
    for (const disk of this.disks.values()) disk.powerFailure();
  }

  pause(node: NodeId, ms: number, slept: boolean): void {
    const process = this.processes.get(node);
    if (process?.alive !== true || process.paused) return;
    this.note(() => `${node} is ${slept ? 'put to sleep' : 'paused'} for ${ms.toFixed(0)} ms`);
    process.pause();
    this.queue.after(ms, () => {
      this.note(() => `${node} goes on`);
      process.resume(slept ? ms : 0);
    });
  }

  /** Takes the disk away and puts an empty one, or an old copy, in its place; the identity is a new one either way (PROTOCOL section 0). */
  replaceDisk(node: NodeId, copy: Disk | null): void {
    this.note(() => `${node} gets ${copy === null ? 'an empty disk' : 'an old copy of its disk'}`);
    this.kill(node);
    if (
      this.metastore.map.partitions.some(
        ({ handover, primary }) => handover !== null && [handover.from.node, nodeOf(primary)].includes(node),
      )
    )
      this.met('wiped in hand-over');
    const instead = this.disks.get(node) as Disk;
    this.#destroyed.push(instead);
    const store = `s${++this.#stores}`;
    this.disks.set(node, copy === null ? this.#edges.newDisk(store) : copy.putBack(store, this.#isOld(copy)));
  }

  /** Has the store of that copy been started again since, and taken part? */
  #isOld(copy: Disk): boolean {
    return (this.#starts.get(copy.store) ?? 0) > copy.boot;
  }

  /** It is killed, and a bit flips in the last batch of its log. */
  damageDisk(node: NodeId): void {
    this.kill(node);
    const disk = this.disks.get(node) as Disk;
    const before = disk.clone(disk.store);
    const done = (damaged: boolean): void => {
      if (!damaged) return;
      this.note(() => `${node}: a bit of the last batch flips`);
      this.#destroyed.push(before);
    };
    const damaged = disk.damageLastBatch();
    if (typeof damaged === 'boolean') done(damaged);
    else damaged.then(done, (error: unknown) => this.broken(error));
  }

  /** It is killed, and its disk is put back to an older state of the same start. */
  rewindDisk(node: NodeId, copy: Disk): void {
    this.note(() => `${node}: the disk is put back to an older state of the same start`);
    this.kill(node);
    const disk = this.disks.get(node) as Disk;
    this.#destroyed.push(disk.clone(disk.store));
    disk.rewind(copy);
  }

  /** Starts the node anew on an empty disk, or on a copy of that one, while its process lives on and cannot read the map. */
  usurp(node: NodeId, copy: Disk | null): void {
    const process = this.processes.get(node);
    // One that has not registered yet would register after the new one, which then ends.
    if (process?.alive !== true || !process.core.registered || this.oldOf(node).length > 0) return;
    this.note(() => `${node} is started anew on ${copy === null ? 'an empty disk' : 'a copy of its disk'}`);
    this.usurped.push(process);
    this.met('two processes');
    const blind = this.readerName(process);
    this.metastore.blind.add(blind);
    this.queue.after(this.random.between(500, 6000), () => this.metastore.blind.delete(blind));
    this.queue.after(this.random.between(3000, 12_000), () => process.kill());
    this.#destroyed.push(process.disk);
    const store = `s${++this.#stores}`;
    this.disks.set(node, copy === null ? this.#edges.newDisk(store) : copy.clone(store));
    this.processes.delete(node);
    this.start(node);
  }

  oldOf(node: NodeId): NodeProcess[] {
    return this.usurped.filter((old) => old.node === node && old.alive);
  }

  readerName(process: NodeProcess): string {
    return this.usurped.includes(process) ? `${process.node}/${process.identity.store}` : process.node;
  }

  /** A new node: a disk, a record in the map, and a process. */
  join(): void {
    const id = `n${++this.#joined}`;
    const disk = this.#newDisk();
    this.disks.set(id, disk);
    const member: Member = {
      id,
      store: disk.store,
      incarnation: 0,
      url: '',
      weight: 1 + this.random.below(3),
      zone: '',
      state: 'joining',
    };
    this.note(() => `${id} is to join`);
    this.#change((map) =>
      map.members[id] === undefined ? { ...noChange, members: new Map([[id, member]]) } : null,
    );
    const appear = (left: number): void => {
      if (this.metastore.map.members[id] === undefined) {
        if (left > 0) this.queue.after(200, () => appear(left - 1));
        return;
      }
      this.nodes.push(id);
      this.start(id);
      // Whoever asked may have died meanwhile: then the nodes see to it.
      if (this.random.chance(0.7))
        this.queue.after(this.random.between(50, 2000), () => this.place({ activate: [id] }));
    };
    appear(20);
  }

  drain(): void {
    const active = Object.values(this.metastore.map.members).filter((m) => m.state === 'active');
    if (active.length > this.scenario.replicas) this.place({ drain: [this.random.pick(active).id] });
  }

  /** New weights, or the same placement computed anew. */
  weigh(): void {
    const ids = Object.keys(this.metastore.map.members);
    this.place(
      this.random.chance(0.8) ? { weights: { [this.random.pick(ids)]: 1 + this.random.below(4) } } : {},
    );
  }

  /** What `cluster scale`, `node drain` and `ring rebalance` publish. */
  place(change: MembersChange): void {
    const id = `admin.${++this.#placements}`;
    this.#change((map) => {
      const named = [
        ...(change.activate ?? []),
        ...(change.drain ?? []),
        ...Object.keys(change.weights ?? {}),
      ];
      if (map.placement?.id === id || named.some((node) => map.members[node] === undefined)) return null;
      const plan = planPlacement(map, change, { id, cause: JSON.stringify(change) });
      const members = Object.values({ ...map.members, ...Object.fromEntries(plan.members) });
      return members.filter((m) => m !== null && holdsShare(m)).length < this.scenario.replicas ? null : plan;
    });
  }

  #change(change: (map: ClusterMap) => MapChange | null, left = 20): void {
    if (left === 0) return;
    const again = (): void => this.queue.after(100, () => this.#change(change, left - 1));
    this.metastore.read(null, (map) => {
      if (map === null) {
        again();
        return;
      }
      const wanted = change(map);
      if (wanted === null) return;
      this.metastore.publish(null, applyChange(map, wanted), map.revision, (outcome) => {
        if (outcome !== 'ok') again();
      });
    });
  }

  // ---- what the parts ask for

  left(process: NodeProcess): void {
    process.kill();
    if (!this.usurped.includes(process)) this.#departs(process.node);
  }

  #departs(node: NodeId): void {
    const at = this.nodes.indexOf(node);
    if (at < 0) return;
    this.note(() => `${node} has left`);
    this.nodes.splice(at, 1);
  }

  #published(map: ClusterMap): void {
    this.note(
      () => `map r${map.revision}: ${map.partitions.map((c, p) => `p${p} ${describeConfig(c)}`).join('; ')}`,
    );
    this.invariants.published(map, this.queue.now);
    for (const { store, incarnation } of Object.values(map.members))
      this.#starts.set(store, Math.max(incarnation, this.#starts.get(store) ?? 0));
    this.#edges.published(map);
  }

  inspect(process: NodeProcess, ready: Ready): void {
    this.#rare.turn(process, ready);
    this.invariants.inspect(process, ready);
  }

  carry(process: NodeProcess, ready: Ready): void {
    this.#edges.carry(process, ready);
  }

  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void {
    this.#edges.send(user, node, rid, request);
  }

  readMap(done: (map: ClusterMap | null) => void): void {
    this.metastore.read(null, done);
  }

  met(state: RareState): void {
    this.count(state);
  }

  count(what: string): void {
    const { counts } = this.txHistory;
    counts[what] = (counts[what] ?? 0) + 1;
  }

  observed(observation: Observation): void {
    this.mix(this.queue.now * 1000 + (observation.version ?? 0));
    this.history.push(observation);
  }

  reached(process: NodeProcess, moment: Moment): void {
    this.nemesis.reached(process, moment);
  }

  failed(process: NodeProcess, error: unknown): void {
    const violation =
      error instanceof Violation
        ? error
        : new Violation(4, `${process.node}: ${error instanceof Error ? error.stack : String(error)}`);
    // Production code may be waiting for a promise here: it is told by the loop of the run.
    if (!this.scenario.hosts) throw violation;
    this.#violation ??= violation;
  }

  /** Something else broke where nobody could be told at once. */
  broken(error: unknown): void {
    this.#violation ??= new Violation(
      4,
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  hung(process: NodeProcess): void {
    if (!process.alive) return;
    this.note(() => `${process.node}: the disk hangs`);
    if (this.usurped.includes(process)) {
      process.kill();
      return;
    }
    this.kill(process.node);
    this.queue.after(500, () => this.start(process.node));
  }

  /** The connections between two nodes break: what is under way on them is lost, and both find a new one. */
  reset(a: NodeId, b: NodeId): void {
    this.note(() => `connections between ${a} and ${b} break`);
    this.network.reset(a, b);
    this.#edges.reset(a, b);
  }

  // ---- the trace

  note(line: () => string): void {
    const { now } = this.queue;
    this.#trace.push(() => `${now.toFixed(2).padStart(10)} ${line()}`);
    if (this.#trace.length > traceLines * 20) this.#trace.splice(0, traceLines * 10);
  }

  /** The last lines of the trace; with `matching`, only of those. */
  trace(lines = traceLines): string[] {
    return this.#trace.slice(-lines).map((line) => line());
  }

  mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (Math.floor(value) >>> 0), 0x01000193) >>> 0;
  }

  /** Two runs of a seed have one hash, or something in the core depends on more than its events. */
  get traceHash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  // ---- the run

  async run(): Promise<void> {
    const { scenario } = this;
    for (const node of this.nodes) this.queue.after(this.random.between(0, 80), () => this.start(node));
    for (let i = 0; i < scenario.clients; i++) {
      const client = new SimClient(i, this, null, this.random.fork());
      this.clients.push(client);
      this.queue.after(200, () => client.start());
    }
    for (let i = 0; i < scenario.txUsers; i++) {
      const user = new TxUser(100 + i, this, null, this.random.fork(), this.txHistory);
      this.txUsers.push(user);
      this.queue.after(200, () => user.start());
    }
    if (this.#edges instanceof HostEdges && scenario.txUsers > 0) {
      await loadAll();
      for (let i = 0; i < 2; i++) {
        const user = new LibraryUser(200 + i, this, this.#edges, this.txHistory);
        this.libraryUsers.push(user);
        this.queue.after(200, () => user.start());
      }
    }
    this.queue.after(300, () => this.nemesis.start());
    if (scenario.brokenLinks) new BrokenLinks(this, this.random.fork()).start();
    await this.#until(scenario.faultyMs);
    this.#heal();
    await this.#settle();
    await this.#readEverything();
    this.judge();
  }

  async #until(at: number): Promise<void> {
    while (this.queue.next(at)) {
      if (!this.scenario.hosts) continue;
      // What waits for promises in production code goes on before the next thing happens.
      await new Promise((resume) => setImmediate(resume));
      if (this.#violation !== null) throw this.#violation;
    }
  }

  #heal(): void {
    this.healed = true;
    this.note(() => 'healed');
    this.nemesis.stop();
    this.network.heal();
    this.metastore.down = false;
    this.metastore.blind.clear();
    this.metastore.faults = { fail: 0, lost: 0, timeoutAfter: 0, late: 0, readFail: 0 };
    for (const node of [...this.nodes]) {
      this.processes.get(node)?.resume(0);
      this.start(node);
    }
  }

  /** Invariant 14: within a bound, every partition that still has an in-sync disk is served by a primary and fully replicated. */
  async #settle(): Promise<void> {
    // Those who use a lost partition wait until each of their last calls has reached its deadline of 60 s.
    const isLost = this.metastore.map.partitions.some((_, p) => this.lost(p));
    const bound = this.queue.now + (isLost ? 150_000 : 30_000);
    for (const client of [...this.clients, ...this.txUsers, ...this.libraryUsers]) client.stop();
    while (this.queue.now < bound) {
      await this.#until(this.queue.now + 100);
      if (this.unsettled().length === 0 && this.#busy().length === 0) return;
    }
    const busy = this.#busy();
    throw new Violation(
      14,
      `${isLost ? 150 : 30} s after the last fault: ${[...this.unsettled(), ...busy.map((name) => `${name} waits`)].join('; ')}`,
    );
  }

  /** Those who wait for an answer. */
  #busy(): string[] {
    return [...this.users, ...this.libraryUsers].filter((user) => user.busy).map((user) => user.name);
  }

  /** Partitions none of whose in-sync disks exist any more: the nemesis destroyed more than any protocol survives. */
  lost(p: number): boolean {
    const config = this.metastore.map.partitions[p] as PartitionConfig;
    return !config.inSync.some(
      (replica) => this.disks.get(nodeOf(replica))?.store === replica.slice(replica.indexOf('/') + 1),
    );
  }

  /** Members that are on their way in or out. */
  #restless(): string[] {
    const { map } = this.metastore;
    const stuck = map.partitions.flatMap((config, p) =>
      this.lost(p) ? [...config.target, ...config.inSync.map(nodeOf)] : [],
    );
    return Object.values(map.members)
      .filter((m) => m.state !== 'active' && !isUnregistered(m))
      .filter((m) => !stuck.includes(m.id))
      .map((m) => `${m.id} is ${m.state}`);
  }

  /** Invariant 11: at rest no transaction is in doubt, and none forgotten. */
  #openTransactions(p: number): string[] {
    const config = this.metastore.map.partitions[p] as PartitionConfig;
    const replica = this.processes.get(nodeOf(config.primary))?.core.replicas.get(p);
    if (replica === undefined) return [];
    const { machine, lead } = replica;
    // One whose participants' disks were all destroyed can never end.
    const hopeless = (parts: readonly number[]): boolean => parts.some((part) => this.lost(part));
    const prepared = [...machine.rows.of('prepared')]
      .map(([, row]) => row)
      .filter((row) => !hopeless([row.anchor]));
    const records = [...machine.rows.of('record')].map(([, row]) => row);
    const coordinated = [...records, ...(lead?.tx.pending() ?? [])].filter((row) => !hopeless(othersOf(row)));
    // One that is staged and that nobody coordinates would hold its keys until the next failover.
    const staged = [...machine.rows.of('staged')]
      .map(([, row]) => row)
      .filter((row) => !hopeless(row.others));
    return [...prepared, ...coordinated, ...staged].map(({ tx, kind }) => `${tx} is ${kind} in p${p}`);
  }

  unsettled(): string[] {
    const { map } = this.metastore;
    const members = this.#restless();
    if (members.length > 0) return members;
    return map.partitions.flatMap((config, p) => {
      if (this.lost(p)) return [];
      const lead = this.processes.get(nodeOf(config.primary))?.core.replicas.get(p)?.lead;
      if (lead?.epoch !== config.epoch || !lead.serving || !lead.holdsLeases())
        return [`p${p} has no serving primary (${describeConfig(config)})`];
      if (config.inSync.length < this.scenario.replicas)
        return [`p${p} is not fully in sync (${describeConfig(config)})`];
      const lack = unplaced(map, p);
      if (lack !== null)
        return [`p${p}: ${lack} (${describeConfig(config)}, wanted ${config.target.join(' ')})`];
      const open = this.#openTransactions(p);
      if (open.length > 0) return open;
      const named = [...config.target, ...config.inSync.map(nodeOf)];
      const extra = this.nodes.filter(
        (node) => !named.includes(node) && this.processes.get(node)?.core.replicas.has(p) === true,
      );
      return extra.map((node) => `${node} still holds p${p}`);
    });
  }

  async #readEverything(): Promise<void> {
    // What is known for sure binds the last looks at everything.
    for (const user of this.users) user.resolveOpen(10_000);
    await this.#whileBusy(15_000);
    for (const user of this.users) user.giveUp();
    const keys: string[] = [];
    for (let i = 0; i < this.scenario.registers; i++) keys.push(`register-${i}`);
    for (let i = 0; i < this.scenario.counters; i++) keys.push(`counter-${i}`);
    for (const key of keys) {
      if (this.lost(partitionOf(hashKey(key), this.scenario.partitions))) continue;
      const reader = new SimClient(1000 + this.clients.length, this, this.metastore.map, this.random.fork());
      this.clients.push(reader);
      reader.stop();
      reader.start();
      reader.read(key);
    }
    if (this.txUsers.length > 0 && this.metastore.map.partitions.every((_, p) => !this.lost(p))) {
      const reader = new TxUser(999, this, this.metastore.map, this.random.fork(), this.txHistory);
      this.txUsers.push(reader);
      reader.stop();
      reader.tick();
      reader.lookAtAll();
    }
    await this.#whileBusy(20_000);
    const busy = this.users.filter((user) => user.busy);
    if (busy.length > 0)
      throw new Violation(14, `${busy.map((c) => c.name).join(', ')} got no answer to a last read`);
  }

  async #whileBusy(ms: number): Promise<void> {
    const bound = this.queue.now + ms;
    while (this.queue.now < bound && this.users.some((user) => user.busy))
      await this.#until(this.queue.now + 20);
  }

  judge(): void {
    const byKey = new Map<string, Observation[]>();
    for (const o of [...this.history, ...this.txHistory.cells]) {
      if (o.write !== undefined || o.outcome === 'refused')
        this.count(`${o.write?.type ?? 'tx'} ${o.outcome}`);
      const list = byKey.get(o.key) ?? [];
      list.push(o);
      byKey.set(o.key, list);
    }
    const unknown = this.history.filter((o) => o.outcome === 'unknown').length;
    if (this.scenario.quiet && unknown > 0)
      throw new Violation(15, `nothing failed, and ${unknown} operations are of unknown outcome`);
    const { ledger, appends, holdings, fenced, told } = this.txHistory;
    const judged: [number, string | null][] = [
      [11, this.#searched(checkLedger(ledger))],
      [11, checkAppends(appends)],
      [11, checkDecisions(told)],
      [12, checkHoldings(holdings)],
      [12, checkFenced(fenced)],
    ];
    for (const [key, list] of byKey)
      for (const wrong of [checkVersions(list), this.#searched(checkCell(list))])
        judged.push([7, wrong === null ? null : `${key}: ${wrong}`]);
    for (const [invariant, wrong] of judged) if (wrong !== null) throw new Violation(invariant, wrong);
  }

  /** A search that was given up accepts nothing, and is counted as such. */
  #searched(verdict: Verdict): string | null {
    if (verdict.type === 'wrong') return verdict.why;
    this.count(verdict.type === 'ok' ? 'judged' : 'undecided');
    return null;
  }
}
