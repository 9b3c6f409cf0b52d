/**
 * The closed catalogue of errors. Each entry says whether the operation took effect, whether a retry
 * can help, the exit code of a command, and what a person can do next. Layer 0: imports nothing.
 */
export type TookEffect = 'yes' | 'no' | 'unknown';

export interface ErrorKind {
  readonly exit: number;
  readonly tookEffect: TookEffect;
  /** Retrying the same operation may succeed. */
  readonly retryable: boolean;
  /** What to do next, as an imperative; `{…}` is filled in from the error's details. */
  readonly hint: string;
}

const kind = (exit: number, tookEffect: TookEffect, retryable: boolean, hint: string): ErrorKind => ({
  exit,
  tookEffect,
  retryable,
  hint,
});

export const catalogue = {
  usage: kind(2, 'no', false, 'See `muster {command} --help`.'),
  'unknown-cluster': kind(
    2,
    'no',
    false,
    'List clusters with `muster cluster list`, or create it with `muster cluster start {cluster}`.',
  ),
  'name-taken': kind(
    2,
    'no',
    false,
    'Choose another name, or delete the cluster with `muster cluster destroy {cluster}`.',
  ),
  'already-running': kind(
    2,
    'no',
    false,
    'Inspect it with `muster cluster status {cluster}`, or stop it with `muster cluster stop {cluster}`.',
  ),
  'not-running': kind(3, 'no', false, 'Start it with `muster cluster start {cluster}`; its data is kept.'),
  'unknown-node': kind(2, 'no', false, 'List nodes with `muster node list`.'),
  'node-exists': kind(2, 'no', false, 'Choose another name; list nodes with `muster node list`.'),
  'node-state': kind(2, 'no', false, 'Check the state of each node with `muster node list`.'),
  'cluster-busy': kind(6, 'no', true, 'Try again when the other command has finished.'),
  'port-taken': kind(2, 'no', false, 'Omit the port to use any free one.'),
  'not-found': kind(
    1,
    'no',
    false,
    'List keys with `muster kv list` and counters with `muster counter list`.',
  ),
  'not-safe': kind(1, 'no', false, 'Wait until it is safe with `muster wait --for in-sync`.'),
  overflow: kind(
    1,
    'no',
    false,
    'Counters hold integers within ±(2^53−1); reset it with `muster counter reset {key}`.',
  ),
  'wrong-type': kind(
    6,
    'no',
    false,
    'Use another name: a key holds either a value (`muster kv`) or a counter (`muster counter`).',
  ),
  conflict: kind(6, 'no', true, 'Read it again, then retry with the current version.'),
  'lock-held': kind(
    6,
    'no',
    true,
    'Wait for it with `--wait`, or see its holder with `muster lock show {key}`.',
  ),
  'lock-lost': kind(
    6,
    'no',
    false,
    'It expired or was released: stop the work that it protects, then acquire it again.',
  ),
  fenced: kind(
    6,
    'no',
    false,
    'A newer holder of the lock has already written: acquire the lock again to get a new token.',
  ),
  'tx-aborted': kind(6, 'no', true, 'Nothing was written: run the transaction again.'),
  'tx-committed': kind(
    6,
    'no',
    false,
    'The decision is final: participants that have not applied it yet will do so; see `muster tx show {tx}`.',
  ),
  'unknown-tx': kind(1, 'no', false, 'List open transactions with `muster tx list`.'),
  'unknown-service': kind(2, 'no', false, 'List services and methods with `muster service list`.'),
  'service-invalid': kind(2, 'no', false, 'Fix {path}, then deploy it with `muster cluster deploy {path}`.'),
  'handler-failed': kind(
    1,
    'unknown',
    false,
    'The service raised this error: see the log of {node} for its stack trace (`muster cluster logs`).',
  ),
  'key-invalid': kind(2, 'no', false, 'Use a key of 1 to 512 bytes of UTF-8 text.'),
  'value-too-large': kind(
    2,
    'no',
    false,
    'Use a value of at most 1 MiB of UTF-8 text, or split it over several keys.',
  ),
  unreachable: kind(3, 'no', true, 'See which nodes answer with `muster cluster status`.'),
  timeout: kind(
    4,
    'no',
    true,
    'Find the cause with `muster cluster status`, or allow more time with `--timeout`.',
  ),
  unavailable: kind(
    5,
    'no',
    true,
    'Find partitions that lack replicas with `muster cluster status`, start their nodes, then retry.',
  ),
  busy: kind(5, 'no', true, 'The node is at capacity: retry with fewer concurrent requests.'),
  'session-expired': kind(5, 'no', true, 'Open a new session and send the operation again.'),
  'outcome-unknown': kind(
    7,
    'unknown',
    false,
    'It may or may not have taken effect: read the value before you repeat it.',
  ),
  moved: kind(5, 'no', true, 'Read the cluster map again: another node serves the partition.'),
  unauthorized: kind(
    3,
    'no',
    false,
    'Use the token in the file `token` of the cluster’s folder; find the folder with `muster cluster list`.',
  ),
  'wrong-cluster': kind(3, 'no', false, 'Check the address: that node belongs to another cluster.'),
  'wrong-version': kind(
    3,
    'no',
    false,
    'Run the same version of muster everywhere: that node runs another one.',
  ),
  'origin-refused': kind(
    3,
    'no',
    false,
    'Use the command line or the library: web pages cannot connect to a node.',
  ),
  'bad-message': kind(2, 'no', false, 'See docs/METHODS.md for the messages of the protocol.'),
  'metastore-unavailable': kind(
    5,
    'no',
    true,
    'Make the folder or file {path} readable and writable, then retry.',
  ),
  'metastore-rolled-back': kind(
    5,
    'no',
    false,
    'Restore the newest map from the copies of the nodes with `muster cluster start {cluster}`; nothing is served until then.',
  ),
  'storage-full': kind(
    5,
    'no',
    false,
    'Free space on the disk that holds {path}, then start the stopped nodes with `muster node start all`.',
  ),
  'storage-failed': kind(
    5,
    'unknown',
    false,
    'Check the disk that holds {path}, then `muster node restart {node}`.',
  ),
  'storage-corrupt': kind(
    5,
    'no',
    false,
    'Move {path} away, then start the node again: it copies its data from the other replicas.',
  ),
  'storage-locked': kind(5, 'no', false, 'Stop the process that uses {path}, then retry.'),
  'faults-corrupt': kind(5, 'no', false, 'Replace {path} with an empty fault plan: `muster fault heal`.'),
  'check-failed': kind(1, 'yes', false, 'See the figures above.'),
  'expectation-missed': kind(1, 'yes', false, 'Completed steps are not undone.'),
  'step-failed': kind(1, 'unknown', false, 'See the output of the command above.'),
  'safety-violation': kind(8, 'yes', false, 'Replay it with the command above, and please report it.'),
  'node-failed': kind(5, 'no', false, 'See the full log with `muster cluster logs --node {node}`.'),
  interrupted: kind(130, 'unknown', false, 'Check the result with `muster cluster status`.'),
  internal: kind(1, 'unknown', false, 'This is a bug in muster: please report it with the log.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof catalogue;

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** Marks errors of this class, because each bundled file of the program has its own copy of it. */
const mark = Symbol.for('muster.error');

/** The one error class. `tookEffect` overrides the catalogue when the thrower knows better. */
export class MusterError extends Error {
  readonly [mark] = true;
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly tookEffect: TookEffect;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; tookEffect?: TookEffect; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MusterError';
    this.code = code;
    this.details = options.details ?? {};
    this.tookEffect = options.tookEffect ?? catalogue[code].tookEffect;
  }

  get exit(): number {
    return catalogue[this.code].exit;
  }

  get retryable(): boolean {
    return catalogue[this.code].retryable;
  }

  /** What to do next; a placeholder without a detail is dropped, with the space before it. */
  get hint(): string {
    return catalogue[this.code].hint.replace(/ ?\{(\w+)\}/g, (_, name: string) => {
      const value = this.details[name];
      return value === undefined || value === null ? '' : ` ${value}`;
    });
  }

  toJSON(): {
    code: ErrorCode;
    message: string;
    tookEffect: TookEffect;
    hint: string;
    details?: ErrorDetails;
  } {
    const details = Object.keys(this.details).length > 0 ? { details: this.details } : {};
    return {
      code: this.code,
      message: this.message,
      tookEffect: this.tookEffect,
      hint: this.hint,
      ...details,
    };
  }
}

/**
 * The error for all invalid input, in one pattern: `invalid node count "x": expected a whole number from 1 to 100`.
 * `what` names the input; `expected` says what is accepted, with an example if it has a format.
 */
export function invalid(
  what: string,
  value: unknown,
  expected: string,
  options: { details?: ErrorDetails; cause?: unknown } = {},
): MusterError {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return new MusterError('usage', `invalid ${what} "${shown}": expected ${expected}`, options);
}

// An error from another bundled file of the program also counts as a MusterError.
Object.defineProperty(MusterError, Symbol.hasInstance, {
  value(this: { readonly prototype: object }, error: unknown): boolean {
    if (this.prototype !== MusterError.prototype)
      return Object.prototype.isPrototypeOf.call(this.prototype, error as object);
    return (error as { readonly [mark]?: boolean } | null | undefined)?.[mark] === true;
  },
});

/** Is this a code of the catalogue? For errors received over the wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(catalogue, code);
}

/** The error as a `MusterError`; any other error becomes `internal`. */
export const asMuster = (error: unknown): MusterError =>
  error instanceof MusterError ? error : new MusterError('internal', String(error), { cause: error });
