/**
 * The closed catalogue of errors. Each entry says whether the operation took effect, whether trying again
 * can help, which exit code a command ends with, and what a person can try next. Layer 0: imports nothing.
 */
export type TookEffect = 'yes' | 'no' | 'unknown';

export interface ErrorKind {
  readonly exit: number;
  readonly tookEffect: TookEffect;
  /** Trying the very same thing again may succeed. */
  readonly retryable: boolean;
  /** What to try next; `{…}` is filled from the error's details. */
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
    '`muster cluster list` shows the clusters there are, `muster cluster start {cluster}` makes one.',
  ),
  'name-taken': kind(2, 'no', false, 'Choose another name, or `muster cluster destroy {cluster}` first.'),
  'already-running': kind(
    2,
    'no',
    false,
    '`muster cluster status {cluster}` shows it; `muster cluster stop {cluster}` ends it.',
  ),
  'not-running': kind(3, 'no', false, '`muster cluster start {cluster}` brings it and its data back.'),
  'unknown-node': kind(2, 'no', false, '`muster node list` shows the nodes there are.'),
  'node-exists': kind(2, 'no', false, 'Choose another name; `muster node list` shows the nodes there are.'),
  'node-state': kind(2, 'no', false, '`muster node list` shows the state of each node.'),
  'cluster-busy': kind(6, 'no', true, 'Try again when that one has ended.'),
  'port-taken': kind(2, 'no', false, 'Leave the port out and the system picks a free one.'),
  'not-found': kind(1, 'no', false, '`muster kv list` and `muster counter list` show what is there.'),
  'not-safe': kind(1, 'no', false, '`muster wait --for in-sync` waits until it is safe.'),
  overflow: kind(
    1,
    'no',
    false,
    'A counter holds integers within ±(2^53−1); `muster counter reset {key}` starts again.',
  ),
  'wrong-type': kind(
    6,
    'no',
    false,
    'A key holds either a value (`muster kv`) or a counter (`muster counter`); use another name.',
  ),
  conflict: kind(6, 'no', true, 'Read again, then repeat with the version found.'),
  'lock-held': kind(
    6,
    'no',
    true,
    '`--wait` waits until it is free; `muster lock show {key}` shows who holds it.',
  ),
  'lock-lost': kind(
    6,
    'no',
    false,
    'Its time was over, or it was released: stop what it protects and acquire it again.',
  ),
  fenced: kind(
    6,
    'no',
    false,
    'A newer holder of the lock has written already; acquire the lock again for a new token.',
  ),
  'tx-aborted': kind(6, 'no', true, 'Nothing was written; `muster tx run` tries it again.'),
  'tx-committed': kind(
    6,
    'no',
    false,
    'A decision stands: all of it is done, or will be as soon as its participants hear of it; `muster tx show {tx}`.',
  ),
  'unknown-tx': kind(1, 'no', false, '`muster tx list` shows the transactions that have not ended.'),
  'unknown-service': kind(2, 'no', false, '`muster service list` shows the services and their methods.'),
  'service-invalid': kind(
    2,
    'no',
    false,
    'Mend {path}, then `muster cluster deploy {path}` gives it to the nodes.',
  ),
  'handler-failed': kind(
    1,
    'unknown',
    false,
    'The error is the service’s own; the log of {node} has its stack (`muster cluster logs`).',
  ),
  'key-invalid': kind(2, 'no', false, 'A key is 1 to 512 bytes of UTF-8 text.'),
  'value-too-large': kind(
    2,
    'no',
    false,
    'A value is at most 1 MiB of UTF-8 text; split it over several keys.',
  ),
  unreachable: kind(3, 'no', true, '`muster cluster status` shows which nodes answer.'),
  timeout: kind(
    4,
    'no',
    true,
    '`muster cluster status` shows what is missing; `--timeout` allows more time.',
  ),
  unavailable: kind(
    5,
    'no',
    true,
    '`muster cluster status` shows the partitions that lack replicas; start their nodes and try again.',
  ),
  busy: kind(5, 'no', true, 'The node has as much work as it takes on; try again with fewer at once.'),
  'session-expired': kind(5, 'no', true, 'Open a new session and send the operation again.'),
  'outcome-unknown': kind(
    7,
    'unknown',
    false,
    'It may or may not have been done: read the value before you repeat it.',
  ),
  moved: kind(5, 'no', true, 'The partition is served by another node; read the cluster map again.'),
  unauthorized: kind(
    3,
    'no',
    false,
    'The cluster’s token is the file `token` in its folder; `muster cluster list` shows the folder.',
  ),
  'wrong-cluster': kind(3, 'no', false, 'That node belongs to another cluster; check the address.'),
  'wrong-version': kind(
    3,
    'no',
    false,
    'That node runs another version of muster; run one version everywhere.',
  ),
  'origin-refused': kind(3, 'no', false, 'Web pages may not talk to a node; use the program or the library.'),
  'bad-message': kind(2, 'no', false, 'The message is not one of the protocol; docs/METHODS.md lists them.'),
  'metastore-unavailable': kind(
    5,
    'no',
    true,
    'The folder or file {path} cannot be read or written: mend that, then try again.',
  ),
  'metastore-rolled-back': kind(
    5,
    'no',
    false,
    'Nothing is served on it; `muster cluster start {cluster}` puts the newest map back from the copies that nodes keep.',
  ),
  'storage-full': kind(
    5,
    'no',
    false,
    'Free space on the disk that holds {path}, then try again; `muster node start all` starts the nodes that ended.',
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
    'Move {path} away and start the node again: it copies its data from the other replicas.',
  ),
  'storage-locked': kind(5, 'no', false, 'Another process uses {path}; stop it first.'),
  'faults-corrupt': kind(
    5,
    'no',
    false,
    '`muster fault heal` puts a plan without faults in place of {path}.',
  ),
  'check-failed': kind(1, 'yes', false, 'See the figures above.'),
  'expectation-missed': kind(1, 'yes', false, 'What was done stays done.'),
  'step-failed': kind(1, 'unknown', false, 'What the command itself said stands above.'),
  'safety-violation': kind(8, 'yes', false, 'Replay it with the line above, and please report it.'),
  'node-failed': kind(5, 'no', false, '`muster cluster logs --node {node}` shows the whole log.'),
  interrupted: kind(130, 'unknown', false, '`muster cluster status` shows what was done.'),
  internal: kind(1, 'unknown', false, 'This is a defect of muster; please report it with the log.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof catalogue;

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** Marks our errors, for the program consists of several files that each have this class. */
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

  /** The next thing to try; a placeholder without a detail is dropped with the word before it left whole. */
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
 * The error for input that cannot be understood, the one pattern for all of it: `invalid node count "x": expected a whole number from
 * 1 to 100`. `what`: what the input was to be; `expected`: what is accepted, with an example where a form is asked for.
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

// An error of another file of the program is one, too.
Object.defineProperty(MusterError, Symbol.hasInstance, {
  value(this: { readonly prototype: object }, error: unknown): boolean {
    if (this.prototype !== MusterError.prototype)
      return Object.prototype.isPrototypeOf.call(this.prototype, error as object);
    return (error as { readonly [mark]?: boolean } | null | undefined)?.[mark] === true;
  },
});

/** Is this text a code of the catalogue? For errors that come over the wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(catalogue, code);
}

/** The error as one of the catalogue; what is none of ours is `internal`. */
export const asMuster = (error: unknown): MusterError =>
  error instanceof MusterError ? error : new MusterError('internal', String(error), { cause: error });
