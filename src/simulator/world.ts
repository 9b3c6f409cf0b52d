import type { Observation } from '../check/history.js';
import { loadAll } from '../client/modules.js';
import { describeConfig } from '../core/describe.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { Ready } from '../core/node.js';
import { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { type Rules, soundRules } from '../core/rules.js';
import { AtRest } from './at-rest.js';
import { BrokenLinks } from './broken-links.js';
import { RareStates } from './coverage.js';
import { DirectEdges } from './direct.js';
import type { Disk } from './disk.js';
import { DiskFaults } from './disk-faults.js';
import type { Edges } from './edges.js';
import { genesis } from './genesis.js';
import { HostEdges } from './hosts.js';
import { Invariants, Violation } from './invariants.js';
import { LibraryUser } from './library-user.js';
import { SimMetastore } from './metastore.js';
import type { Moment } from './moments.js';
import { Nemesis } from './nemesis.js';
import { SimNetwork } from './network.js';
import { Operator } from './operator.js';
import type { NodeProcess } from './process.js';
import { EventQueue } from './queue.js';
import type { RareState } from './rare-states.js';
import type { Scenario } from './scenario.js';
import { SimClient } from './sim-client.js';
import type { SimUser } from './sim-user.js';
import type { SimWorld } from './sim-world.js';
import { newHistory } from './tx-history.js';
import { TxUser } from './tx-user.js';
import { judge } from './verdict.js';

/** Lines of the trace kept for a failure's report. */
const traceLines = 60;

/** A cluster in virtual time: the production core on simulated disks, network, clocks and metastore. */
export class World implements SimWorld {
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
  #stores = 0;
  #hash = 0x811c9dc5;
  readonly #trace: (() => string)[] = [];
  readonly edges: Edges;
  readonly operator: Operator;
  readonly diskFaults: DiskFaults = new DiskFaults(this);
  readonly atRest: AtRest = new AtRest(this);
  readonly #rare = new RareStates((state) => this.count(state));
  /** What was found wrong where nobody could be told at once. */
  #violation: Violation | null = null;

  constructor(scenario: Scenario, rules: Rules = soundRules) {
    this.scenario = scenario;
    this.rules = rules;
    this.random = new Random(scenario.seed).fork();
    this.network = new SimNetwork(this.queue, this.random.fork(), scenario.network);
    // Drawn apart, so that the rest of a seed is what it was.
    this.edges = scenario.hosts
      ? new HostEdges(this, new Random(scenario.seed + 0.3))
      : new DirectEdges(this);
    for (let i = 1; i <= scenario.nodes; i++) this.nodes.push(`n${i}`);
    this.operator = new Operator(this);
    for (const node of this.nodes) this.disks.set(node, this.newDisk());
    this.metastore = new SimMetastore(
      genesis(scenario, this.nodes, (node) => (this.disks.get(node) as Disk).store),
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
        allDisks: () => [...this.disks.values(), ...this.diskFaults.destroyed],
      },
      scenario.partitions,
      scenario.minInSync,
      scenario.quiet,
    );
    this.nemesis = new Nemesis(this, this.random.fork());
  }

  newDisk(): Disk {
    return this.edges.newDisk(this.nextStore());
  }

  nextStore(): string {
    return `s${++this.#stores}`;
  }

  get users(): readonly SimUser[] {
    return [...this.clients, ...this.txUsers];
  }

  // ---- processes

  get tears(): boolean {
    return this.scenario.disk.tears && !this.healed;
  }

  start(node: NodeId): void {
    if (this.processes.get(node)?.alive === true || this.edges.isStarting(node)) return;
    // As the program does: who is no member, or no member any more, is not started.
    if (this.metastore.map.members[node] === undefined) {
      this.#departs(node);
      return;
    }
    const disk = this.disks.get(node) as Disk;
    this.note(() => `${node} starts (store ${disk.store}, boot ${disk.boot + 1})`);
    this.edges.start(node, disk, this.random.fork());
  }

  kill(node: NodeId): void {
    this.edges.stopStarting(node);
    const process = this.processes.get(node);
    if (process?.alive !== true) return;
    this.note(() => `${node} is killed`);
    process.kill();
    this.edges.killed(node);
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

  oldOf(node: NodeId): NodeProcess[] {
    return this.usurped.filter((old) => old.node === node && old.alive);
  }

  readerName(process: NodeProcess): string {
    return this.usurped.includes(process) ? `${process.node}/${process.identity.store}` : process.node;
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
    this.diskFaults.published(map);
    this.edges.published(map);
  }

  inspect(process: NodeProcess, ready: Ready): void {
    this.#rare.turn(process, ready);
    this.invariants.inspect(process, ready);
  }

  carry(process: NodeProcess, ready: Ready): void {
    this.edges.carry(process, ready);
  }

  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void {
    this.edges.send(user, node, rid, request);
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
    this.edges.reset(a, b);
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
    if (this.edges instanceof HostEdges && scenario.txUsers > 0) {
      await loadAll();
      for (let i = 0; i < 2; i++) {
        const user = new LibraryUser(200 + i, this, this.edges, this.txHistory);
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
    const { history, txHistory } = this;
    judge({ scenario, history, txHistory, count: (what) => this.count(what) });
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
    const isLost = this.metastore.map.partitions.some((_, p) => this.atRest.lost(p));
    const bound = this.queue.now + (isLost ? 150_000 : 30_000);
    for (const client of [...this.clients, ...this.txUsers, ...this.libraryUsers]) client.stop();
    while (this.queue.now < bound) {
      await this.#until(this.queue.now + 100);
      if (this.atRest.unsettled().length === 0 && this.#busy().length === 0) return;
    }
    const busy = this.#busy();
    throw new Violation(
      14,
      `${isLost ? 150 : 30} s after the last fault: ${[...this.atRest.unsettled(), ...busy.map((name) => `${name} waits`)].join('; ')}`,
    );
  }

  /** Those who wait for an answer. */
  #busy(): string[] {
    return [...this.users, ...this.libraryUsers].filter((user) => user.busy).map((user) => user.name);
  }

  async #readEverything(): Promise<void> {
    // What is known for sure binds the last looks at everything.
    for (const user of this.users) user.resolveOpen(10_000);
    await this.#whileBusy(15_000);
    for (const user of this.users) user.giveUp();
    const before = new Set(this.users);
    const keys: string[] = [];
    for (let i = 0; i < this.scenario.registers; i++) keys.push(`register-${i}`);
    for (let i = 0; i < this.scenario.counters; i++) keys.push(`counter-${i}`);
    for (const key of keys) {
      if (this.atRest.lost(partitionOf(hashKey(key), this.scenario.partitions))) continue;
      const reader = new SimClient(1000 + this.clients.length, this, this.metastore.map, this.random.fork());
      this.clients.push(reader);
      reader.stop();
      reader.start();
      reader.read(key);
    }
    if (this.txUsers.length > 0 && this.metastore.map.partitions.every((_, p) => !this.atRest.lost(p))) {
      const reader = new TxUser(999, this, this.metastore.map, this.random.fork(), this.txHistory);
      this.txUsers.push(reader);
      reader.stop();
      reader.tick();
      reader.lookAtAll();
    }
    await this.#whileBusy(20_000);
    // Of a lost partition nobody gets an answer any more; what was read is of the others.
    const isLost = this.metastore.map.partitions.some((_, p) => this.atRest.lost(p));
    const busy = this.users.filter((user) => user.busy && !(isLost && before.has(user)));
    if (busy.length > 0)
      throw new Violation(14, `${busy.map((c) => c.name).join(', ')} got no answer to a last read`);
  }

  async #whileBusy(ms: number): Promise<void> {
    const bound = this.queue.now + ms;
    while (this.queue.now < bound && this.users.some((user) => user.busy))
      await this.#until(this.queue.now + 20);
  }
}
