import type { Command, Operation, OpResult, Query, QueryResult, SessionId } from './machine/types.js';
import type { ReplicaId } from './map/types.js';

/** An entry on the wire; its seq follows from the message's `prevSeq`. */
export type WireEntry = readonly [epoch: number, command: Command];

/** What nodes tell one another (PROTOCOL.md section 1). All are notifications: loss, repetition and reorder are expected. */
export type PeerMessage =
  | {
      readonly type: 'append';
      readonly p: number;
      readonly gen: number;
      readonly epoch: number;
      readonly stream: number;
      readonly to: ReplicaId;
      readonly prevSeq: number;
      readonly prevEpoch: number;
      readonly entries: readonly WireEntry[];
      readonly commit: number;
    }
  | {
      readonly type: 'ack';
      readonly p: number;
      readonly epoch: number;
      readonly stream: number;
      readonly from: ReplicaId;
      readonly match: number;
    }
  /** The append did not fit: `hintSeq` is where the log might still agree. */
  | {
      readonly type: 'reject';
      readonly p: number;
      readonly epoch: number;
      readonly stream: number;
      readonly from: ReplicaId;
      readonly hintSeq: number;
      readonly hintEpoch: number;
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
      readonly count: number;
      /** A piece of the JSON of the `Snapshot`. */
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
    }
  | {
      readonly type: 'beacon-ack';
      readonly incarnation: number;
      readonly sentAt: number;
      readonly revision: number;
      /** The partitions of the beacon that are not granted. */
      readonly denied: readonly number[];
    };

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

export type ClientResponse =
  | { readonly ok: true; readonly type: 'open'; readonly session: SessionId }
  | { readonly ok: true; readonly type: 'close' }
  | { readonly ok: true; readonly type: 'write'; readonly result: OpResult }
  | { readonly ok: true; readonly type: 'read'; readonly result: QueryResult }
  | Refusal;
