import type { ClusterMap, NodeId, Process } from '../core/map/types.js';
import { NodeCore, type NodeEvent, type Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import type { LogRecord } from '../core/records.js';
import type { Rules } from '../core/rules.js';
import type { Tuning } from '../core/tuning.js';
import { defaultTimings, limits } from '../limits.js';
import type { Disk, SimDisk } from './disk.js';
import type { Moment } from './moments.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

/** One run of a node, as the world, the nemesis and the invariants see it. */
export interface NodeProcess {
  readonly node: NodeId;
  readonly disk: Disk;
  readonly identity: Process;
  readonly core: NodeCore;
  readonly alive: boolean;
  readonly paused: boolean;
  /** SIGKILL, or the plug. */
  kill(): void;
  pause(): void;
  /** SIGCONT; `slept`: so long, in ms, its machine was suspended meanwhile. */
  resume(slept: number): void;
}

export interface ProcessWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  readonly rules: Rules;
  /** From now on everything works as it should. */
  readonly healed: boolean;
  /** A process that dies while it writes may leave a part of its batch behind. */
  readonly tears: boolean;
  note(line: () => string): void;
  carry(process: NodeProcess, ready: Ready): void;
  /** Called after each step, before the Ready is carried out. */
  inspect(process: NodeProcess, ready: Ready): void;
  reached(process: NodeProcess, moment: Moment): void;
  failed(process: NodeProcess, error: unknown): void;
  /** The map has it as a member no more. */
  left(process: NodeProcess): void;
  /** Its disk has not answered for as long as a process may wait. */
  hung(process: NodeProcess): void;
}

export function coreTuning(scenario: Scenario): Tuning {
  const { retainEntries, snapshotChunk, appendBytes, sessionIdleMs } = scenario;
  return {
    retainEntries,
    retainBytes: 1 << 20,
    snapshotChunk,
    appendBytes,
    streamWindowBytes: appendBytes * 3,
    pipelineEntries: limits.pipelineEntries,
    sessionIdleMs,
  };
}

/** One run of a node: the production core, a clock that drifts, and a disk that may be slow. */
export class SimProcess implements NodeProcess {
  readonly core: NodeCore;
  readonly identity: Process;
  alive = true;
  #paused = false;
  /** What arrived while it was paused. */
  #backlog: NodeEvent[] = [];
  #pumping = false;
  readonly #random: Random;
  readonly #world: ProcessWorld;
  readonly #rate: number;
  #offset: number;

  constructor(
    readonly node: NodeId,
    readonly disk: SimDisk,
    world: ProcessWorld,
    random: Random,
  ) {
    this.#world = world;
    this.#random = random;
    this.#rate = 1 + random.between(-world.scenario.drift, world.scenario.drift);
    this.#offset = random.between(0, 1e6);
    const stored = disk.open(world.rules);
    this.identity = { node, store: disk.store, incarnation: disk.boot };
    this.core = new NodeCore({
      node,
      store: disk.store,
      incarnation: disk.boot,
      url: `sim://${node}/${disk.boot}`,
      stored,
      damaged: disk.damaged,
      seed: random.uint32(),
      now: this.clock,
      rules: world.rules,
      tuning: coreTuning(world.scenario),
    });
    this.#tick();
    this.#checkpoint();
    this.deliver({ type: 'tick' });
  }

  get clock(): number {
    return this.#offset + this.#world.queue.now * this.#rate;
  }

  get paused(): boolean {
    return this.#paused;
  }

