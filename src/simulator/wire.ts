import type { Random } from '../core/random.js';
import { MusterError } from '../errors.js';
import type { Runtime, Timer } from '../os/runtime.js';
import { createAdmission } from '../transport/admission.js';
import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Hello,
  Server,
  ServerOptions,
  Transport,
} from '../transport/contract.js';
import { type FrameSink, Outbox, receiveFrame } from '../transport/frames.js';
import { introduction, isExpected } from '../transport/handshake.js';
import { defaultTuning, type Tuning } from '../transport/tuning.js';
import type { Gate } from './gate.js';
import type { SimNetwork } from './network.js';
import type { EventQueue } from './queue.js';

/** Whoever has connections: a process of a node, or a client. */
export interface Endpoint {
  /** As the links of the network are called: the node, or the client. */
  readonly name: string;
  readonly gate: Gate;
  readonly runtime: Runtime;
}

export interface WireOptions {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly network: SimNetwork;
  /** A connect to an address at which nobody listens is refused; else it is never answered. */
  readonly refuses: boolean;
  /** A frame has come from one end to the other. */
  readonly heard: (by: Endpoint, from: Endpoint) => void;
}

/**
 * Connections in virtual time: the handshake, the sharing of frames and their JSON text are production's; frames travel by the
 * simulated network. When a process ends, its connections end; the other ends hear of it soon.
 */
export class SimWire {
  readonly #options: WireOptions;
  readonly #servers = new Map<string, SimServer>();
  readonly #open = new Set<SimConnection>();
  #nextPort = 20_000;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  transportOf(end: Endpoint, tuning: Tuning = defaultTuning): Transport {
    return {
      listen: async (options) => this.#listen(end, options, tuning),
      connect: (options) => this.#connect(end, options, tuning),
    };
  }

  #listen(end: Endpoint, options: ServerOptions, tuning: Tuning): Server {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    const url = `ws://${options.host}:${port}`;
    const taken = this.#servers.get(url);
    if (taken?.end.gate.alive === true)
      throw new MusterError('port-taken', `port ${port} of ${options.host} is in use`, {
        details: { host: options.host, port },
      });
    const server = new SimServer(url, end, options, tuning);
    this.#servers.set(url, server);
    return {
      url,
      close: async () => {
        if (this.#servers.get(url) === server) this.#servers.delete(url);
        for (const connection of this.#of(end)) connection.close();
      },
    };
  }

  *#of(end: Endpoint): Iterable<SimConnection> {
    for (const connection of [...this.#open]) if (connection.end === end) yield connection;
  }

  /** The process has ended: its system closes its connections. */
  ended(end: Endpoint): void {
    for (const connection of this.#of(end)) this.#cut(connection);
  }

  /** All connections between the two break. */
  break(a: string, b: string): void {
    for (const connection of [...this.#open]) {
      const other = connection.other?.end.name;
      if (connection.end.name === a && other === b) {
        this.#cut(connection);
        if (connection.other !== null) this.#cut(connection.other);
      }
    }
  }

  /** This end is gone; the other hears of it. */
  #cut(connection: SimConnection): void {
    this.#open.delete(connection);
    connection.dropped();
    const { other } = connection;
    if (other === null) return;
    this.#options.queue.after(this.#options.random.between(0.1, 5), () =>
      other.end.gate.run(`connection ${connection.end.name}`, () => {
        this.#open.delete(other);
        other.dropped();
      }),
    );
  }

  #connect(end: Endpoint, options: ConnectOptions, tuning: Tuning): Promise<Connection> {
    const { url, timeoutMs } = options;
    const { network } = this.#options;
    return new Promise((resolve, reject) => {
      const state: { over: boolean; timer: Timer | null } = { over: false, timer: null };
      const finish = (how: () => void): void => {
        if (state.over) return;
        state.over = true;
        state.timer?.cancel();
        how();
      };
      state.timer = end.runtime.after(timeoutMs, () => {
        const message = `${url} did not answer within ${timeoutMs} ms`;
        finish(() => reject(new MusterError('timeout', message, { details: { url } })));
      });
      const host = new URL(url).host;
      /** A packet lost is sent again, by both systems: TCP. */
      network.carry(end.name, host, () => {
        const server = this.#servers.get(url);
        if (server?.end.gate.alive !== true) {
          if (!this.#options.refuses) return;
          const details = { url, refused: true };
          const refused = new MusterError('unreachable', `no connection to ${url}: nobody listens there`, {
            details,
          });
          network.carry(host, end.name, () =>
            end.gate.run(`connect ${url}`, () => finish(() => reject(refused))),
          );
          return;
        }
        // The system takes the connection; the process says who it is when its turn comes.
        server.end.gate.run(`connect from ${end.name}`, () => {
          const answer = (run: () => void): void =>
            network.carry(server.end.name, end.name, () =>
              end.gate.run(`connection ${server.end.name}`, run),
            );
          let taken: SimConnection;
          try {
            taken = this.#take(end, server, options, tuning);
          } catch (error) {
            answer(() => finish(() => reject(error)));
            return;
          }
          const mine = taken.other as SimConnection;
          answer(() => {
            if (state.over || !server.end.gate.alive) {
              this.#cut(mine);
              return;
            }
            finish(() => {
              mine.attach(options.handler);
              resolve(mine);
            });
          });
        });
      });
    });
  }

  #take(end: Endpoint, server: SimServer, options: ConnectOptions, tuning: Tuning): SimConnection {
    const peer = server.admit(introduction(options));
    const { self } = server.options;
    const open = [...this.#of(server.end)].length;
    if (open >= server.tuning.connections)
      throw new MusterError('busy', `this node has ${open} connections and takes no more`, {
        details: { url: options.url },
      });
    if (options.expect !== null && !isExpected(self, options.expect))
      throw new MusterError('unreachable', `what answers at ${options.url} is not the node expected`, {
        details: { url: options.url, refused: false },
      });
    const deliver = (from: SimConnection, run: (to: SimConnection) => void): void =>
      this.#options.network.carry(from.end.name, from.other?.end.name ?? '', () => {
        const to = from.other;
        if (to === null || !this.#open.has(to)) return;
        to.end.gate.run(`connection ${from.end.name}`, () => {
          this.#options.heard(to.end, from.end);
          run(to);
        });
      });
    const ended = (one: SimConnection): void => this.#cut(one);
    const here = new SimConnection(server.end, peer, server.tuning, deliver, ended);
    const there = new SimConnection(end, self, tuning, deliver, ended);
    here.join(there);
    there.join(here);
    this.#open.add(here).add(there);
    here.attach(server.options.accept(here));
    return here;
  }
}

