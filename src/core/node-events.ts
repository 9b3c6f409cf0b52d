import type { ClusterMap, NodeId, Process } from './map/types.js';
import type { ClientRequest, PeerMessage } from './messages.js';
import type { Envelope, Reached, Reply } from './outbox.js';
import type { Publish } from './publish-round.js';
import type { PublishOutcome } from './publisher.js';
import type { LogRecord, StoredPartition } from './records.js';
import type { Rules } from './rules.js';
import type { Tuning } from './tuning.js';

/** Everything that can happen to a node. Time comes with each event; so do storage results and metastore outcomes. */
export type NodeEvent =
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: Process; readonly message: PeerMessage }
  | { readonly type: 'request'; readonly origin: number; readonly request: ClientRequest }
  /** The batch last given in a Ready is durable. */
  | { readonly type: 'written' }
  /** A map from the metastore; `read` counts the reads begun by this node, null when it came otherwise. */
  | { readonly type: 'map'; readonly map: ClusterMap | null; readonly read: number | null }
  | { readonly type: 'map-unreadable' }
  | { readonly type: 'published'; readonly outcome: PublishOutcome }
  /** A refused connect proved that this process has ended (R12a). Only ever given for loopback addresses. */
  | { readonly type: 'gone'; readonly process: Process }
  /** There is a new connection to that node: what was under way on the old one may be lost. */
  | { readonly type: 'linked'; readonly node: NodeId }
  /** The machine slept: the monotonic clock stood still while time went on. */
  | { readonly type: 'suspended' }
  | { readonly type: 'quiesce'; readonly ms: number }
  /** Serve nothing from here on; the process is about to end. */
  | { readonly type: 'stop' };

/**
 * What the host is to do now. Every field may be carried out at once and in any order: whatever has to wait for the
 * disk is born by the `written` event, never before (docs/decisions/0001).
 */
export interface Ready {
  /** One batch to make durable; answered by `written`. Never given while another is under way. */
  readonly write: readonly LogRecord[] | null;
  readonly send: readonly Envelope[];
  readonly reply: readonly Reply[];
  /** The steps that transactions came to: a fault may be armed there. Strikes before anything else of this is carried out. */
  readonly reached: readonly Reached[];
  readonly publish: Publish | null;
  /** Read the map; answered by `map` with this number, or `map-unreadable`. */
  readonly readMap: number | null;
  /** The store is to remember from now on that its log is damaged, or that it is whole again; null: as it was. */
  readonly damaged: boolean | null;
  /** Partitions whose copies here differ from their primaries' at that entry: somebody must be told. */
  readonly diverged: readonly { readonly p: number; readonly seq: number }[];
}

export interface NodeOptions {
  readonly node: NodeId;
  readonly store: string;
  /** Which start of this store this is: 1 for the first. */
  readonly incarnation: number;
  readonly url: string;
  readonly stored: readonly StoredPartition[];
  /** Something that may have been acknowledged is missing from the log (R9a). */
  readonly damaged?: boolean;
  readonly seed: number;
  /** This node's clock at its start, in ms. */
  readonly now: number;
  readonly rules?: Rules;
  readonly tuning?: Tuning;
}
