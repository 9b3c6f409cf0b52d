import type { Timings } from '../limits.js';
import type { ClusterMap, NodeId } from './map/types.js';
import type { PeerMessage } from './messages.js';
import type { Replica } from './replication/replica.js';
import type { Rules } from './rules.js';

/** What the parts of a node may see of it and ask of it. */
export interface NodeView {
  readonly node: NodeId;
  readonly store: string;
  readonly incarnation: number;
  /** This node's clock, in ms, as of the event being handled. */
  readonly now: number;
  readonly rules: Rules;
  readonly timings: Timings;
  /** The map in hand; throws before the first. */
  readonly map: ClusterMap;
  /** Its revision; 0 before the first. */
  readonly revision: number;
  /** How many reads of the map this node has begun. */
  readonly reads: number;
  /** Does the map know this very process? */
  readonly registered: boolean;
  /** Changes no map, for the moment. */
  readonly quiesced: boolean;
  readonly replicas: ReadonlyMap<number, Replica>;
  /** The other members that have been started. */
  others(): NodeId[];
  /** A number in [0, 1). */
  random(): number;
  send(to: NodeId, message: PeerMessage): void;
  /** The map in hand may be old. */
  wantMap(): void;
  /** The map ought perhaps to change. */
  reconsider(): void;
}
