import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  NodeHello,
  ServerOptions,
} from '../../src/transport/contract.js';

export const token = 'the-token-of-this-cluster';
export const self: NodeHello = { role: 'node', cluster: 'café-1', id: 'n1', store: 's1', incarnation: 3 };

/** A handler that writes down what it hears, and lets a test wait for it. */
export class Recorder implements ConnectionHandler {
  /** One list of messages a frame. */
  readonly frames: (readonly unknown[])[] = [];
  closedCount = 0;
  readonly #waiting = new Set<() => void>();

  message(messages: readonly unknown[]): void {
    this.frames.push(messages);
    this.#changed();
  }

  closed(): void {
    this.closedCount++;
    this.#changed();
  }

  get messages(): unknown[] {
    return this.frames.flat();
  }

  /** Resolves as soon as the condition holds; the test's own timeout ends it when it never does. */
  when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  received(count: number): Promise<void> {
    return this.when(() => this.messages.length >= count);
  }

  ended(): Promise<void> {
    return this.when(() => this.closedCount > 0);
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }
}

/** A server's side of its connections, in the order they were accepted. */
export class Doorman {
  readonly connections: Connection[] = [];
  readonly recorders: Recorder[] = [];
  onAccept: (connection: Connection, recorder: Recorder) => void = () => {};

  readonly accept = (connection: Connection): ConnectionHandler => {
    const recorder = new Recorder();
    this.connections.push(connection);
    this.recorders.push(recorder);
    this.onAccept(connection, recorder);
    return recorder;
  };
}

export function serverOptions(doorman: Doorman, over: Partial<ServerOptions> = {}): ServerOptions {
  return { host: '127.0.0.1', port: 0, token, self, accept: doorman.accept, ...over };
}

export function connectOptions(
  url: string,
  handler: ConnectionHandler,
  over: Partial<ConnectOptions> = {},
): ConnectOptions {
  const hello = { role: 'client', cluster: self.cluster } as const;
  return { url, token, hello, expect: null, timeoutMs: 5000, handler, ...over };
}

/** The n-th message of a test, as JSON text. */
export const text = (n: number, extra = ''): string =>
  `{"jsonrpc":"2.0","method":"m","params":{"n":${n},"extra":${JSON.stringify(extra)}}}`;

export const numbers = (messages: readonly unknown[]): number[] =>
  messages.map((message) => (message as { params: { n: number } }).params.n);