  #tick(): void {
    this.#world.queue.after(limits.tickMs / this.#rate, () => {
      if (!this.alive) return;
      // A paused process runs no timers; one that is due runs when it goes on.
      if (!this.#paused) this.deliver({ type: 'tick' });
      this.#tick();
    });
  }

  #checkpointFrom = 0;

  #checkpoint(): void {
    this.#world.queue.after(this.#world.scenario.disk.checkpointMs * this.#random.between(0.5, 1.5), () => {
      if (!this.alive) return;
      if (!this.#paused) {
        // Taken and handed over in one turn, as the storage contract demands.
        const { deltas, next } = this.core.takeCheckpoint(this.#checkpointFrom, 5);
        this.#checkpointFrom = next ?? 0;
        this.disk.checkpoint(deltas);
      }
      this.#checkpoint();
    });
  }

  deliver(event: NodeEvent): void {
    if (!this.alive) return;
    if (this.#paused) {
      this.#backlog.push(event);
      return;
    }
    try {
      this.core.step(event, this.clock);
    } catch (error) {
      this.#world.failed(this, error);
      return;
    }
    if (this.core.left) {
      this.#world.left(this);
      return;
    }
    if (this.#pumping) return;
    this.#pumping = true;
    this.#world.queue.after(this.#random.next() * 0.2, () => this.#pump());
  }

  #pump(): void {
    this.#pumping = false;
    if (!this.alive) return;
    if (this.#paused) {
      this.#backlog.push({ type: 'tick' });
      return;
    }
    let ready: Ready;
    try {
      ready = this.core.ready();
    } catch (error) {
      this.#world.failed(this, error);
      return;
    }
    this.#world.inspect(this, ready);
    // A fault armed at a step of a transaction strikes before anything of this turn has left, or after all of it has.
    const early = this.#random.chance(0.5);
    const strike = (): void => {
      for (const { step } of ready.reached) this.#world.reached(this, step);
    };
    if (early) strike();
    if (!this.alive) return;
    if (ready.write !== null) this.#write(ready.write);
    if (ready.damaged !== null) this.disk.setDamaged(ready.damaged);
    if (this.disk.rewound && this.core.registered)
      this.disk.rewound = [...this.core.replicas.values()].some(({ check }) => !check.done);
    this.#world.carry(this, ready);
    if (!early) strike();
    // What arrives while this turn is being carried out is taken up in the next.
    if (!this.alive || this.#paused) return;
  }

  /** One batch: durable after a while, all of it; if the process dies before, any prefix of it. */
  #write(records: readonly LogRecord[]): void {
    const { disk } = this.#world.scenario;
    let delay = this.#random.between(0.2, 2);
    if (this.#random.chance(disk.slow) && !this.#world.healed) delay += this.#random.next() * disk.slowMs;
    this.disk.begin(records);
    this.#world.reached(this, 'before-sync');
    // The host ends a process whose disk hangs: else it would go on granting and holding leases, and serve nothing.
    if (delay >= defaultTimings.stallMs) {
      this.#world.queue.after(defaultTimings.stallMs, () => this.#world.hung(this));
      return;
    }
    this.#world.queue.after(delay, () => {
      if (!this.alive) return;
      this.disk.finish();
      this.#world.reached(this, 'after-sync');
      this.deliver({ type: 'written' });
    });
  }

  /** SIGKILL, or the plug: the batch under way is on disk or not. */
  kill(): void {
    if (!this.alive) return;
    const kept = this.#random.chance(0.4);
    this.disk.crash(kept, !kept && this.#world.tears && this.#random.chance(0.5));
    this.alive = false;
    this.#backlog = [];
  }

  pause(): void {
    this.#paused = true;
  }

  /** SIGCONT: timers and sockets come up in any order. `slept`: the clock stood still, and the process is told so first. */
  resume(slept: number): void {
    if (!this.alive || !this.#paused) return;
    this.#paused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    if (slept > 0) {
      this.#offset -= slept * this.#rate;
      this.deliver({ type: 'suspended' });
    }
    for (const event of interleave(backlog, this.#random)) this.deliver(event);
    this.deliver({ type: 'tick' });
  }

  mapArrived(map: ClusterMap | null, read: number | null): void {
    if (map === null) this.deliver({ type: 'map-unreadable' });
    else this.deliver({ type: 'map', map, read });
  }
}

/** Keeps the order within peer messages of one sender, and mixes the rest at random. */
function interleave(events: readonly NodeEvent[], random: Random): NodeEvent[] {
  const queues = new Map<string, NodeEvent[]>();
  for (const event of events) {
    const source = event.type === 'message' ? event.from.node : event.type === 'request' ? 'requests' : 'own';
    const queue = queues.get(source) ?? [];
    queue.push(event);
    queues.set(source, queue);
  }
  const mixed: NodeEvent[] = [];
  let left = [...queues.values()];
  while (left.length > 0) {
    const queue = random.pick(left);
    mixed.push(queue.shift() as NodeEvent);
    left = left.filter((q) => q.length > 0);
  }
  return mixed;
}
