import { describeConfig } from '../core/describe.js';
import { othersOf } from '../core/machine/transactions.js';
import { unplaced } from '../core/map/placing.js';
import { isUnregistered, nodeOf, type PartitionConfig } from '../core/map/types.js';
import type { SimWorld } from './sim-world.js';

/** What a cluster that was healed must come to (invariants 11 and 14). */
export class AtRest {
  readonly #world: SimWorld;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  /** Partitions none of whose in-sync disks exist any more: the nemesis destroyed more than any protocol survives. */
  lost(p: number): boolean {
    const config = this.#world.metastore.map.partitions[p] as PartitionConfig;
    return !config.inSync.some(
      (replica) => this.#world.disks.get(nodeOf(replica))?.store === replica.slice(replica.indexOf('/') + 1),
    );
  }

  /** Members that are on their way in or out. */
  #restless(): string[] {
    const { map } = this.#world.metastore;
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
    const config = this.#world.metastore.map.partitions[p] as PartitionConfig;
    const replica = this.#world.processes.get(nodeOf(config.primary))?.core.replicas.get(p);
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

  /** What it has not come to yet. */
  unsettled(): string[] {
    const { map } = this.#world.metastore;
    const members = this.#restless();
    if (members.length > 0) return members;
    return map.partitions.flatMap((config, p) => {
      if (this.lost(p)) return [];
      const lead = this.#world.processes.get(nodeOf(config.primary))?.core.replicas.get(p)?.lead;
      if (lead?.epoch !== config.epoch || !lead.serving || !lead.holdsLeases())
        return [`p${p} has no serving primary (${describeConfig(config)})`];
      if (config.inSync.length < this.#world.scenario.replicas)
        return [`p${p} is not fully in sync (${describeConfig(config)})`];
      const lack = unplaced(map, p);
      if (lack !== null)
        return [`p${p}: ${lack} (${describeConfig(config)}, wanted ${config.target.join(' ')})`];
      const open = this.#openTransactions(p);
      if (open.length > 0) return open;
      const named = [...config.target, ...config.inSync.map(nodeOf)];
      const extra = this.#world.nodes.filter(
        (node) => !named.includes(node) && this.#world.processes.get(node)?.core.replicas.has(p) === true,
      );
      return extra.map((node) => `${node} still holds p${p}`);
    });
  }
}
