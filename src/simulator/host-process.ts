import type { NodeId, Process } from '../core/map/types.js';
import type { NodeCore, NodeEvent, Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import { asMuster } from '../errors.js';
import { FaultTransport } from '../faults/transport.js';
import { NodeHost } from '../host/node-host.js';
import type { ServiceRunner } from '../service/runner.js';
import type { NodeStorage } from '../storage/contract.js';
import type { FileDisk } from './file-disk.js';
import { Gate } from './gate.js';
import { type SimMetastore, SimMetastoreClient } from './metastore.js';
import type { Moment } from './moments.js';
import type { SimNetwork } from './network.js';
import { coreTuning, type NodeProcess, type ProcessWorld } from './process.js';
import { armedPoints, SimRuntime } from './sim-runtime.js';
import type { Endpoint, SimWire } from './wire.js';

/** The token of every simulated cluster. */
export const simToken = 'sim';

/** What a process of the production host needs of the world. */
export interface HostWorld extends ProcessWorld {
  readonly network: SimNetwork;
  readonly metastore: SimMetastore;
  readerName(process: NodeProcess): string;
  /** One more of what is to be met now and then. */
  count(what: string): void;
}

/** Those who run such processes. */
export interface HostSide {
  readonly wire: SimWire;
  /** It is up: it listens, and its core may be looked at. */
  up(process: HostProcess): void;
  /** A turn has been stepped and is about to be carried out. */
  turned(process: HostProcess, events: readonly NodeEvent[], ready: Ready): void;
  /** It has ended itself, for its disk failed or another process runs in its place. */
  gaveUp(process: HostProcess, why: string): void;
  /** Its disk is damaged. */
  refused(process: HostProcess, why: string): void;
}

/** A node without services: handlers play no part in the protocol. */
const noServices: ServiceRunner = {
  describe: () => [],
  load: () => ({ inflight: 0, queued: 0, maxInflight: 0, loop: 0, cpu: 0, waitedMs: 0 }),
  call: () => Promise.reject(new Error('there are no handlers')),
  stop: () => Promise.resolve(),
};

/** One run of a node as production runs it: `NodeHost` with its queue, connections, codec and storage, in virtual time. */
export class HostProcess implements NodeProcess, Endpoint {
  readonly name: NodeId;
  readonly gate: Gate;
  readonly runtime: SimRuntime;
  readonly metastore: SimMetastoreClient;
  readonly #world: HostWorld;
  readonly #side: HostSide;
  readonly #random: Random;
  readonly #transport: FaultTransport;
  readonly #follow: Parameters<SimNetwork['followers']['add']>[0];
  #host: NodeHost | null = null;
  #identity: Process | null = null;

  constructor(
    readonly node: NodeId,
    readonly disk: FileDisk,
    world: HostWorld,
    side: HostSide,
    random: Random,
  ) {
    const { scenario, queue, network } = world;
    this.name = node;
    this.#world = world;
    this.#side = side;
    this.#random = random;
    this.gate = new Gate(random.fork());
    this.runtime = new SimRuntime({
      queue,
      gate: this.gate,
      random: random.fork(),
      rate: 1 + random.between(-scenario.drift, scenario.drift),
      // Where a pace is demanded, nothing is slow on purpose but links.
      buggify: scenario.brokenLinks ? new Set() : armedPoints(random.fork()),
      struck: (point) => world.count(`buggify ${point}`),
    });
    this.metastore = new SimMetastoreClient({
      store: world.metastore,
      gate: this.gate,
      reader: () => world.readerName(this),
      published: (map, outcome) => {
        world.note(() => `${node} publish r${map.revision}: ${outcome}`);
        world.reached(this, 'publish-returned');
      },
    });
    this.#transport = new FaultTransport(side.wire.transportOf(this), this.runtime);
    this.#transport.apply(network.plan);
    this.#follow = (plan) => this.#transport.apply(plan);
    network.followers.add(this.#follow);
  }

  /** Recovers, listens, and runs from then on. */
  async start(port: number): Promise<void> {
    const { scenario, rules } = this.#world;
    try {
      const member = this.#world.metastore.map.members[this.node];
      if (member === undefined) throw new Error(`${this.node} is no member`);
      const storage = await this.disk.open({
        gate: this.gate,
        member,
        snapshot: (p) => this.#host?.core.replicas.get(p)?.machine.snapshot() ?? null,
      });
      const { store, boot } = storage.recovered;
      this.#identity = { node: this.node, store, incarnation: boot };
      this.#host = await NodeHost.start({
        node: this.node,
        cluster: 'sim',
        folder: '/sim',
        version: '0',
        token: simToken,
        // Only a refusal on one machine proves anything, and only there are nodes refused.
        host: scenario.loopback ? '127.0.0.1' : '10.0.0.1',
        port,
        storage: this.#watched(storage),
        metastore: this.metastore,
        transport: this.#transport,
        faultRevision: () => 0,
        failpoints: { strike: () => null },
        services: noServices,
        log: { info: () => {}, warn: () => {} },
        fatal: (error) => this.#fatal(error),
        left: () => this.#world.left(this),
        runtime: this.runtime,
        rules,
        tuning: {
          ...coreTuning(scenario),
          checkpointMs: scenario.disk.checkpointMs * this.#random.between(0.5, 1.5),
        },
        watch: {
          turn: (events, ready) => {
            this.#side.turned(this, events, ready);
          },
          carriedOut: (ready) => this.#carriedOut(ready),
        },
      });
      this.#side.up(this);
    } catch (error) {
      this.#fatal(error);
    }
  }

  /** A batch that is handed to the disk, and one that is on it, are moments of their own. */
  #watched(storage: NodeStorage): NodeStorage {
    return {
      recovered: storage.recovered,
      append: async (records) => {
        const appended = storage.append(records);
        this.#world.reached(this, 'before-sync');
        await appended;
        this.#world.reached(this, 'after-sync');
      },
      checkpoint: (deltas) => storage.checkpoint(deltas),
      setDamaged: (damaged) => storage.setDamaged(damaged),
      stats: () => storage.stats(),
      close: () => storage.close(),
    };
  }

  #carriedOut(ready: Ready): void {
    const moments: Moment[] = [];
    if (ready.publish !== null) {
      moments.push('publish-sent');
      const { map } = this.core;
      if (ready.publish.map.partitions.some((c, p) => c.epoch !== map.partitions[p]?.epoch))
        moments.push('promoting');
    }
    if (ready.send.length > 0) moments.push('after-send');
    if (ready.reply.length > 0) moments.push('before-reply');
    for (const moment of moments) this.#world.reached(this, moment);
  }

  #fatal(error: unknown): void {
    if (!this.alive) return;
    const { code, message } = asMuster(error);
    // A disk that hangs or fails, and another process in its place, end a process; anything else is a defect.
    if (code === 'storage-corrupt' && this.disk.mayBeRefused) this.#side.refused(this, message);
    else if (code.startsWith('storage-') && code !== 'storage-corrupt') this.#side.gaveUp(this, message);
    else this.#world.failed(this, error);
  }

  get core(): NodeCore {
    if (this.#host === null) throw new Error(`${this.node} is not up yet`);
    return this.#host.core;
  }

  get identity(): Process {
    if (this.#identity === null) throw new Error(`${this.node} is not up yet`);
    return this.#identity;
  }

  get alive(): boolean {
    return this.gate.alive;
  }

  get paused(): boolean {
    return this.gate.paused;
  }

  /** SIGKILL, or the plug. */
  kill(): void {
    if (!this.alive) return;
    this.gate.end();
    this.#world.network.followers.delete(this.#follow);
    this.#side.wire.ended(this);
    this.disk.crash();
  }

  pause(): void {
    this.gate.pause();
  }

  resume(slept: number): void {
    if (!this.alive || !this.paused) return;
    if (slept > 0) this.runtime.suspended(slept);
    this.gate.resume();
  }
}
