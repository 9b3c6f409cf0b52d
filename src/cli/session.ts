import { Readable, Writable } from 'node:stream';
import type { MusterClient } from '../client/api.js';
import type { MusterError } from '../errors.js';
import { type Program, runCommand } from './dispatch.js';
import type { CommandIo, Input, LendOptions, LentClient, Output, SignalName } from './io.js';
import type { Outcome } from './script/checks.js';
import { rememberSettings } from './settings.js';

interface OpenClient {
  readonly client: Promise<MusterClient>;
  /** The identity of the cluster that it is of. */
  readonly cluster: string;
  /** Until when the cluster is assumed to be running, on `performance.now()`. */
  freshUntil: number;
}

/** How long a cluster is assumed to keep running, in ms. */
const freshMs = 500;
/** Topics whose commands start and stop nothing. */
const harmless = new Set(['counter', 'kv', 'lock', 'tx', 'route', 'ring', 'bench', 'wait', 'service']);

/** What one command of a session reads and writes. */
export interface Streams {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** How much output of a command is stored, in characters; the rest is only shown. */
const keptChars = 1024 * 1024;

/** A stream that passes output on and stores it. */
export interface Copied {
  readonly stream: Output;
  text(): string;
  /** Discards all further output. */
  mute(): void;
}

/** Streams that are not a terminal and discard output, which the outcome still has. */
export const silentStreams = (): Streams => ({
  stdin: Object.assign(Readable.from([]), { isTTY: false }),
  stdout: nowhere(),
  stderr: nowhere(),
});
const nowhere = (): Output => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Stores what is written to `to`; the copy is a terminal if `to` is one. */
export function copied(to: Output): Copied {
  let text = '';
  let muted = false;
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (muted) return true;
    if (text.length < keptChars)
      text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    return (to.write as (...args: unknown[]) => boolean).call(to, chunk, ...rest);
  };
  const stream = new Proxy(to, {
    get(target, key) {
      if (key === 'write') return write;
      const found = Reflect.get(target, key, target) as unknown;
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
  return {
    stream,
    text: () => text,
    mute: () => {
      muted = true;
    },
  };
}

/**
 * Runs many commands in one process, one after the other or concurrently, over the same connections. Ctrl-C reaches a
 * command through its signal, and a command cannot end the process.
 */
export class Session {
  /** The cluster that commands use by default. */
  cluster: string | null = null;
  readonly #clients = new Map<string, OpenClient>();

  /** Signal handlers of the running commands. */
  readonly #handlers = new Set<(name: SignalName) => void>();

  readonly #program: Program;

  constructor(program: Program) {
    // One copy of the program's modules for all commands.
    this.#program = { ...program, commands: program.sessionCommands ?? program.commands };
    rememberSettings();
  }

  /** For looking up values in the current cluster. */
  get lookingUp(): Pick<CommandIo, 'lend' | 'defaults'> {
    return {
      lend: (name, options) => this.#lend(name, options),
      defaults: this.cluster === null ? {} : { cluster: this.cluster },
    };
  }

  /** Sends Ctrl-C to every running command: the first time it may stop gracefully, the second time it is abandoned. */
  interrupt(): void {
    for (const handler of [...this.#handlers]) handler('SIGINT');
  }

  /** Runs a command; never rejects. Aborting acts as Ctrl-C. */
  async run(argv: readonly string[], streams: Streams, signal?: AbortSignal): Promise<Outcome> {
    const begin = performance.now();
    const [out, err] = [copied(streams.stdout), copied(streams.stderr)];
    let code = 0;
    let error: MusterError | null = null;
    let forget = (): void => {};
    let leave: (value: undefined) => void = () => {};
    const left = new Promise<undefined>((resolve) => {
      leave = resolve;
    });
    const io: CommandIo = {
      stdin: streams.stdin,
      stdout: out.stream,
      // Spinners and prompts draw on the terminal itself.
      stderr: streams.stderr.isTTY ? streams.stderr : err.stream,
      alone: false,
      ...this.lookingUp,
      exit: (next) => {
        code = next;
      },
      failed: (next) => {
        error = next;
      },
      abandon: (next) => {
        code = next;
        out.mute();
        err.mute();
        forget();
        leave(undefined);
      },
      onSignal: (handler) => {
        this.#handlers.add(handler);
        const onAbort = () => handler('SIGINT');
        signal?.addEventListener('abort', onAbort);
        if (signal?.aborted) queueMicrotask(onAbort);
        forget = () => {
          signal?.removeEventListener('abort', onAbort);
          this.#handlers.delete(handler);
        };
        return forget;
      },
    };
    const value = await Promise.race([runCommand(argv, this.#program, io), left]);
    if (!harmless.has(argv[0] ?? '')) for (const one of this.#clients.values()) one.freshUntil = 0;
    return { code, error, value, out: out.text(), err: err.text(), ms: performance.now() - begin };
  }

  /**
   * Clients stay open between commands: one for each cluster and timeout. Whether the cluster still runs is checked again after
   * a command that could have changed that, and from time to time.
   */
  async #lend(name: string, { timeoutMs, evenIfStopped }: LendOptions): Promise<LentClient> {
    const key = `${name}\0${timeoutMs}\0${evenIfStopped}`;
    let found = this.#clients.get(key);
    if (found !== undefined && performance.now() < found.freshUntil)
      return { client: await found.client, done: async () => {} };
    const [{ findCluster, findRunning }, { openClient }] = await Promise.all([
      import('../cluster/folder/registry.js'),
      import('../client/open.js'),
    ]);
    const { dir, file } = evenIfStopped ? findCluster(name) : findRunning(name);
    if (found !== undefined && found.cluster !== file.cluster) {
      // Destroyed and created again under the same name.
      void found.client.then((client) => client.close()).catch(() => {});
      found = undefined;
    }
    if (found === undefined) {
      found = { client: openClient({ clusterDir: dir, timeoutMs }), cluster: file.cluster, freshUntil: 0 };
      this.#clients.set(key, found);
      // If opening failed, the next command tries again.
      found.client.catch(() => this.#clients.delete(key));
    }
    found.freshUntil = performance.now() + freshMs;
    return { client: await found.client, done: async () => {} };
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map(({ client }) => client.then((one) => one.close()).catch(() => {})));
  }
}
