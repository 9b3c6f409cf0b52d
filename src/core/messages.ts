import type {
  Command,
  Operation,
  OpResult,
  Query,
  QueryResult,
  SessionId,
  TxId,
  TxItem,
  TxRead,
  TxReason,
} from './machine/types.js';
import type { NodeId, ReplicaId } from './map/types.js';

/** An entry in a message; its seq follows from the `prevSeq` of the append. */
export interface SentEntry {
  readonly epoch: number;
  readonly command: Command;
  /** The command's JSON, when the sender has it. */
  readonly json?: string;
}

/** What the primary of one partition sends to a replica of it. */
export interface Append {
  readonly p: number;
  readonly gen: number;
  readonly epoch: number;
  readonly stream: number;
  readonly prevSeq: number;
  readonly prevEpoch: number;
  /** The running checksum of the log up to `prevSeq`. */
  readonly prevChain: number;
  readonly commit: number;
  /** The sender counts this replica as in sync: it has acknowledged everything up to `commit` (R3). */
  readonly counted: boolean;
  /** The digest of the state at `commit` (16 hexadecimal digits), when the commit is news there; else empty. */
  readonly digest: string;
  readonly entries: readonly SentEntry[];
}

/** What nodes tell one another (PROTOCOL.md section 1). All are notifications: loss, repetition and reorder are expected. */
export type PeerMessage =
  | {
      readonly type: 'append';
      readonly to: ReplicaId;
      /** Which start of that replica's store it is for: what an earlier one acknowledged says nothing of this one's disk (R2). */
      readonly incarnation: number;
      /** Of as many partitions as there is something to send of in one turn (decision 0032). */
      readonly appends: readonly Append[];
    }
  | {
      readonly type: 'ack';
      readonly from: ReplicaId;
      /** What it has of each partition, as flat fours of partition, epoch, stream, match. */
      readonly acks: readonly number[];
    }
  /** The append did not fit: `hintSeq` is where the log, which ends with `tailSeq`, might still agree. */
  | {
      readonly type: 'reject';
      readonly p: number;
      readonly epoch: number;
      readonly stream: number;
      readonly from: ReplicaId;
      readonly hintSeq: number;
      readonly hintEpoch: number;
      readonly tailSeq: number;
      readonly tailEpoch: number;
    }
  /** How far does that replica's log go? Asked by one that has started and does not know what its own lacks (R9a). */
  | { readonly type: 'tail-ask'; readonly p: number; readonly to: ReplicaId; readonly question: number }
  | {
      readonly type: 'tail';
      readonly p: number;
      readonly from: ReplicaId;
      readonly question: number;
      readonly epoch: number;
      readonly seq: number;
    }
  /** The sender's epoch is over: a newer one was promised. */
  | { readonly type: 'stale'; readonly p: number; readonly promised: number }
  | {
      readonly type: 'snapshot';
      readonly p: number;
      readonly gen: number;
      readonly epoch: number;
      readonly stream: number;
      readonly to: ReplicaId;
      readonly index: number;
      readonly last: boolean;
      /** A piece of the snapshot's lines (machine/pieces.ts). */
      readonly chunk: string;
    }
  | {
      readonly type: 'snapshot-ack';
      readonly p: number;
      readonly epoch: number;
      readonly stream: number;
      readonly from: ReplicaId;
      readonly index: number;
    }
  | {
      readonly type: 'beacon';
      readonly incarnation: number;
      /** The sender's clock when it sent this; the ack echoes it. Means nothing to the receiver. */
      readonly sentAt: number;
      readonly revision: number;
      /** The partitions the sender is primary of, and in which epoch, as flat pairs. */
      readonly claims: readonly number[];
      /** Members that the sender has not heard for so long that their replicas ought to be rebuilt. */
      readonly silent: readonly NodeId[];
      /** Members that are out, or only join, and that it has heard for long enough to give them their share. */
      readonly back: readonly NodeId[];
    }
  | {
      readonly type: 'beacon-ack';
      readonly incarnation: number;
      readonly sentAt: number;
      readonly revision: number;
      /** The partitions of the beacon that are not granted. */
      readonly denied: readonly number[];
    }
  // Two-phase commit (section 5). `p` is the partition whose primary this is for.
  | {
      readonly type: 'tx-prepare';
      readonly p: number;
      readonly tx: TxId;
      readonly anchor: number;
      /** That of the anchor's primary: the answer bears it. */
      readonly epoch: number;
      readonly at: number;
      readonly items: readonly TxItem[];
    }
  | {
      /** Asks whether it has prepared: the anchor has a new primary, which does not know what it was asked. */
      readonly type: 'tx-ask';
      readonly p: number;
      readonly tx: TxId;
      readonly anchor: number;
      readonly epoch: number;
    }
  | {
      readonly type: 'tx-vote';
      readonly p: number;
      readonly tx: TxId;
      readonly from: number;
      /** Of a refusal: the epoch of the primary that asked. A yes holds whoever asked. */
      readonly epoch: number;
      /** The entry that prepared it. */
      readonly seq: number;
      readonly yes: boolean;
      readonly reads: readonly TxRead[];
      readonly reason: TxReason;
      readonly message: string;
    }
  | {
      readonly type: 'tx-finish';
      readonly p: number;
      readonly tx: TxId;
      readonly anchor: number;
      readonly commit: boolean;
      readonly seq: number;
    }
  | { readonly type: 'tx-finished'; readonly p: number; readonly tx: TxId; readonly from: number }
  | {
      readonly type: 'tx-query';
      readonly p: number;
      readonly tx: TxId;
      readonly from: number;
      readonly seq: number;
    };

