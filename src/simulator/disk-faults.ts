import { type ClusterMap, type NodeId, nodeOf } from '../core/map/types.js';
import type { Disk } from './disk.js';
import type { SimWorld } from './sim-world.js';

/** What befalls the disks of nodes. */
export class DiskFaults {
  /** Disks as they were before they lost something: what they had acknowledged was on them. */
  readonly destroyed: Disk[] = [];
  readonly #world: SimWorld;
  /** The last start of each store that took part. */
  readonly #starts = new Map<string, number>();

  constructor(world: SimWorld) {
    this.#world = world;
  }

  published(map: ClusterMap): void {
    for (const { store, incarnation } of Object.values(map.members))
      this.#starts.set(store, Math.max(incarnation, this.#starts.get(store) ?? 0));
  }

  /** One machine loses power. */
  powerFailureOf(node: NodeId): void {
    this.#world.note(() => `the machine of ${node} loses power`);
    this.#world.kill(node);
    for (const process of this.#world.oldOf(node)) process.kill();
    const disk = this.#world.disks.get(node) as Disk;
    this.destroyed.push(disk.clone(disk.store));
    disk.powerFailure();
  }

  /** A bit of the node's disk flips, somewhere. It is noticed when the node starts, and then an operator puts an empty disk in its place. */
  rot(node: NodeId): void {
    this.#world.note(() => `a bit of ${node}'s disk flips`);
    this.#world.kill(node);
    const disk = this.#world.disks.get(node) as Disk;
    this.destroyed.push(disk.clone(disk.store));
    disk.rot();
  }

  /** All machines lose power at once. */
  powerFailure(): void {
    this.#world.note(() => 'all machines lose power');
    this.#world.met('power failure');
    for (const node of this.#world.nodes) this.#world.kill(node);
    for (const process of this.#world.usurped) process.kill();
    for (const disk of this.#world.disks.values()) disk.powerFailure();
  }

  /** Takes the disk away and puts an empty one, or an old copy, in its place; the identity is a new one either way (PROTOCOL section 0). */
  replace(node: NodeId, copy: Disk | null): void {
    this.#world.note(() => `${node} gets ${copy === null ? 'an empty disk' : 'an old copy of its disk'}`);
    this.#world.kill(node);
    if (
      this.#world.metastore.map.partitions.some(
        ({ handover, primary }) => handover !== null && [handover.from.node, nodeOf(primary)].includes(node),
      )
    )
      this.#world.met('wiped in hand-over');
    const instead = this.#world.disks.get(node) as Disk;
    this.destroyed.push(instead);
    const store = this.#world.nextStore();
    this.#world.disks.set(
      node,
      copy === null ? this.#world.edges.newDisk(store) : copy.putBack(store, this.#isOld(copy), instead),
    );
  }

  /** Has the store of that copy been started again since, and taken part? */
  #isOld(copy: Disk): boolean {
    return (this.#starts.get(copy.store) ?? 0) > copy.boot;
  }

  /** It is killed, and a bit flips in the last batch of its log. */
  damage(node: NodeId): void {
    this.#world.kill(node);
    const disk = this.#world.disks.get(node) as Disk;
    const before = disk.clone(disk.store);
    const done = (damaged: boolean): void => {
      if (!damaged) return;
      this.#world.note(() => `${node}: a bit of the last batch flips`);
      this.destroyed.push(before);
    };
    const damaged = disk.damageLastBatch();
    if (typeof damaged === 'boolean') done(damaged);
    else damaged.then(done, (error: unknown) => this.#world.broken(error));
  }

  /** It is killed, and its disk is put back to an older state of the same start. */
  rewind(node: NodeId, copy: Disk): void {
    this.#world.note(() => `${node}: the disk is put back to an older state of the same start`);
    this.#world.kill(node);
    const disk = this.#world.disks.get(node) as Disk;
    this.destroyed.push(disk.clone(disk.store));
    disk.rewind(copy);
  }

  /** Starts the node anew on an empty disk, or on a copy of that one, while its process lives on and cannot read the map. */
  usurp(node: NodeId, copy: Disk | null): void {
    const process = this.#world.processes.get(node);
    // One that has not registered yet would register after the new one, which then ends.
    if (process?.alive !== true || !process.core.registered || this.#world.oldOf(node).length > 0) return;
    this.#world.note(
      () => `${node} is started anew on ${copy === null ? 'an empty disk' : 'a copy of its disk'}`,
    );
    this.#world.usurped.push(process);
    this.#world.met('two processes');
    const blind = this.#world.readerName(process);
    this.#world.metastore.blind.add(blind);
    this.#world.queue.after(this.#world.random.between(500, 6000), () =>
      this.#world.metastore.blind.delete(blind),
    );
    this.#world.queue.after(this.#world.random.between(3000, 12_000), () => process.kill());
    this.destroyed.push(process.disk);
    const store = this.#world.nextStore();
    this.#world.disks.set(node, copy === null ? this.#world.edges.newDisk(store) : copy.clone(store));
    this.#world.processes.delete(node);
    this.#world.start(node);
  }
}
