/** What the log of a partition says, and what its state machine answers. Plain JSON: it travels and is stored as it is. */

/** A session's identity: the (gen, seq) of the entry that opened it. Never reused. */
export type SessionId = `${number}.${number}`;

/** A transaction: `anchor partition:session:n`. */
export type TxId = string;

/** One item of a minitransaction (Sinfonia, SOSP'07). Reads and checks see what was there before the writes. */
export type TxItem =
  /** Holds only if the key has this value; null: there is nothing. */
  | { readonly type: 'check'; readonly key: string; readonly equals: string | number | null }
  /** Holds only if the key is still at this version; 0: there is nothing. */
  | { readonly type: 'version'; readonly key: string; readonly version: number }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'incr'; readonly key: string; readonly by: number };

/** What a transaction read. */
export type TxRead = readonly [key: string, value: string | number | null, version: number];

/** Why a transaction was aborted. */
export type TxReason =
  | 'check'
  /** A version has moved on since it was read. */
  | 'stale'
  | 'conflict'
  | 'wrong-type'
  | 'overflow'
  /** It reads more than an entry may hold. */
  | 'too-large'
  | 'unavailable'
  | 'timeout'
  | 'asked'
  | 'lost';

/** What a transaction came to: the JSON value of its operation's result. */
export type TxOutcome =
  | { readonly outcome: 'committed'; readonly reads: readonly TxRead[] }
  | { readonly outcome: 'aborted'; readonly reason: TxReason; readonly message: string };

/** An operation a client asks for. `key` decides the partition. */
export type Operation =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string;
      readonly ifVersion?: number;
      /** Refused when a greater token of that name was seen with this key. */
      readonly fence?: { readonly name: string; readonly token: number };
    }
  | { readonly type: 'delete'; readonly key: string; readonly ifVersion?: number }
  | { readonly type: 'incr'; readonly key: string; readonly by: number }
  | { readonly type: 'reset'; readonly key: string; readonly value: number }
  /** Settles an operation whose outcome is unknown: gives its result, or makes sure that it never happens. */
  | { readonly type: 'resolve'; readonly key: string }
  /** A minitransaction; `key` is that of its anchor. As an operation of one partition it is one entry. */
  | { readonly type: 'tx'; readonly key: string; readonly items: readonly TxItem[] }
  /** Takes the lock named `key`, or, with `wait`, a place in its queue. `ttl` in ms. */
  | {
      readonly type: 'acquire';
      readonly key: string;
      readonly ttl: number;
      readonly wait: boolean;
      readonly permits: number;
    }
  | { readonly type: 'renew'; readonly key: string; readonly token: number }
  | { readonly type: 'release'; readonly key: string; readonly token: number }
  /** Gives up a place in the queue, or the lock if it was granted meanwhile. */
  | { readonly type: 'leave'; readonly key: string; readonly ticket: string };

/** A participant, and the entry of its log by which it prepared. */
export type PartEntry = readonly [p: number, seq: number];

/** The end of a transaction at a participant. Concerns the prepare of that entry alone; 0: whichever there is. */
export type TxEnd = readonly [tx: TxId, commit: boolean, seq: number];

/** One command of the log. */
export type Command =
  | { readonly type: 'barrier' }
  /** `gen` is logged, so that every replica makes the same session id of it, whatever it has stored. */
  | { readonly type: 'open'; readonly gen: number }
  | { readonly type: 'close'; readonly session: SessionId }
  | { readonly type: 'expire'; readonly session: SessionId }
  /** At a participant other than the anchor. */
  | {
      readonly type: 'prepare';
      readonly tx: TxId;
      readonly anchor: number;
      /** When it was first attempted, on its client's clock in ms: the older waits, the younger gives way. */
      readonly at: number;
      readonly items: readonly TxItem[];
    }
  /** At the anchor: it prepares its own part, and remembers who else is asked to. If it cannot, the transaction is aborted by this very entry. */
  | {
      readonly type: 'stage';
      readonly tx: TxId;
      readonly session: SessionId;
      readonly n: number;
      readonly first: number;
      readonly at: number;
      readonly own: readonly TxItem[];
      readonly others: readonly number[];
    }
  /** At the anchor, when all others have prepared: all of it is committed. */
  | {
      readonly type: 'decide';
      readonly tx: TxId;
      /** What the others read. */
      readonly reads: readonly TxRead[];
      /** Of each other participant, the entry by which it prepared. */
      readonly prepared: readonly PartEntry[];
    }
  /** At the anchor: it does not happen, now or ever. */
  | {
      readonly type: 'abort';
      readonly tx: TxId;
      readonly session: SessionId;
      readonly n: number;
      readonly first: number;
      readonly reason: TxReason;
      readonly message: string;
    }
  /** At a participant: what became of these. */
  | { readonly type: 'finish'; readonly ends: readonly TxEnd[] }
  /** At the anchor: everybody has finished. */
  | { readonly type: 'forget'; readonly txs: readonly TxId[] }
  /** The time of a holder that was last granted or renewed by the entry `renewed`, or of a place in the queue (0), is over. */
  | { readonly type: 'lapse'; readonly lock: string; readonly ticket: string; readonly renewed: number }
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
  | 'busy'
  | 'lock-held'
  | 'lock-lost'
  | 'fenced';

export interface Holder {
  readonly ticket: string;
  readonly token: number;
  /** In ms. */
  readonly ttl: number;
  /** The entry that granted or last renewed it. */
  readonly renewed: number;
}

