/** What the log of a partition says, and what its state machine answers. Plain JSON: it travels and is stored as it is. */

/** A session's identity: the (gen, seq) of the entry that opened it. Never reused. */
export type SessionId = `${number}.${number}`;

/** An operation a client asks for. `key` decides the partition. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly ifVersion?: number }
  | { readonly type: 'delete'; readonly key: string; readonly ifVersion?: number }
  | { readonly type: 'incr'; readonly key: string; readonly by: number }
  | { readonly type: 'reset'; readonly key: string; readonly value: number }
  /** Settles an operation whose outcome is unknown: gives its result, or makes sure that it never happens. */
  | { readonly type: 'resolve'; readonly key: string };

/** One command of the log. */
export type Command =
  | { readonly type: 'barrier' }
  /** `gen` is logged, so that every replica makes the same session id of it, whatever it has stored. */
  | { readonly type: 'open'; readonly gen: number }
  | { readonly type: 'close'; readonly session: SessionId }
  | { readonly type: 'expire'; readonly session: SessionId }
  | {
      readonly type: 'op';
      readonly session: SessionId;
      readonly n: number;
      /** Results of operations before this number are no longer needed. */
      readonly first: number;
      readonly op: Operation;
    };

/** The outcome of an applied operation. A definite failure is a result too, and is remembered like one. */
export type OpResult =
  | { readonly ok: true; readonly value: number | string | boolean | null; readonly version?: number }
  | { readonly ok: false; readonly code: OpFailure; readonly message: string };

/** Failures that applying may give; all of them certain not to have taken effect. */
export type OpFailure =
  | 'overflow'
  | 'wrong-type'
  | 'conflict'
  | 'session-expired'
  | 'outcome-unknown'
  | 'not-applied'
  | 'busy';

export interface Entry {
  readonly epoch: number;
  readonly seq: number;
  readonly command: Command;
}

/** What a key holds. */
export type CellKind = 'text' | 'counter';
export interface Cell {
  readonly kind: CellKind;
  readonly value: string | number;
  /** The seq of the entry that wrote it. */
  readonly version: number;
}

export type Query =
  | { readonly type: 'get'; readonly key: string }
  | {
      readonly type: 'scan';
      readonly kind: CellKind;
      readonly after: string | null;
      readonly prefix: string;
      readonly limit: number;
    };

export type QueryResult =
  | { readonly type: 'get'; readonly cell: Cell | null }
  | {
      readonly type: 'scan';
      readonly rows: readonly (readonly [key: string, cell: Cell])[];
      readonly more: boolean;
    };

/** A session's stored state: results by operation number, those before `first` forgotten. */
export interface SessionState {
  readonly first: number;
  readonly results: readonly (readonly [n: number, result: OpResult])[];
}

/** The whole state of a partition at (seq, epoch). */
export interface Snapshot {
  readonly gen: number;
  readonly seq: number;
  readonly epoch: number;
  readonly cells: readonly (readonly [key: string, cell: Cell])[];
  readonly sessions: readonly (readonly [id: SessionId, session: SessionState])[];
}

/** What changed since the last checkpoint; `full` replaces everything the checkpoint held of the partition. */
export interface CheckpointDelta {
  readonly partition: number;
  readonly promised: number;
  readonly gen: number;
  readonly seq: number;
  readonly epoch: number;
  readonly full: boolean;
  /** A null cell or session was removed. */
  readonly cells: readonly (readonly [key: string, cell: Cell | null])[];
  readonly sessions: readonly (readonly [id: SessionId, session: SessionState | null])[];
}
