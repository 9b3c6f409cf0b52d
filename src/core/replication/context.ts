import type { Timings } from '../../limits.js';
import type { TurnoverMap } from '../../util/turnover.js';
import type { PartitionMachine } from '../machine/machine.js';
import type { Command, SessionId, TxId } from '../machine/types.js';
import type { ClusterMap, NodeId, PartitionConfig, Process, ReplicaId } from '../map/types.js';
import type { Append, ClientResponse, PeerMessage, TxStep } from '../messages.js';
import type { LogRecord } from '../records.js';
import type { Rules } from '../rules.js';
import type { Tuning } from '../tuning.js';
import type { Copies } from './copies.js';
import type { LogEntry, ReplicaLog } from './log.js';
import type { LogCheck } from './log-check.js';

/** What the node needs of a replica that has asked it for something. */
export interface LocalReplica {
  readonly p: number;
  readonly check: LogCheck;
  /** The entry at which it differs from its primary's copy; null: it does not. */
  readonly divergedAt: number | null;
  /** The batch that holds its newest records has been handed to the disk. */
  batchTaken(): void;
  /** That batch is durable. */
  written(): void;
  /** Sends what it has to send as primary; nothing otherwise. */
  flush(): void;
}

/** What a primary needs of the replica that it leads. */
export interface LedReplica extends LocalReplica {
  readonly config: PartitionConfig;
  readonly log: ReplicaLog;
  readonly machine: PartitionMachine;
  /** Everything up to here is committed, and applied. */
  readonly commit: number;
  /** Everything up to here is on this disk. */
  readonly durable: number;
  /** The configuration in a publish under way or of unknown outcome; null when there is none. */
  readonly pending: PartitionConfig | null;
  /** When this process last saw an operation of each session, on its clock in ms. */
  readonly lastActive: TurnoverMap<SessionId, number>;
  isMe(replica: ReplicaId): boolean;
  /** Has everyone who was told that it is primary lost its leases, or its life? (R9, R10, R12a) */
  graceIsOver(): boolean;
  /** R9b: together with those it reaches, are there enough to take writes? */
  reachesEnough(answers?: number): boolean;
  appendEntry(command: Command, epoch: number): LogEntry;
  /** Applies what has been committed up to `seq`. */
  commitTo(seq: number): void;
  /** The log is that of a primary, which has begun its epoch, up to `seq`. */
  agreesThrough(seq: number): void;
}

/** What a replica may ask of the node that holds it. */
export interface ReplicaContext {
  /** This node's clock, monotonic, in ms, as of the event being handled. */
  readonly now: number;
  readonly node: NodeId;
  readonly store: string;
  readonly incarnation: number;
  readonly me: ReplicaId;
  readonly rules: Rules;
  readonly timings: Timings;
  readonly tuning: Tuning;
  readonly map: ClusterMap;
  readonly copies: Copies;
  /** Admits no write and changes no map, for the moment. */
  readonly quiesced: boolean;
  send(to: NodeId, message: PeerMessage): void;
  /** To a replica on that node, of about so many bytes. Goes along with what else there is to append there. */
  append(node: NodeId, to: ReplicaId, append: Append, bytes: number): void;
  /** To a primary's node: what the replica `from` has. Goes along with what else there is to acknowledge to that node. */
  ack(to: NodeId, from: ReplicaId, p: number, epoch: number, stream: number, match: number): void;
  /** Adds to the batch being collected; `replica.written` follows once it is durable. */
  write(replica: LocalReplica, record: LogRecord): void;
  /** To the primary of partition `p`, be it on this node. */
  tell(p: number, message: PeerMessage): void;
  /** A transaction is at a step at which a fault may be armed. */
  reached(step: TxStep, tx: TxId): void;
  reply(origin: number, response: ClientResponse): void;
  /** The map in hand may be old: read the metastore. */
  wantMap(): void;
  /** The replica has something to send before this step's Ready is taken. */
  touch(replica: LocalReplica): void;
  /** How many reads of the map this node has begun. */
  readonly reads: number;
  /** The map ought perhaps to change, before the next tick. */
  reconsider(): void;
  /** May one more of this node's primaries be handed over now? */
  mayYield(): boolean;
  /** The log of a replica is checked, or was found damaged. */
  trustChanged(replica: LocalReplica): void;
  /** The replica differs from its primary's where it must not. */
  diverged(replica: LocalReplica): void;
  /** A beacon should leave at once: there is a new claim. */
  beaconSoon(): void;
  nextStream(): number;
  /** Does that node hear this one, and the other way round, as of late? It has answered at least so many heartbeats (default 1). */
  isReachable(node: NodeId, answers?: number): boolean;
  /** When that node last answered a heartbeat of this one, on this clock; −∞: never. */
  answeredAt(node: NodeId): number;
  /** Has a batch been on its way to the disk for longer than it should be? */
  readonly isDiskSlow: boolean;
  /** Does the map know this very process? */
  readonly registered: boolean;
  /** Find out soon which nodes are reachable. */
  probe(): void;
  /** Is that run of the node proven to have ended? */
  isGone(process: Process): boolean;
  /** Is no process of that node running, as far as it can be proven? */
  isNodeGone(node: NodeId): boolean;
  /** Is no process of that replica running, as far as it can be proven? */
  isReplicaGone(replica: ReplicaId): boolean;
  /** A number in [0, 1). */
  random(): number;
}
