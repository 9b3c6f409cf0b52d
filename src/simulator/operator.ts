import { applyChange, type MapChange, noChange } from '../core/map/changes.js';
import { holdsShare, type MembersChange, planPlacement } from '../core/map/placing.js';
import type { ClusterMap, Member } from '../core/map/types.js';
import type { SimWorld } from './sim-world.js';

/** Who administers the cluster: adds nodes, drains them, changes their weights. May die at any time, as the commands may. */
export class Operator {
  readonly #world: SimWorld;
  #joined: number;
  #placements = 0;

  constructor(world: SimWorld) {
    this.#world = world;
    this.#joined = world.scenario.nodes;
  }

  /** A new node: a disk, a record in the map, and a process. */
  join(): void {
    const id = `n${++this.#joined}`;
    const disk = this.#world.newDisk();
    this.#world.disks.set(id, disk);
    const member: Member = {
      id,
      store: disk.store,
      incarnation: 0,
      url: '',
      weight: 1 + this.#world.random.below(3),
      zone: '',
      state: 'joining',
    };
    this.#world.note(() => `${id} is to join`);
    this.#change((map) =>
      map.members[id] === undefined ? { ...noChange, members: new Map([[id, member]]) } : null,
    );
    const appear = (left: number): void => {
      if (this.#world.metastore.map.members[id] === undefined) {
        if (left > 0) this.#world.queue.after(200, () => appear(left - 1));
        return;
      }
      this.#world.nodes.push(id);
      this.#world.start(id);
      // Whoever asked may have died meanwhile: then the nodes see to it.
      if (this.#world.random.chance(0.7))
        this.#world.queue.after(this.#world.random.between(50, 2000), () => this.place({ activate: [id] }));
    };
    appear(20);
  }

  drain(): void {
    const active = Object.values(this.#world.metastore.map.members).filter((m) => m.state === 'active');
    if (active.length > this.#world.scenario.replicas)
      this.place({ drain: [this.#world.random.pick(active).id] });
  }

  /** New weights, or the same placement computed anew. */
  weigh(): void {
    const ids = Object.keys(this.#world.metastore.map.members);
    this.place(
      this.#world.random.chance(0.8)
        ? { weights: { [this.#world.random.pick(ids)]: 1 + this.#world.random.below(4) } }
        : {},
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
      return members.filter((m) => m !== null && holdsShare(m)).length < this.#world.scenario.replicas
        ? null
        : plan;
    });
  }

  #change(change: (map: ClusterMap) => MapChange | null, left = 20): void {
    if (left === 0) return;
    const again = (): void => this.#world.queue.after(100, () => this.#change(change, left - 1));
    this.#world.metastore.read(null, (map) => {
      if (map === null) {
        again();
        return;
      }
      const wanted = change(map);
      if (wanted === null) return;
      this.#world.metastore.publish(null, applyChange(map, wanted), map.revision, (outcome) => {
        if (outcome !== 'ok') again();
      });
    });
  }
}
