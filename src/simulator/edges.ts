import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { NodeEvent, Ready } from '../core/node.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { Disk } from './disk.js';
import type { NodeProcess } from './process.js';
import type { SimUser } from './sim-user.js';

/**
 * How processes run and talk. `DirectEdges` drives the core itself and hands its messages over as they are, which is fast;
 * `HostEdges` runs what production has around the core as well.
 */
export interface Edges {
  /** An empty disk; `store` names what will be on it, unless the edges give identities of their own. */
  newDisk(store: string): Disk;
  /** Starts the node on this disk. */
  start(node: NodeId, disk: Disk, random: Random): void;
  /** Is a process on its way that is not up yet? */
  isStarting(node: NodeId): boolean;
  /** Ends a process of the node that is not up yet. */
  stopStarting(node: NodeId): void;
  /** A process of the node has been killed. */
  killed(node: NodeId): void;
  /** The connections between two nodes break. */
  reset(a: NodeId, b: NodeId): void;
  published(map: ClusterMap): void;
  /** A turn of a process of `DirectEdges`, to be carried out. */
  carry(process: NodeProcess, ready: Ready): void;
  /** A turn of a process of `HostEdges`, which it carries out by itself. */
  turned(process: NodeProcess, events: readonly NodeEvent[], ready: Ready): void;
  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void;
}

export const partitionOfRequest = (request: ClientRequest, partitions: number): number =>
  'op' in request ? partitionOf(hashKey(request.op.key), partitions) : request.p;
