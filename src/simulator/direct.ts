import { describeMessage, describeRequest, describeResponse } from '../core/describe.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import { type Disk, SimDisk } from './disk.js';
import { type Edges, partitionOfRequest } from './edges.js';
import { Violation } from './invariants.js';
import { type NodeProcess, SimProcess } from './process.js';
import type { SimUser } from './sim-user.js';
import type { SimWorld } from './sim-world.js';

/** The core alone, driven by the simulator; messages are handed over as they are, each by itself. */
export class DirectEdges implements Edges {
  readonly #world: SimWorld;
  /** Who waits for a node's answer, by process and origin number. */
  readonly #origins = new Map<number, { client: SimUser; rid: number; p: number; request: ClientRequest }>();
  #nextOrigin = 1;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  #process(node: NodeId): SimProcess | undefined {
    return this.#world.processes.get(node) as SimProcess | undefined;
  }

  newDisk(store: string): Disk {
    return new SimDisk(store);
  }

  start(node: NodeId, disk: Disk, random: Random): void {
    const world = this.#world;
    let process: SimProcess;
    try {
      process = new SimProcess(node, disk as SimDisk, world, random);
    } catch (error) {
      throw new Violation(10, `${node}: ${error instanceof Error ? error.message : String(error)}`);
    }
    world.processes.set(node, process);
    for (const other of world.nodes) {
      if (other === node || world.random.chance(0.1)) continue;
      world.queue.after(world.random.between(1, 40), () => {
        this.#process(other)?.deliver({ type: 'linked', node });
        process.deliver({ type: 'linked', node: other });
      });
    }
  }

  isStarting(): boolean {
    return false;
  }

  stopStarting(): void {}

  killed(node: NodeId): void {
    const { users, queue, random, scenario, nodes } = this.#world;
    for (const client of users) {
      queue.after(random.between(0.1, 5), () => client.step({ type: 'lost', node }));
    }
    if (scenario.loopback) for (const other of nodes) this.#refuse(node, other);
  }

  /** `other` tries to connect to the address its map holds for the dead node: refused, if the node is still down. */
  #refuse(node: NodeId, other: NodeId): void {
    const world = this.#world;
    world.queue.after(world.random.between(0.5, 60), () => {
      const observer = this.#process(other);
      if (observer?.alive !== true || observer.core.revision === 0) return;
      const member = observer.core.map.members[node];
      const process = this.#process(node);
      if (member === undefined || member.incarnation === 0) return;
      const current = [process, ...world.oldOf(node)].some(
        (one) =>
          one?.alive === true &&
          one.identity.store === member.store &&
          one.identity.incarnation <= member.incarnation,
      );
      if (current) return;
      observer.deliver({
        type: 'gone',
        process: { node, store: member.store, incarnation: member.incarnation },
      });
    });
  }

  reset(a: NodeId, b: NodeId): void {
    this.#world.queue.after(this.#world.random.between(0.5, 20), () => {
      this.#process(a)?.deliver({ type: 'linked', node: b });
      this.#process(b)?.deliver({ type: 'linked', node: a });
    });
  }

  published(map: ClusterMap): void {
    const { nodes, random, metastore, queue } = this.#world;
    for (const node of nodes) {
      if (random.chance(0.5) && !metastore.blind.has(node))
        queue.after(random.between(1, 30), () => this.#process(node)?.mapArrived(map, null));
    }
  }

  /** Whom a connection to the address of `node` reaches, as the one who makes it knows it: its store; null: any. */
  #at(node: NodeId, store: string | null): SimProcess | undefined {
    const world = this.#world;
    const olds = world.usurped.length === 0 ? [] : world.oldOf(node);
    if (olds.length === 0) return this.#process(node);
    const old =
      store === null ? world.random.pick([...olds, undefined]) : olds.find((o) => o.identity.store === store);
    return (old as SimProcess | undefined) ?? this.#process(node);
  }

  /** Is it still the one that runs there? A connection ends with the process at either end. */
  #runs(node: NodeId, process: SimProcess): boolean {
    const { processes, usurped } = this.#world;
    return processes.get(node) === process || (process.alive && usurped.includes(process));
  }

  carry(running: NodeProcess, ready: Ready): void {
    const world = this.#world;
    const process = running as SimProcess;
    if (ready.publish !== null) {
      const { map, expected } = ready.publish;
      const promoting = map.partitions.some((c, p) => c.epoch !== process.core.map.partitions[p]?.epoch);
      world.metastore.publish(world.readerName(process), map, expected, (outcome) => {
        world.note(() => `${process.node} publish r${map.revision}: ${outcome}`);
        world.reached(process, 'publish-returned');
        process.deliver({ type: 'published', outcome });
      });
      world.reached(process, 'publish-sent');
      if (promoting) world.reached(process, 'promoting');
    }
    const { readMap } = ready;
    if (readMap !== null)
      world.metastore.read(world.readerName(process), (map) => process.mapArrived(map, readMap));
    for (const { to, message } of ready.send) {
      world.mix(message.type.length + world.queue.now * 1000);
      if (message.type !== 'beacon' && message.type !== 'beacon-ack')
        world.note(() => `${process.node} → ${to}: ${describeMessage(message)}`);
      const target = this.#at(to, process.core.map.members[to]?.store ?? '');
      const from = process.identity;
      world.network.send(process.node, to, () => {
        if (target === undefined || !this.#runs(to, target)) return;
        // An old process of a node that was started anew is not the one that the others count.
        if (world.processes.get(to) === target) world.invariants.heard(to, from.node, world.queue.now);
        target.deliver({ type: 'message', from, message });
      });
    }
    if (ready.send.length > 0) world.reached(process, 'after-send');
    if (ready.reply.length > 0) world.reached(process, 'before-reply');
    if (!process.alive) return;
    for (const { origin, response } of ready.reply) {
      const waiting = this.#origins.get(origin);
      if (waiting === undefined) continue;
      this.#origins.delete(origin);
      const { client, rid, p, request } = waiting;
      world.note(() => `${process.node} → ${client.name}: ${describeResponse(response)}`);
      world.invariants.acked(p, request, response);
      world.network.send(process.node, client.name, () => client.step({ type: 'response', rid, response }));
    }
  }

  turned(): void {}

  send(client: SimUser, node: NodeId, rid: number, request: ClientRequest): void {
    const world = this.#world;
    const target = this.#at(node, null);
    if (target?.alive !== true) {
      world.queue.after(world.random.between(0.2, 3), () => client.step({ type: 'lost', node }));
      return;
    }
    world.note(() => `${client.name} → ${node}: ${describeRequest(request)}`);
    const p = partitionOfRequest(request, world.scenario.partitions);
    world.network.send(client.name, node, () => {
      if (!this.#runs(node, target) || !target.alive) return;
      const origin = this.#nextOrigin++;
      this.#origins.set(origin, { client, rid, p, request });
      target.deliver({ type: 'request', origin, request });
    });
  }
}
