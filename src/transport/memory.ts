import { MusterError } from '../errors.js';
import { createAdmission } from './admission.js';
import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Hello,
  Server,
  ServerOptions,
  Transport,
} from './contract.js';
import { type FrameSink, Outbox, receiveFrame } from './frames.js';
import { introduction } from './handshake.js';
import { defaultTuning, type Tuning } from './tuning.js';

/**
 * A transport within one process, for tests: the same handshake, the same sharing of frames, everything copied
 * as JSON text and delivered asynchronously, in order, without loss. Each call makes a network of its own.
 */
export function createMemoryTransport(tuning: Partial<Tuning> = {}): Transport {
  const all = { ...defaultTuning, ...tuning };
  const servers = new Map<string, MemoryServer>();
  let nextPort = 1024;

  return {
    listen: async (options) => {
      let url = `ws://${options.host}:${options.port}`;
      if (options.port === 0) {
        do url = `ws://${options.host}:${nextPort++}`;
        while (servers.has(url));
      }
      if (servers.has(url)) {
        const { host, port } = options;
        throw new MusterError('port-taken', `port ${port} of ${host} is in use`, { details: { host, port } });
      }
      const server = new MemoryServer(url, options, all, () => servers.delete(url));
      servers.set(url, server);
      return server;
    },
    connect: async (options) => {
      await turn();
      const server = servers.get(options.url);
      if (server === undefined) {
        const details = { url: options.url, refused: true };
        throw new MusterError('unreachable', `cannot connect to ${options.url}: connection refused`, {
          details,
        });
      }
      return server.take(options);
    },
  };
}

class MemoryServer implements Server {
  readonly url: string;
  readonly #options: ServerOptions;
  readonly #tuning: Tuning;
  readonly #unlist: () => void;
  readonly #admit: ReturnType<typeof createAdmission>;
  readonly #open = new Set<MemoryConnection>();

  constructor(url: string, options: ServerOptions, tuning: Tuning, unlist: () => void) {
    this.#admit = createAdmission(options);
    this.url = url;
    this.#options = options;
    this.#tuning = tuning;
    this.#unlist = unlist;
  }

  take(options: ConnectOptions): Connection {
    let peer: Hello;
    try {
      peer = this.#admit(introduction(options));
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      throw new MusterError(error.code, error.message, { details: { ...error.details, url: this.url } });
    }
    if (this.#open.size >= this.#tuning.connections) {
      throw new MusterError('busy', `node is at capacity: ${this.#open.size} connections`, {
        details: { url: this.url },
      });
    }
    const here = new MemoryConnection(peer, this.#tuning, () => this.#open.delete(here));
    const there = new MemoryConnection(this.#options.self, this.#tuning, () => {});
    here.join(there);
    there.join(here);
    this.#open.add(here);
    here.attach(this.#options.accept(here));
    there.attach(options.handler);
    return there;
  }

  async close(): Promise<void> {
    this.#unlist();
    for (const connection of this.#open) connection.close(1001);
    while (this.#open.size > 0) await turn();
  }
}

class MemoryConnection implements Connection, FrameSink {
  readonly peer: Hello;
  readonly #outbox: Outbox;
  readonly #gone: () => void;
  #other: MemoryConnection | null = null;
  #handler: ConnectionHandler | null = null;
  #buffered = 0;
  #closing = false;
  #closed = false;

  constructor(peer: Hello, tuning: Tuning, gone: () => void) {
    this.peer = peer;
    this.#outbox = new Outbox(this, tuning);
    this.#gone = gone;
  }

  join(other: MemoryConnection): void {
    this.#other = other;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  get buffered(): number {
    return this.#buffered;
  }

  send(message: string): void {
    if (!this.#closing) this.#outbox.push(message);
  }

  flush(): void {
    if (!this.#closing) this.#outbox.flush();
  }

  close(_code?: number, _reason?: string): void {
    if (this.#closing) return;
    this.#outbox.flush();
    this.overflow();
  }

  /** Ends both sides, after what is under way. */
  overflow(): void {
    this.#closing = true;
    setImmediate(() => {
      this.#end();
      this.#other!.#end();
    });
  }

  write(frame: string): void {
    this.#buffered += frame.length;
    setImmediate(() => {
      this.#buffered -= frame.length;
      this.#other!.#receive(frame);
    });
  }

  #receive(frame: string): void {
    if (this.#closing) return;
    receiveFrame(frame, this.#outbox, this.#handler, () => this.close());
  }

  #end(): void {
    this.#closing = true;
    this.#outbox.clear();
    if (this.#closed) return;
    this.#closed = true;
    this.#gone();
    this.#handler?.closed();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
