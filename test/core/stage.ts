/**
 * A small cluster for transcripts: real node cores, recovery and log records, with a network, disks and a metastore whose times are fixed,
 * so that the same script always gives the same lines. Faults happen when the script says so, never by chance.
 */
import { describeConfig, describeMessage, describeRecord } from '../../src/core/describe.js';
import { applyChange, type MapChange, noChange } from '../../src/core/map/changes.js';
import type { ClusterMap, NodeId, Process } from '../../src/core/map/types.js';
import type { ClientRequest, ClientResponse, PeerMessage, TxStep } from '../../src/core/messages.js';
import { NodeCore, type NodeEvent, type Ready } from '../../src/core/node.js';
import type { PublishOutcome } from '../../src/core/publisher.js';
import { limits } from '../../src/limits.js';
import { genesis } from '../../src/simulator/genesis.js';
import { EventQueue } from '../../src/simulator/queue.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { MemoryDisk, type MemoryStorage } from '../../src/storage/memory.js';

/** How long things take, in ms. A message, a synced batch, a read and a publish of the map. */
const takes = { message: 1, disk: 1, read: 1, publish: 2 } as const;

export interface StageOptions {
  readonly nodes: number;
  readonly partitions: number;
  readonly replicas: number;
  readonly minInSync: number;
  readonly repairAfterMs: number;
  /** Bounds made small so that the rare becomes common. */
  readonly tuning: Partial<
    Record<'snapshotChunk' | 'retainEntries' | 'pipelineEntries' | 'sessionIdleMs', number>
  >;
}

/** A run of a node. */
interface Run {
  readonly node: NodeId;
  readonly core: NodeCore;
  readonly storage: MemoryStorage;
  alive: boolean;
  /** What comes in while its machine does not run it. */
  frozen: NodeEvent[] | null;
  /** Its disk does not answer. */
  stalled: boolean;
  unanswered: boolean;
}

/** What becomes of the next publish: `late` is reported as unknown and takes effect 500 ms afterwards. */
export type NextPublish = PublishOutcome | 'late' | 'applied-unknown';

export class Stage {
  readonly queue = new EventQueue();
  readonly lines: string[] = [];
  /** Kinds of message that are left out of the lines. */
  readonly hidden = new Set<PeerMessage['type']>(['beacon', 'beacon-ack']);
  readonly #disks = new Map<NodeId, MemoryDisk>();
  readonly #runs = new Map<NodeId, Run>();
  readonly #cut = new Set<string>();
  /** How many messages of a kind are lost next, by link. */
  readonly #lossy = new Map<string, number>();
  /** Who is killed at a step of a transaction. */
  readonly #armed = new Map<TxStep, NodeId>();
  readonly #options: StageOptions;
  #map: ClusterMap;
  nextPublish: NextPublish = 'ok';
  metastoreDown = false;
  /** Are refused connections taken as proof that a process has ended? */
  provesGone = true;
  onReply: (origin: number, response: ClientResponse) => void = () => {};