/** Where a transaction can be stopped, looked at, or have its node die. */
export const txSteps = [
  'prepares-sent',
  'voted',
  'votes-in',
  'answered',
  'deciding',
  'decided',
  'finishes-sent',
] as const;
export type TxStep = (typeof txSteps)[number];

/** What a client asks of a node. The node finds the partition from the key. */
export type ClientRequest =
  | { readonly type: 'open'; readonly p: number }
  | { readonly type: 'close'; readonly p: number; readonly session: SessionId }
  | {
      readonly type: 'write';
      readonly session: SessionId;
      readonly n: number;
      readonly first: number;
      readonly op: Operation;
    }
  /** A transaction over several partitions, for the primary of the partition of `op.key`. */
  | {
      readonly type: 'tx';
      readonly session: SessionId;
      readonly n: number;
      readonly first: number;
      readonly op: Extract<Operation, { type: 'tx' }>;
      readonly at: number;
      /** Stop there until somebody aborts it, this primary dies, or a minute has passed. */
      readonly pauseAt?: 'prepared' | 'decided';
    }
  /** Asks its anchor to abort a transaction; never overrides a decision. */
  | { readonly type: 'abort'; readonly p: number; readonly tx: TxId }
  /** Reads name the partition: a scan has no key. */
  | { readonly type: 'read'; readonly p: number; readonly query: Query };

/** Refusals: none of them executed the request (`moved` with `mayHaveRun`: it was taken in, and its fate is unknown). */
export type Refusal = {
  readonly ok: false;
  readonly code:
    | 'moved'
    | 'unavailable'
    | 'busy'
    | 'session-expired'
    | 'key-invalid'
    | 'value-too-large'
    | 'bad-message';
  readonly message: string;
  /** The node's map revision. */
  readonly revision: number;
  readonly mayHaveRun?: boolean;
};

/** How busy a node is, as it says with each reply of a service. */
export interface NodeLoad {
  /** Handlers that run, of all its clients. */
  readonly inflight: number;
  /** Requests that wait for one to end. */
  readonly queued: number;
  /** How many handlers may run at once; others wait. */
  readonly maxInflight: number;
  /** Share of the time that the event loop was busy, 0 to 1. */
  readonly loop: number;
  /** Share of one core that the process used; may pass 1. */
  readonly cpu: number;
  /** How long this request waited for its turn there, in ms. */
  readonly waitedMs: number;
}

export type ClientResponse =
  | { readonly ok: true; readonly type: 'open'; readonly session: SessionId }
  | { readonly ok: true; readonly type: 'close' }
  | { readonly ok: true; readonly type: 'write'; readonly result: OpResult }
  | { readonly ok: true; readonly type: 'abort'; readonly state: 'committed' | 'aborting' | 'unknown' }
  | { readonly ok: true; readonly type: 'read'; readonly result: QueryResult }
  | Refusal;
