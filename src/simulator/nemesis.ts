import { type NodeId, nodeOf, type PartitionConfig } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { describeFault, type FaultSpec, type Links } from '../faults/plan.js';
import type { Disk } from './disk.js';
import { type Moment, moments } from './moments.js';
import type { NodeProcess } from './process.js';
import { type ArmedAction, type Fault, faults } from './scenario.js';
import type { SimWorld } from './sim-world.js';

/** Breaks things at random, with a bias to the moments at which it hurts most. */
export class Nemesis {
  readonly #world: SimWorld;
  readonly #random: Random;
  #stopped = false;
  #armed: { moment: Moment; after: number; action: ArmedAction } | null = null;
  /** An old copy of a disk, to put back one day. */
  readonly #copies = new Map<NodeId, Disk>();
  readonly counts: Partial<Record<Fault, number>> = {};

  constructor(world: SimWorld, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    if (this.#stopped) return;
    const { everyMs } = this.#world.scenario.nemesis;
    this.#world.queue.after(-Math.log(1 - this.#random.next()) * everyMs, () => {
      if (this.#stopped) return;
      this.#strike();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#armed = null;
  }

  /** A process is at an instant that an armed fault waits for. */
  reached(process: NodeProcess, moment: Moment): void {
    const armed = this.#armed;
    if (armed === null || armed.moment !== moment || armed.after-- > 0) return;
    this.#armed = null;
    const { node } = process;
    this.#world.note(() => `armed fault at ${moment}: ${armed.action} ${node}`);
    if (armed.action === 'kill') this.#kill(node);
    else if (armed.action === 'pause') this.#world.pause(node, this.#pauseMs(), false);
    else this.#isolate(node, this.#random.chance(0.5));
  }

  #pauseMs(): number {
    return this.#random.pick([50, 600, 1500, 2500, 6000]) * this.#random.between(0.7, 1.3);
  }

  #strike(): void {
    const { weights } = this.#world.scenario.nemesis;
    let draw = this.#random.next() * faults.reduce((sum, fault) => sum + weights[fault], 0);
    const fault = faults.find((f) => {
      draw -= weights[f];
      return draw < 0;
    });
    if (fault === undefined) return;
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    const { nodes, metastore } = this.#world;
    const random = this.#random;
    const node = random.pick(nodes);
    switch (fault) {
      case 'kill':
        this.#kill(node);
        break;
      case 'primary':
        this.#strikePrimary();
        break;
      case 'pause':
        this.#world.pause(node, this.#pauseMs(), false);
        break;
      case 'sleep':
        this.#world.pause(node, this.#pauseMs(), true);
        break;
      case 'netsplit':
        this.#netsplit();
        break;
      case 'oneWay':
        this.#isolate(node, true);
        break;
      case 'delay':
      case 'drop':
        this.#spoil(fault, node);
        break;
      case 'wipe':
        if (this.#mayLose(node)) this.#replaceDisk(node, null);
        break;
      case 'rollback':
        this.#rollback(node);
        break;
      case 'bitFlip':
        if (this.#mayLose(node, 1)) this.#world.diskFaults.damage(node);
        this.#restartLater(node);
        break;
      case 'rewind':
        this.#rewind(node);
        break;
      case 'usurp':
        this.#usurp(node);
        break;
      case 'powerFailure':
        this.#powerFailure(node);
        break;
      case 'rot':
        if (this.#mayLose(node)) this.#world.diskFaults.rot(node);
        this.#restartLater(node);
        break;
      case 'reset': {
        const other = random.pick(nodes);
        if (other !== node) this.#world.reset(node, other);
        break;
      }
      case 'metastoreDown':
        metastore.down = true;
        this.#world.queue.after(random.between(100, 4000), () => {
          metastore.down = false;
        });
        break;
      case 'join':
        if (nodes.length < this.#world.scenario.replicas + 4) this.#world.operator.join();
        break;
      case 'drain':
        this.#world.operator.drain();
        break;
      case 'weigh':
        this.#world.operator.weigh();
        break;
      case 'blind':
        metastore.blind.add(node);
        this.#world.queue.after(random.between(500, 15_000), () => metastore.blind.delete(node));
        break;
      case 'flip':
        this.#flip(node);
        break;
      case 'armed': {
        const { armed } = this.#world.scenario.nemesis;
        this.#armed = {
          moment: random.pick(armed?.moments ?? moments),
          after: random.below(20),
          action: random.pick(armed?.actions ?? ['kill', 'kill', 'pause', 'isolate']),
        };
        break;
      }
    }
  }

  #kill(node: NodeId): void {
    this.#world.kill(node);
    this.#restartLater(node);
  }

