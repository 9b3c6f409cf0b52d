import type { CallCounts, RequestCounts } from '../client/api.js';
import type { Process } from '../core/map/types.js';
import type { ClientRequest, ClientResponse } from '../core/messages.js';
import type { NodeCore, NodeEvent } from '../core/node.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { Runtime } from '../os/runtime.js';
import type { ServiceRunner } from '../service/runner.js';
import type { Connection, ConnectionHandler } from '../transport/contract.js';
import { TurnoverMap, TurnoverSet } from '../util/turnover.js';
import { decodePeerMessage, decodeRequest, methods } from '../wire/methods.js';
import { encodeClientResponse } from '../wire/responses.js';
import { classify, encodeError, encodeResult, type RpcId } from '../wire/rpc.js';
import { encodeServiceReply } from '../wire/service-reply.js';
import { RequestMeter } from './request-meter.js';

export interface InboundOptions {
  readonly enqueue: (event: NodeEvent) => void;
  /** The node's own answers: status, map. */
  readonly status: () => unknown;
  readonly core: () => NodeCore;
  readonly services: ServiceRunner;
  readonly runtime: Runtime;
}

interface Waiting {
  readonly caller: Caller;
  readonly id: RpcId;
  /** What it counts as; null: it is not counted. */
  readonly kind: 'read' | 'write' | null;
  /** When it was decoded, on the runtime's monotonic clock. */
  readonly at: number;
}

interface Caller {
  readonly connection: Connection;
  waiting: number;
}

const tooMany = (): MusterError =>
  new MusterError('busy', `connection is at capacity: ${limits.requestsPerConnection} requests in flight`);

/** How the meter counts a request: sessions and lists of rows, which no user asked for, are not counted. */
function kindOf(request: ClientRequest): Waiting['kind'] {
  if (request.type === 'write' || request.type === 'tx') return 'write';
  if (request.type !== 'read') return null;
  return request.query.type === 'get' || request.query.type === 'scan' ? 'read' : null;
}

/** Inbound connections: validates messages, and returns the core's responses to their callers. */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #waiting = new TurnoverMap<number, Waiting>();
  readonly #unflushed = new TurnoverSet<Connection>();
  readonly #meter = new RequestMeter();
  #calls = 0;
  #callsFailed = 0;
  #nextOrigin = 1;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  accept(connection: Connection): ConnectionHandler {
    const { peer } = connection;
    if (peer.role === 'node') {
      const from: Process = { node: peer.id, store: peer.store, incarnation: peer.incarnation };
      // Acks that were under way on its earlier connection may be lost.
      this.#options.enqueue({ type: 'linked', node: peer.id });
      return { message: (messages) => this.#fromNode(connection, from, messages), closed: () => {} };
    }
    const caller: Caller = { connection, waiting: 0 };
    return { message: (messages) => this.#fromClient(caller, messages), closed: () => {} };
  }

  #fromNode(connection: Connection, from: Process, messages: readonly unknown[]): void {
    if (this.#options.runtime.buggify('link-dropped')) {
      connection.close(1001, 'dropped by fault injection');
      return;
    }
    for (const value of messages) {
      const incoming = classify(value);
      if (incoming.kind !== 'notification') {
        connection.close(1008, 'nodes send notifications only');
        return;
      }
      try {
        this.#options.enqueue({
          type: 'message',
          from,
          message: decodePeerMessage(incoming.method, incoming.params),
        });
      } catch (error) {
        connection.close(1008, error instanceof Error ? error.message.slice(0, 100) : 'invalid message');
        return;
      }
    }
  }

  #fromClient(caller: Caller, messages: readonly unknown[]): void {
    for (const value of messages) {
      const incoming = classify(value);
      if (incoming.kind === 'request') this.#request(caller, incoming.id, incoming.method, incoming.params);
      else if (incoming.kind === 'invalid') caller.connection.send(encodeError(incoming.id, incoming.error));
      // A notification asks for no answer, and clients have none to give: nothing is done, and nothing said (JSON-RPC 2.0, section 4.1).
    }
  }

  #request(caller: Caller, id: RpcId, method: string, params: unknown): void {
    const { connection } = caller;
    try {
      const known = Object.hasOwn(methods, method) ? methods[method as keyof typeof methods] : null;
      if (known !== null && known.from !== 'client') {
        throw new MusterError('bad-message', `method ${method} is internal to nodes`);
      }
      const request = decodeRequest(method, params);
      switch (request.type) {
        case 'ping':
          connection.send(encodeResult(id, '{}'));
          return;
        case 'status':
          connection.send(encodeResult(id, JSON.stringify(this.#options.status())));
          return;
        case 'map':
          connection.send(encodeResult(id, JSON.stringify(this.#options.core().map)));
          return;
        case 'quiesce':
          this.#options.enqueue({ type: 'quiesce', ms: request.ms });
          connection.send(encodeResult(id, '{}'));
          return;
        case 'services':
          connection.send(encodeResult(id, JSON.stringify(this.#options.services.describe())));
          return;
        case 'call':
          if (caller.waiting >= limits.requestsPerConnection) throw tooMany();
          caller.waiting++;
          void this.#options.services.call(request).then((reply) => {
            caller.waiting--;
            if (reply.ok) this.#calls++;
            else this.#callsFailed++;
            connection.send(encodeResult(id, encodeServiceReply(reply)));
          });
          return;
        default: {
          if (caller.waiting >= limits.requestsPerConnection) {
            throw tooMany();
          }
          const origin = this.#nextOrigin++;
          caller.waiting++;
          this.#waiting.set(origin, { caller, id, kind: kindOf(request), at: this.#options.runtime.now() });
          this.#options.enqueue({ type: 'request', origin, request });
        }
      }
    } catch (error) {
      connection.send(encodeError(id, error));
    }
  }

  /** The core's response to a request; dropped when the caller has disconnected. */
  reply(origin: number, response: ClientResponse): void {
    const waiting = this.#waiting.get(origin);
    if (waiting === undefined) return;
    this.#waiting.delete(origin);
    const { caller, id, kind, at } = waiting;
    caller.waiting--;
    if (kind !== null) this.#count(kind, at, response);
    caller.connection.send(encodeClientResponse(id, response));
    this.#unflushed.add(caller.connection);
  }

  #count(kind: 'read' | 'write', at: number, response: ClientResponse): void {
    if (response.ok) this.#meter.answered(kind, this.#options.runtime.now() - at);
    else if (response.code !== 'moved') this.#meter.failed();
  }

  /** What was answered since the start, and what is under way. */
  counts(): { requests: RequestCounts; calls: CallCounts } {
    const { inflight, queued } = this.#options.services.load();
    return {
      requests: this.#meter.counts(this.#waiting.size),
      calls: { finished: this.#calls, failed: this.#callsFailed, inflight, queued },
    };
  }

  flush(): void {
    for (const connection of this.#unflushed) connection.flush();
    this.#unflushed.clear();
  }
}