  constructor(options: StageOptions) {
    this.#options = options;
    const nodes = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`);
    for (const node of nodes) this.#disks.set(node, new MemoryDisk(node.replace('n', 's')));
    const { partitions, replicas, minInSync, repairAfterMs } = options;
    const scenario = { partitions, replicas, minInSync, repairAfterMs, durability: 'fsync' } as Scenario;
    this.#map = genesis(scenario, nodes, (node) => this.#diskOf(node).store);
  }

  get map(): ClusterMap {
    return this.#map;
  }

  get nodes(): NodeId[] {
    return [...this.#disks.keys()];
  }

  coreOf(node: NodeId): NodeCore | null {
    const run = this.#runs.get(node);
    return run?.alive === true ? run.core : null;
  }

  say(line: string): void {
    this.lines.push(`${String(Math.round(this.queue.now)).padStart(6)} ${line}`);
  }

  run(ms: number): void {
    const until = this.queue.now + ms;
    while (this.queue.next(until));
  }

  /** Runs until it holds, looking after each event. Throws when it takes longer than `most` ms. */
  until(holds: () => boolean, most = 60_000): void {
    const end = this.queue.now + most;
    while (!holds()) if (!this.queue.next(end)) throw new Error(`not so after ${most} ms`);
  }

  // ---- processes

  start(node: NodeId): void {
    if (this.coreOf(node) !== null) throw new Error(`${node} runs already`);
    const storage = this.#diskOf(node).open();
    const { recovered } = storage;
    const core = new NodeCore({
      node,
      store: recovered.store,
      incarnation: recovered.boot,
      url: `ws://${node}`,
      stored: recovered.partitions,
      damaged: recovered.damaged,
      seed: Number(node.slice(1)),
      now: this.queue.now,
      tuning: { ...limits, ...this.#options.tuning },
    });
    const run: Run = { node, core, storage, alive: true, frozen: null, stalled: false, unanswered: false };
    this.#runs.set(node, run);
    this.say(
      `${node} starts: ${recovered.store}, start ${recovered.boot}${recovered.damaged ? ', damaged' : ''}`,
    );
    const tick = (): void => {
      if (!run.alive) return;
      this.#step(run, { type: 'tick' });
      this.queue.after(limits.tickMs, tick);
    };
    tick();
    for (const other of this.#others(node)) {
      this.queue.after(takes.message, () => this.#step(other, { type: 'linked', node }));
      this.queue.after(takes.message, () => this.#step(run, { type: 'linked', node: other.node }));
    }
  }

  /** Ends the process as `kill -9` does. `torn`: a part of the batch under way reached the disk. */
  kill(node: NodeId, torn = false): void {
    const run = this.#runOf(node);
    run.alive = false;
    run.storage.crash({ torn });
    this.say(`${node} is killed${torn ? ' in the middle of a write' : ''}`);
    const { store, incarnation } = run.core;
    const process: Process = { node, store, incarnation };
    for (const other of this.#others(node)) {
      this.queue.after(2 * takes.message, () => {
        if (this.provesGone && !this.#isCut(other.node, node)) this.#step(other, { type: 'gone', process });
      });
    }
  }

  /** The next start finds an empty disk. */
  wipe(node: NodeId): void {
    if (this.coreOf(node) !== null) throw new Error(`${node} runs`);
    const { store } = this.#diskOf(node);
    const disk = new MemoryDisk(node.replace('n', 's'));
    disk.store = store;
    disk.remint('wiped');
    this.#disks.set(node, disk);
    this.say(`the disk of ${node} is empty: ${disk.store}`);
  }

  stop(node: NodeId): void {
    this.#step(this.#runOf(node), { type: 'stop' });
  }

  freeze(node: NodeId): void {
    this.#runOf(node).frozen = [];
    this.say(`${node} is paused`);
  }

  thaw(node: NodeId): void {
    const run = this.#runOf(node);
    const events = run.frozen ?? [];
    run.frozen = null;
    this.say(`${node} is resumed`);
    // Whatever waited comes at once; of the ticks one.
    const firstTick = events.findIndex(({ type }) => type === 'tick');
    events.forEach((event, i) => {
      if (event.type !== 'tick' || i === firstTick) this.#step(run, event);
    });
  }

  arm(step: TxStep, node: NodeId): void {
    this.#armed.set(step, node);
  }

  quiesce(node: NodeId, ms: number): void {
    this.#step(this.#runOf(node), { type: 'quiesce', ms });
  }

  suspended(node: NodeId): void {
    this.#step(this.#runOf(node), { type: 'suspended' });
  }

  // ---- network and disks

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.#lossy.clear();
  }

  lose(kind: PeerMessage['type'], from: NodeId, to: NodeId, count: number): void {
    this.#lossy.set(`${kind} ${from}>${to}`, count);
  }

  stall(node: NodeId): void {
    this.#runOf(node).stalled = true;
  }

  unstall(node: NodeId): void {
    const run = this.#runOf(node);
    run.stalled = false;
    if (run.unanswered) this.#answerDisk(run);
  }

  async checkpoint(node: NodeId): Promise<void> {
    const { core, storage } = this.#runOf(node);
    const { deltas } = core.takeCheckpoint();
    await storage.checkpoint(deltas);
    const what = deltas.map((d) => `p${d.partition} #${d.seq}${d.full ? ' whole' : ''}`);
    this.say(`${node} checkpoints ${what.join(', ') || 'nothing'}`);
  }

  // ---- clients and the operator

  request(node: NodeId, origin: number, request: ClientRequest): void {
    this.#step(this.#runOf(node), { type: 'request', origin, request });
  }

  /** Somebody else publishes. */
  change(change: Partial<MapChange>): void {
    this.#map = applyChange(this.#map, { ...noChange, ...change });
    this.say(`the operator publishes r${this.#map.revision}`);
    this.#hint();
  }

  /** Puts the metastore back to this map. */
  rollBack(map: ClusterMap): void {
    this.#map = map;
    this.say(`the metastore is put back to r${map.revision}`);
  }

  // ---- carrying out what cores ask for

  #step(run: Run, event: NodeEvent): void {
    if (!run.alive) return;
    if (run.frozen !== null) {
      run.frozen.push(event);
      return;
    }
    const { core } = run;
    const { stopped, metastoreRolledBack } = core;
    core.step(event, this.queue.now);
    this.#carryOut(run, core.ready());
    if (core.stopped && !stopped)
      this.say(`${run.node} stops${core.superseded ? ': superseded' : core.left ? ': left' : ''}`);
    if (core.metastoreRolledBack !== metastoreRolledBack)
      this.say(
        `${run.node} ${core.metastoreRolledBack ? 'sees an older map than before' : 'trusts the map again'}`,
      );
  }