  #restartLater(node: NodeId): void {
    const delay = this.#random.pick([5, 100, 1000, 3000, 8000]) * this.#random.between(0.5, 1.5);
    this.#world.queue.after(delay, () => this.#world.start(node));
  }

  #strikePrimary(): void {
    const config = this.#random.pick(this.#world.metastore.map.partitions);
    const node = nodeOf(config.primary);
    const how = this.#random.below(3);
    if (how === 0) this.#kill(node);
    else if (how === 1) this.#world.pause(node, this.#pauseMs(), false);
    else this.#isolate(node, this.#random.chance(0.5));
  }

  /** Placement goes there, back, and there again, and a primary that saw the first of it sees nothing of the second. */
  #flip(heavy: NodeId): void {
    const { metastore, network, queue } = this.#world;
    const random = this.#random;
    const before = metastore.map.members[heavy]?.weight ?? 1;
    const there = { weights: { [heavy]: before + 3 } };
    const blind = nodeOf(random.pick(metastore.map.partitions).primary);
    const { revision } = metastore.map;
    this.#world.operator.place(there);
    const whenSeen = (left: number): void => {
      const process = this.#world.processes.get(blind);
      const placed = metastore.map.placement?.revision ?? 0;
      if (left === 0 || process?.alive !== true) return;
      if (placed > revision && process.core.revision >= placed) {
        metastore.blind.add(blind);
        this.#world.operator.place({ weights: { [heavy]: before } });
        const back = random.between(6_000, 9_000);
        queue.after(back, () => this.#world.operator.place(there));
        // Cut off from it, the node that is to hold less lets go of what it held.
        queue.after(500, () => {
          if (blind !== heavy) this.#split([blind], [heavy], false);
        });
        queue.after(back + random.between(50, 200), () => network.healLinks());
        queue.after(back + random.between(0, 300), () => metastore.blind.delete(blind));
      } else queue.after(0.5, () => whenSeen(left - 1));
    };
    whenSeen(400);
  }

  #healLater(): void {
    this.#world.queue.after(this.#random.pick([200, 1500, 3000, 7000]) * this.#random.between(0.5, 1.5), () =>
      this.#world.network.healLinks(),
    );
  }

  /** Two sides that cannot talk; clients reach both. */
  #netsplit(): void {
    const { nodes } = this.#world;
    const side = nodes.filter(() => this.#random.chance(0.5));
    const others = nodes.filter((node) => !side.includes(node));
    this.#world.note(() => `netsplit ${side.join(',')} / the others`);
    this.#split(side, others, false);
    this.#healLater();
  }

  /** The two sides do not hear each other, or the second does not hear the first. */
  #split(side: readonly NodeId[], others: readonly NodeId[], oneWay: boolean): void {
    if (side.length > 0 && others.length > 0)
      this.#world.network.inflict({ kind: 'netsplit', groups: [side, others], oneWay });
  }

  /** One node cut off from some or all others, in one direction or both. */
  #isolate(node: NodeId, oneWay: boolean): void {
    const { nodes } = this.#world;
    const outgoing = this.#random.chance(0.5);
    const some = this.#random.chance(0.4);
    this.#world.note(
      () =>
        `${node} isolated${oneWay ? (outgoing ? ', outgoing' : ', incoming') : ''}${some ? ', from some' : ''}`,
    );
    const from = nodes.filter((other) => other !== node && !(some && this.#random.chance(0.5)));
    if (oneWay && !outgoing) this.#split(from, [node], true);
    else this.#split([node], from, oneWay);
    this.#healLater();
  }

  /** The links of one node, or one of them, are slow or lose messages. */
  #spoil(kind: 'delay' | 'drop', node: NodeId): void {
    const random = this.#random;
    const other = random.pick(this.#world.nodes);
    const links: Links = other === node || random.chance(0.5) ? [node] : [node, other];
    const delayMs = random.pick([5, 50, 400]);
    const spec: FaultSpec =
      kind === 'delay'
        ? { kind, links, delayMs, jitterMs: delayMs * random.next() }
        : { kind, links, probability: random.pick([0.05, 0.3, 0.9]) };
    this.#world.note(() => describeFault(spec));
    this.#world.network.inflict(spec);
    this.#healLater();
  }

  /**
   * Losing this disk must leave, of each partition, two in-sync disks that lack nothing: more than one at a time is beyond what is
   * promised. Losing only the end of its log must leave one.
   */
  #mayLose(node: NodeId, least = 2): boolean {
    const { metastore, disks, scenario } = this.#world;
    const need = Math.min(least, scenario.replicas - 1);
    // What a publish under way leaves counts as well: then nobody may be left who remembers.
    const maps = [metastore.map, ...metastore.underWay];
    return maps.every(({ partitions }) =>
      partitions.every((config: PartitionConfig) => {
        const others = config.inSync.filter(
          (r) =>
            nodeOf(r) !== node &&
            disks.get(nodeOf(r))?.store === r.slice(r.indexOf('/') + 1) &&
            disks.get(nodeOf(r))?.lacks === false,
        );
        const holds = config.inSync.some((r) => nodeOf(r) === node);
        return !holds || others.length >= need;
      }),
    );
  }

  /**
   * A disk is put back to a copy made a moment ago, in the same start, while all others run and hear one another: then it is
   * noticed. Where nobody remembers, it is not (PROTOCOL section 9).
   */
  #rewind(node: NodeId): void {
    const { nodes, disks, processes, queue } = this.#world;
    const copy = (disks.get(node) as Disk).clone((disks.get(node) as Disk).store);
    const { boot } = copy;
    queue.after(this.#random.between(300, 1500), () => {
      const disk = disks.get(node) as Disk;
      const whole = nodes.every((other) => processes.get(other)?.alive === true);
      if (!whole || disk.boot !== boot || disk.store !== copy.store || !this.#mayLose(node, 1)) return;
      this.#world.diskFaults.rewind(node, copy);
      this.#restartLater(node);
    });
  }

  #rollback(node: NodeId): void {
    const copy = this.#copies.get(node);
    const disk = this.#world.disks.get(node) as Disk;
    if (copy === undefined) this.#copies.set(node, disk.clone(disk.store));
    else if (this.#mayLose(node)) {
      this.#copies.delete(node);
      this.#replaceDisk(node, copy);
    }
  }

  /**
   * An operator takes a node for dead that cannot reach the metastore, and starts it anew: on an empty disk, or on a copy of the old
   * one. Twice, so that the new store may count as many starts as the old.
   */
  #usurp(node: NodeId): void {
    const disk = this.#world.disks.get(node) as Disk;
    if (!this.#mayLose(node)) return;
    this.#world.diskFaults.usurp(node, this.#random.chance(0.5) ? null : disk);
    if (this.#random.chance(0.5)) {
      this.#world.kill(node);
      this.#world.queue.after(this.#random.between(1, 20), () => this.#world.start(node));
    }
  }

  /** Synced disks keep what was acknowledged even when all machines lose power; others lose what their system had not written. */
  #powerFailure(node: NodeId): void {
    const { nodes, scenario } = this.#world;
    if (scenario.durability === 'process') {
      if (this.#mayLose(node)) this.#world.diskFaults.powerFailureOf(node);
      this.#restartLater(node);
      return;
    }
    this.#world.diskFaults.powerFailure();
    for (const one of nodes) this.#restartLater(one);
  }

  #replaceDisk(node: NodeId, copy: Disk | null): void {
    this.#world.diskFaults.replace(node, copy);
    this.#restartLater(node);
  }
}