class SimServer {
  readonly admit: ReturnType<typeof createAdmission>;

  constructor(
    readonly url: string,
    readonly end: Endpoint,
    readonly options: ServerOptions,
    readonly tuning: Tuning,
  ) {
    this.admit = createAdmission(options);
  }
}

class SimConnection implements Connection, FrameSink {
  /** Units that the system at this end has taken and the other end has not. */
  buffered = 0;
  readonly end: Endpoint;
  readonly peer: Hello;
  readonly #outbox: Outbox;
  readonly #deliver: (from: SimConnection, run: (to: SimConnection) => void) => void;
  readonly #ended: (connection: SimConnection) => void;
  #other: SimConnection | null = null;
  #handler: ConnectionHandler | null = null;
  /** Frames that came before the handshake was seen to be over. */
  #early: string[] = [];
  #closing = false;
  #closed = false;

  constructor(
    end: Endpoint,
    peer: Hello,
    tuning: Tuning,
    deliver: (from: SimConnection, run: (to: SimConnection) => void) => void,
    ended: (connection: SimConnection) => void,
  ) {
    this.end = end;
    this.peer = peer;
    this.#outbox = new Outbox(this, tuning, end.runtime);
    this.#deliver = deliver;
    this.#ended = ended;
  }

  get other(): SimConnection | null {
    return this.#other;
  }

  join(other: SimConnection): void {
    this.#other = other;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.#receive(frame);
    if (this.#closed) this.end.runtime.afterEvent(() => handler.closed());
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  send(message: string): void {
    if (!this.#closing) this.#outbox.push(message);
  }

  flush(): void {
    if (!this.#closing) this.#outbox.flush();
  }

  close(): void {
    if (this.#closing) return;
    this.#outbox.flush();
    this.overflow();
  }

  overflow(): void {
    this.#closing = true;
    this.end.runtime.afterEvent(() => this.#ended(this));
  }

  write(frame: string): void {
    // A process that has been killed sends nothing any more.
    if (!this.end.gate.alive) return;
    this.buffered += frame.length;
    this.#deliver(this, (to) => {
      this.buffered = Math.max(0, this.buffered - frame.length);
      to.#receive(frame);
    });
  }

  #receive(frame: string): void {
    if (this.#closing) return;
    if (this.#handler === null) {
      this.#early.push(frame);
      return;
    }
    receiveFrame(frame, this.#outbox, this.#handler, () => this.close());
  }

  /** It is no more, for whatever reason. */
  dropped(): void {
    this.#closing = true;
    this.#outbox.clear();
    if (this.#closed) return;
    this.#closed = true;
    if (this.end.gate.alive) this.#handler?.closed();
  }
}
