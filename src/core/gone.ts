import {
  type ClusterMap,
  type NodeId,
  nodeOf,
  type Process,
  type ReplicaId,
  replicaId,
} from './map/types.js';
import type { Rules } from './rules.js';

/**
 * Which processes are proven to have ended (PROTOCOL.md R12a): by a refused connect, or by a later start of the same store in the map.
 * Silence proves nothing.
 */
export class GoneProcesses {
  /** Proven gone by a refused connect; all earlier starts of the store are gone too. */
  readonly #refused = new Map<NodeId, Process>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** A connect to that process was refused. False: nothing new. */
  refused(process: Process): boolean {
    const known = this.#refused.get(process.node);
    if (known !== undefined && known.store === process.store && known.incarnation >= process.incarnation)
      return false;
    this.#refused.set(process.node, process);
    return true;
  }

  isGone(map: ClusterMap, process: Process): boolean {
    const member = map.members[process.node];
    if (member === undefined) return false;
    // That the node has another store by now proves nothing of the process that had this one.
    if (member.store !== process.store && this.#rules.otherStoreProvesNothing) return false;
    if (process.incarnation < member.incarnation) return true;
    const refused = this.#refused.get(process.node);
    return (
      refused !== undefined && refused.store === process.store && process.incarnation <= refused.incarnation
    );
  }

  /** Is no process of that node running? */
  isNodeGone(map: ClusterMap, node: NodeId): boolean {
    const member = map.members[node];
    if (member === undefined) return true;
    return (
      member.incarnation > 0 &&
      this.isGone(map, { node, store: member.store, incarnation: member.incarnation })
    );
  }

  /** Is no process of that replica running? */
  isReplicaGone(map: ClusterMap, replica: ReplicaId): boolean {
    const node = nodeOf(replica);
    const member = map.members[node];
    if (member === undefined || member.incarnation === 0) return false;
    if (this.#rules.wipedDiskIsAnotherReplica && replica !== replicaId(node, member.store)) return true;
    return this.isGone(map, { node, store: member.store, incarnation: member.incarnation });
  }
}