  #carryOut(run: Run, ready: Ready): void {
    const { node } = run;
    for (const { step, tx } of ready.reached) {
      this.say(`${node} reaches ${step} of ${tx}`);
      if (this.#armed.get(step) !== node) continue;
      this.#armed.delete(step);
      this.kill(node);
      return;
    }
    if (ready.damaged !== null) {
      this.#diskOf(node).damaged = ready.damaged;
      this.say(`${node} marks its store ${ready.damaged ? 'damaged' : 'whole'}`);
    }
    for (const { p, seq } of ready.diverged) this.say(`${node} differs from the primary of p${p} at #${seq}`);
    for (const { to, message } of ready.send) this.#send(run, to, message);
    for (const { origin, response } of ready.reply) this.onReply(origin, response);
    if (ready.publish !== null) this.#publish(run, ready.publish);
    if (ready.readMap !== null) this.#read(run, ready.readMap);
    if (ready.write !== null) {
      this.say(`${node} writes ${ready.write.map(describeRecord).join(', ')}`);
      run.storage.begin(ready.write);
      this.queue.after(takes.disk, () => {
        if (!run.alive) return;
        run.unanswered = true;
        if (!run.stalled) this.#answerDisk(run);
      });
    }
  }

  #answerDisk(run: Run): void {
    run.unanswered = false;
    run.storage.finish();
    this.#step(run, { type: 'written' });
  }

  #send(run: Run, to: NodeId, message: PeerMessage): void {
    const { node: from, core } = run;
    const key = `${message.type} ${from}>${to}`;
    const losses = this.#lossy.get(key) ?? 0;
    if (losses > 0) this.#lossy.set(key, losses - 1);
    const lost = losses > 0 || this.#isCut(from, to);
    if (!this.hidden.has(message.type))
      this.say(`${from} → ${to} ${describeMessage(message)}${lost ? ' (lost)' : ''}`);
    if (lost) return;
    const process = { node: from, store: core.store, incarnation: core.incarnation };
    this.queue.after(takes.message, () => {
      const target = this.#runs.get(to);
      if (target !== undefined) this.#step(target, { type: 'message', from: process, message });
    });
  }

  #publish(run: Run, { map, expected }: { map: ClusterMap; expected: number }): void {
    const { node } = run;
    this.say(`${node} publishes r${map.revision}: ${this.#differences(map).join('; ')}`);
    const mode = this.nextPublish;
    this.nextPublish = 'ok';
    const apply = (): boolean => {
      if (this.#map.revision !== expected) return false;
      this.#map = map;
      this.#hint();
      return true;
    };
    this.queue.after(takes.publish, () => {
      let outcome: PublishOutcome;
      if (mode === 'ok' || mode === 'applied-unknown') {
        outcome = apply() ? 'ok' : 'conflict';
        if (mode === 'applied-unknown') outcome = 'unknown';
      } else if (mode === 'late') {
        outcome = 'unknown';
        this.queue.after(500, () => {
          if (apply()) this.say(`the metastore applies r${map.revision} of ${node}`);
        });
      } else outcome = mode;
      if (run.alive) this.say(`${node} is told ${outcome} of r${map.revision}`);
      this.#step(run, { type: 'published', outcome });
    });
  }

  #read(run: Run, read: number): void {
    const { metastoreDown } = this;
    const map = this.#map;
    this.queue.after(takes.read, () =>
      this.#step(run, metastoreDown ? { type: 'map-unreadable' } : { type: 'map', map, read }),
    );
  }

  /** Those who watch the map hear of a new one. */
  #hint(): void {
    const map = this.#map;
    for (const run of this.#runs.values())
      this.queue.after(takes.read, () => this.#step(run, { type: 'map', map, read: null }));
  }

  /** What a map says that the one in force does not. */
  #differences(map: ClusterMap): string[] {
    const said: string[] = [];
    for (const [id, member] of Object.entries(map.members)) {
      const before = this.#map.members[id];
      if (JSON.stringify(before) === JSON.stringify(member)) continue;
      said.push(`${id} ${member.store} start ${member.incarnation} ${member.state}`);
    }
    map.partitions.forEach((config, p) => {
      if (config === this.#map.partitions[p]) return;
      const { handover, target } = config;
      const to = handover === null ? '' : ` handed over to start ${handover.to}`;
      said.push(`p${p} ${describeConfig(config)} target ${target.join(' ')}${to}`);
    });
    return said;
  }

  #others(node: NodeId): Run[] {
    return [...this.#runs.values()].filter((run) => run.alive && run.node !== node);
  }

  #isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  #diskOf(node: NodeId): MemoryDisk {
    const disk = this.#disks.get(node);
    if (disk === undefined) throw new Error(`there is no ${node}`);
    return disk;
  }

  #runOf(node: NodeId): Run {
    const run = this.#runs.get(node);
    if (run?.alive !== true) throw new Error(`${node} does not run`);
    return run;
  }
}
