import { Links } from '../client/links.js';
import { describeMessage, describeRequest, describeResponse } from '../core/describe.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { NodeEvent, Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import type { Disk } from './disk.js';
import { type Edges, partitionOfRequest } from './edges.js';
import { FileDisk } from './file-disk.js';
import { Gate } from './gate.js';
import { HostProcess, type HostSide, simToken } from './host-process.js';
import type { NodeProcess } from './process.js';
import { SimRuntime } from './sim-runtime.js';
import type { SimUser } from './sim-user.js';
import type { SimWorld } from './sim-world.js';
import { type Endpoint, SimWire } from './wire.js';

/** The first port of a node; its number is added. */
const firstPort = 7000;

/** Everything that production has around the core: queue of the host, codec, frames, connections, timers, storage; and the client's connections. */
export class HostEdges implements Edges, HostSide {
  readonly wire: SimWire;
  readonly #world: SimWorld;
  readonly #random: Random;
  readonly #starting = new Map<NodeId, HostProcess>();
  readonly #ports = new Map<NodeId, number>();
  readonly #links = new Map<SimUser, Links>();
  /** Requests under way in each process, by their origin number there. */
  readonly #requests = new WeakMap<NodeProcess, Map<number, ClientRequest>>();

  constructor(world: SimWorld, random: Random) {
    this.#world = world;
    this.#random = random;
    const { queue, network, scenario } = world;
    this.wire = new SimWire({
      queue,
      random: random.fork(),
      network,
      refuses: scenario.loopback,
      heard: (by, from) => this.#heard(by, from),
    });
  }

  fork(): Random {
    return this.#random.fork();
  }

  #heard(by: Endpoint, from: Endpoint): void {
    // An old process of a node that was started anew is not the one that the others count.
    if (!(from instanceof HostProcess) || !(by instanceof HostProcess)) return;
    if (this.#world.processes.get(by.name) === by)
      this.#world.invariants.heard(by.name, from.name, this.#world.queue.now);
  }

  newDisk(): Disk {
    return new FileDisk(this.#world, this.#random.fork());
  }

  start(node: NodeId, disk: Disk, random: Random): void {
    const process = new HostProcess(node, disk as FileDisk, this.#world, this, random);
    this.#starting.set(node, process);
    void process.start(this.#port(node));
  }

  /** The node's own port; while an old process of it lives on, another. */
  #port(node: NodeId): number {
    if (this.#world.oldOf(node).length > 0) return 0;
    let port = this.#ports.get(node);
    if (port === undefined) {
      port = firstPort + this.#ports.size;
      this.#ports.set(node, port);
    }
    return port;
  }

  up(process: HostProcess): void {
    this.#starting.delete(process.node);
    this.#world.processes.set(process.node, process);
  }

  isStarting(node: NodeId): boolean {
    return this.#starting.has(node);
  }

  stopStarting(node: NodeId): void {
    const process = this.#starting.get(node);
    if (process === undefined) return;
    this.#world.note(() => `${node} is killed while it starts`);
    this.#world.met('killed in recovery');
    this.#starting.delete(node);
    process.kill();
  }

  gaveUp(process: HostProcess, why: string): void {
    const world = this.#world;
    world.note(() => `${process.node} ends: ${why}`);
    world.met('disk failed');
    if (this.#starting.get(process.node) === process) this.#starting.delete(process.node);
    process.kill();
    if (!world.usurped.includes(process))
      world.queue.after(this.#random.between(100, 1000), () => world.start(process.node));
  }

  /** As the error says: its folder is moved away, and the node learns again. */
  refused(process: HostProcess, why: string): void {
    const world = this.#world;
    const { node } = process;
    world.note(() => `${node} does not start: ${why}`);
    world.met('rot was noticed');
    this.#starting.delete(node);
    process.kill();
    if (world.usurped.includes(process)) return;
    world.queue.after(this.#random.between(100, 1000), () => {
      world.diskFaults.replace(node, null);
      world.start(node);
    });
  }

  /** Its connections have ended with it, and whoever had one has been told. */
  killed(): void {}

  reset(a: NodeId, b: NodeId): void {
    this.wire.break(a, b);
  }

  published(map: ClusterMap): void {
    const { nodes, random, metastore, queue, processes } = this.#world;
    for (const node of nodes) {
      if (random.chance(0.5) && !metastore.blind.has(node))
        queue.after(random.between(1, 30), () => {
          const process = processes.get(node);
          if (process instanceof HostProcess) process.metastore.tell(map.revision);
        });
    }
  }

  /** `HostProcess` carries out its own turns. */
  carry(): void {}

  turned(process: NodeProcess, events: readonly NodeEvent[], ready: Ready): void {
    const world = this.#world;
    const requests = this.#requests.get(process) ?? new Map<number, ClientRequest>();
    this.#requests.set(process, requests);
    for (const event of events) if (event.type === 'request') requests.set(event.origin, event.request);
    world.inspect(process, ready);
    for (const { to, message } of ready.send) {
      world.mix(message.type.length + world.queue.now * 1000);
      if (message.type !== 'beacon' && message.type !== 'beacon-ack')
        world.note(() => `${process.node} → ${to}: ${describeMessage(message)}`);
    }
    for (const { origin, response } of ready.reply) {
      const request = requests.get(origin);
      if (request === undefined) continue;
      requests.delete(origin);
      world.note(() => `${process.node} answers: ${describeResponse(response)}`);
      world.invariants.acked(partitionOfRequest(request, world.scenario.partitions), request, response);
    }
    for (const { step } of ready.reached) world.reached(process, step);
  }

  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void {
    const world = this.#world;
    world.note(() => `${user.name} → ${node}: ${describeRequest(request)}`);
    let links = this.#links.get(user);
    if (links === undefined) {
      links = this.#connect(user);
      this.#links.set(user, links);
    }
    links.send(node, rid, request);
  }

  #connect(user: SimUser): Links {
    const { queue } = this.#world;
    const end = this.endpoint(user.name);
    return new Links({
      transport: this.wire.transportOf(end),
      token: simToken,
      cluster: 'sim',
      member: (node) => user.map?.members[node] ?? null,
      response: (rid, response) => user.step({ type: 'response', rid, response }),
      lost: (node) => queue.after(this.#random.between(0.1, 1), () => user.step({ type: 'lost', node })),
      runtime: end.runtime,
    });
  }

  /** A client's end of connections: its process lives on, and its clock is virtual time. */
  endpoint(name: string): Endpoint & { readonly runtime: SimRuntime } {
    const gate = new Gate(this.#random.fork());
    const { queue } = this.#world;
    const random = this.#random.fork();
    const runtime = new SimRuntime({ queue, gate, random, rate: 1, buggify: new Set(), struck: () => {} });
    return { name, gate, runtime };
  }
}
