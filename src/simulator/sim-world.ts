import type { Observation } from '../check/history.js';
import type { MembersChange } from '../core/map/placing.js';
import type { NodeId } from '../core/map/types.js';
import type { Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import type { Rules } from '../core/rules.js';
import type { Disk } from './disk.js';
import type { Edges } from './edges.js';
import type { Invariants } from './invariants.js';
import type { SimMetastore } from './metastore.js';
import type { Moment } from './moments.js';
import type { SimNetwork } from './network.js';
import type { NodeProcess } from './process.js';
import type { EventQueue } from './queue.js';
import type { RareState } from './rare-states.js';
import type { Scenario } from './scenario.js';
import type { SimUser, UserWorld } from './sim-user.js';

/** What can be done to the disks of nodes (disk-faults.ts). */
export interface DiskMisfortunes {
  /** Disks as they were before they lost something. */
  readonly destroyed: readonly Disk[];
  powerFailureOf(node: NodeId): void;
  powerFailure(): void;
  rot(node: NodeId): void;
  replace(node: NodeId, copy: Disk | null): void;
  damage(node: NodeId): void;
  rewind(node: NodeId, copy: Disk): void;
  usurp(node: NodeId, copy: Disk | null): void;
}

/** What an operator does while faults happen (operator.ts). */
export interface OperatorActions {
  join(): void;
  drain(): void;
  weigh(): void;
  place(change: MembersChange): void;
}

/** A simulated cluster as its parts see it (world.ts): edges, nemesis, operator, users and what looks at disks at rest. */
export interface SimWorld extends UserWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly metastore: SimMetastore;
  readonly invariants: Invariants;
  readonly nodes: NodeId[];
  /** Those who ask, whose answers come back by `SimUser.step`. */
  readonly users: readonly SimUser[];
  readonly disks: Map<NodeId, Disk>;
  readonly processes: Map<NodeId, NodeProcess>;
  /** Processes whose node runs again on another disk. */
  readonly usurped: NodeProcess[];
  readonly edges: Edges;
  readonly diskFaults: DiskMisfortunes;
  readonly operator: OperatorActions;
  readonly healed: boolean;
  readonly tears: boolean;
  newDisk(): Disk;
  nextStore(): string;
  start(node: NodeId): void;
  kill(node: NodeId): void;
  pause(node: NodeId, ms: number, slept: boolean): void;
  oldOf(node: NodeId): NodeProcess[];
  readerName(process: NodeProcess): string;
  left(process: NodeProcess): void;
  inspect(process: NodeProcess, ready: Ready): void;
  carry(process: NodeProcess, ready: Ready): void;
  met(state: RareState): void;
  observed(observation: Observation): void;
  reached(process: NodeProcess, moment: Moment): void;
  failed(process: NodeProcess, error: unknown): void;
  broken(error: unknown): void;
  hung(process: NodeProcess): void;
  reset(a: NodeId, b: NodeId): void;
  note(line: () => string): void;
  mix(value: number): void;
}
