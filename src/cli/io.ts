import type { MusterClient } from '../client/api.js';
import type { MusterError } from '../errors.js';

/** Where a command writes to: a stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};
/** Where a command reads from. */
export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A client that is lent to a command: `done` gives it back. */
export interface LentClient {
  readonly client: MusterClient;
  done(): Promise<void>;
}

export interface LendOptions {
  /** How long a call may take unless it says otherwise, in ms. */
  readonly timeoutMs: number;
  readonly evenIfStopped: boolean;
}

/** The environment of a command: its own process, or a session that runs many commands in one process. */
export interface CommandIo {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Is this the only command of the process? Then it handles broken streams and signals itself. */
  readonly alone: boolean;
  /** Defaults for flags that are not given; they take precedence over the environment. */
  readonly defaults: { readonly cluster?: string };
  /** The exit code so far. */
  exit(code: number): void;
  /** Receives the error that the command ended with; it has already been printed. */
  failed(error: MusterError): void;
  /** Ends the command immediately, even if work is in progress. */
  abandon(code: number): void;
  /** Calls `handler` at each of these signals, until the returned function is called. */
  onSignal(handler: (name: SignalName) => void): () => void;
  /** A client of the cluster of that name. Rejects with `unknown-cluster` or, unless it may be stopped, `not-running`. */
  lend(cluster: string, options: LendOptions): Promise<LentClient>;
}

const signals: readonly SignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A command that is the only one of its process. */
export const processIo: CommandIo = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  alone: true,
  defaults: {},
  exit(code) {
    process.exitCode = code;
  },
  failed() {},
  abandon(code) {
    process.exit(code);
  },
  onSignal(handler) {
    for (const name of signals) process.on(name, handler);
    return () => {
      for (const name of signals) process.off(name, handler);
    };
  },
  async lend(cluster, { timeoutMs, evenIfStopped }) {
    const [{ findCluster, findRunning }, { openClient }] = await Promise.all([
      import('../cluster/folder/registry.js'),
      import('../client/open.js'),
    ]);
    const { dir } = evenIfStopped ? findCluster(cluster) : findRunning(cluster);
    const client = await openClient({ clusterDir: dir, timeoutMs });
    return { client, done: () => client.close() };
  },
};