/** What a coordinator sees of a transaction. */
export const traceSteps = ['came', 'prepare', 'vote', 'answered', 'decided', 'finish', 'finished'] as const;

/** A step of a transaction as its coordinator saw it. */
export interface TraceEvent {
  /** Since the transaction came, in ms on the coordinator's clock. */
  readonly at: number;
  readonly what: (typeof traceSteps)[number];
  /** The partition that it concerns: the participant's, or the anchor's own. */
  readonly p: number;
  /** The log entry there; null: none, or not known. */
  readonly seq: number | null;
  /** A vote, or the decision; null: neither. */
  readonly yes: boolean | null;
}

/** What a partition keeps besides cells and sessions, each under a name of its own. */
export type Row =
  | {
      readonly kind: 'lock';
      readonly permits: number;
      readonly holders: readonly Holder[];
      readonly queue: readonly { readonly ticket: string; readonly ttl: number }[];
    }
  | { readonly kind: 'fence'; readonly token: number }
  /** At the anchor: its own part, prepared and not yet decided. `others` are asked to prepare theirs. */
  | {
      readonly kind: 'staged';
      readonly tx: TxId;
      readonly at: number;
      /** The entry that staged it. */
      readonly seq: number;
      readonly items: readonly TxItem[];
      readonly reads: readonly TxRead[];
      readonly others: readonly number[];
    }
  /** At the anchor: a transaction that is committed, until everybody has finished. `keys`: its own. */
  | {
      readonly kind: 'record';
      readonly tx: TxId;
      readonly keys: readonly string[];
      readonly prepared: readonly PartEntry[];
    }
  | {
      readonly kind: 'prepared';
      readonly tx: TxId;
      readonly anchor: number;
      readonly at: number;
      /** The entry that prepared it. */
      readonly seq: number;
      readonly items: readonly TxItem[];
      readonly reads: readonly TxRead[];
    };

/** A transaction that is not decided, as its coordinator tells who looks. */
export interface PendingRow {
  readonly kind: 'pending';
  readonly tx: TxId;
  readonly keys: readonly string[];
  readonly others: readonly number[];
}

export interface Entry {
  readonly epoch: number;
  readonly seq: number;
  readonly command: Command;
  /** The command's JSON, when it is kept. */
  readonly json?: string;
  /** The running checksum of the log up to and with this entry (chain.ts), once it is in one. */
  readonly chain?: number;
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
    }
  | { readonly type: 'lock'; readonly key: string }
  /** Answered when the ticket holds the lock or has no place any more, or after a second. */
  | { readonly type: 'await'; readonly key: string; readonly ticket: string }
  /** A page of the rows of one kind, locks or transactions, whose names come after `after`; null: the first. */
  | { readonly type: 'rows'; readonly kind: 'lock' | 'tx'; readonly after: string | null }
  /** What the anchor's primary remembers of a transaction, while it does. */
  | { readonly type: 'trace'; readonly tx: TxId };

export type QueryResult =
  | { readonly type: 'get'; readonly cell: Cell | null }
  | {
      readonly type: 'scan';
      readonly rows: readonly (readonly [key: string, cell: Cell])[];
      readonly more: boolean;
    }
  /** In the order of their names (UTF-16 code units). What transactions read, check and write is left out. */
  | {
      readonly type: 'rows';
      readonly rows: readonly (readonly [name: string, row: Row | PendingRow])[];
      readonly more: boolean;
    }
  | { readonly type: 'trace'; readonly events: readonly TraceEvent[] };

/** A session's stored state: results by operation number, those before `first` forgotten. */
export interface SessionState {
  readonly first: number;
  readonly results: readonly (readonly [n: number, result: OpResult])[];
}

/** What two replicas compare instead of their states. `gen`, `seq` and `epoch` are not in it. */
export interface StateDigest {
  /** 16 hexadecimal digits (digest.ts). */
  readonly hash: string;
  readonly cells: number;
  readonly sessions: number;
  /** Of all sessions together. */
  readonly results: number;
  readonly rows: number;
  /** The running checksum of the log that led here (chain.ts). It cannot be told from the state. */
  readonly chain: number;
}

/** The whole state of a partition at (seq, epoch). */
export interface Snapshot {
  readonly gen: number;
  readonly seq: number;
  readonly epoch: number;
  readonly cells: readonly (readonly [key: string, cell: Cell])[];
  readonly sessions: readonly (readonly [id: SessionId, session: SessionState])[];
  readonly rows: readonly (readonly [id: string, row: Row])[];
  /** Of the three above. */
  readonly digest: StateDigest;
}

/** What changed since the last checkpoint; `full` replaces everything the checkpoint held of the partition. */
export interface CheckpointDelta {
  readonly partition: number;
  readonly promised: number;
  readonly gen: number;
  readonly seq: number;
  readonly epoch: number;
  readonly full: boolean;
  /** A null cell, session, result or row was removed. */
  readonly cells: readonly (readonly [key: string, cell: Cell | null])[];
  readonly sessions: readonly (readonly [id: SessionId, first: number | null])[];
  readonly results: readonly (readonly [id: SessionId, n: number, result: OpResult | null])[];
  readonly rows: readonly (readonly [id: string, row: Row | null])[];
  /** Of the whole state that the checkpoint holds of the partition afterwards. */
  readonly digest: StateDigest;
}
