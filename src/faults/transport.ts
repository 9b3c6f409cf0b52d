import type { NodeId } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { type Runtime, systemRuntime } from '../os/runtime.js';
import type { Connection, ConnectOptions, Server, ServerOptions, Transport } from '../transport/contract.js';
import { FaultyConnection } from './connection.js';
import { type FaultPlan, linkOf, noFaults } from './plan.js';

/**
 * A transport that does to the messages between nodes what a fault plan says. Clients always reach everybody.
 *
 * - The sender delays and drops, so that each message is judged once; whole messages, before they share a frame.
 * - Sender and receiver both enforce a cut. So it holds as soon as either of them knows of it: what lies in the buffers
 *   of a node that was stopped when the cut began gets through to nobody.
 * - A connect over a cut link hangs until its time is over, and goes on when the link heals before. While a link is cut in
 *   either direction, no failure to connect is told: that nobody listens proves a process gone (PROTOCOL R12a), and that
 *   proof must not pass a netsplit.
 * - Connections that are open stay open. An end that is closed is closed for both: it says nothing to the protocol.
 */
export class FaultTransport implements Transport {
  readonly #inner: Transport;
  readonly #runtime: Runtime;
  readonly #connections = new Set<FaultyConnection>();
  /** Connects that wait for a change of the plan. */
  readonly #waiting = new Set<() => void>();
  #plan: FaultPlan = noFaults;

  constructor(inner: Transport, runtime: Runtime = systemRuntime) {
    this.#inner = inner;
    this.#runtime = runtime;
  }

  get plan(): FaultPlan {
    return this.#plan;
  }

  /** From now on this plan holds, for what is under way too. */
  apply(plan: FaultPlan): void {
    this.#plan = plan;
    for (const connection of this.#connections) connection.update(plan);
    for (const look of [...this.#waiting]) look();
  }

  listen(options: ServerOptions): Promise<Server> {
    return this.#inner.listen({
      ...options,
      accept: (inner) => {
        const { peer } = inner;
        if (peer.role !== 'node') return options.accept(inner);
        const connection = this.#connection(options.self.id, peer.id);
        connection.attach(inner);
        return connection.wrap(options.accept(connection));
      },
    });
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const { hello, expect } = options;
    // Nodes always say which node they expect.
    if (hello.role !== 'node' || expect === null) return this.#inner.connect(options);
    const [self, peer] = [hello.id, expect.id];
    const deadline = this.#runtime.now() + options.timeoutMs;
    const sends = () => !linkOf(this.#plan, self, peer).cut;
    const hears = () => sends() && !linkOf(this.#plan, peer, self).cut;
    for (let passable = sends; ; passable = hears) {
      if (!(await this.#until(passable, deadline))) throw timedOut(options);
      const connection = this.#connection(self, peer);
      try {
        const inner = await this.#inner.connect({
          ...options,
          timeoutMs: Math.max(1, deadline - this.#runtime.now()),
          handler: connection.wrap(options.handler),
        });
        connection.attach(inner);
        return connection;
      } catch (error) {
        this.#connections.delete(connection);
        if (hears()) throw error;
      }
    }
  }

  #connection(self: NodeId, peer: NodeId): FaultyConnection {
    const connection = new FaultyConnection(self, peer, this.#runtime, () =>
      this.#connections.delete(connection),
    );
    connection.update(this.#plan);
    this.#connections.add(connection);
    return connection;
  }

  /** Resolves true once the plan is such, false when the time is over before. */
  #until(isSo: () => boolean, deadline: number): Promise<boolean> {
    if (isSo()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (so: boolean) => {
        timer.cancel();
        this.#waiting.delete(look);
        resolve(so);
      };
      const look = () => {
        if (isSo()) done(true);
      };
      const timer = this.#runtime.after(Math.max(0, deadline - this.#runtime.now()), () => done(false));
      this.#waiting.add(look);
    });
  }
}

/** The transport's own error: the caller must not be able to tell a netsplit from a silent peer. */
const timedOut = ({ url, timeoutMs }: ConnectOptions): MusterError =>
  new MusterError('timeout', `timed out after ${timeoutMs} ms waiting for ${url}`, { details: { url } });
