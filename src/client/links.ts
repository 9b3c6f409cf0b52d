import type { Member, NodeId } from '../core/map/types.js';
import type { ClientRequest, ClientResponse } from '../core/messages.js';
import { asMuster, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { Runtime, Timer } from '../os/runtime.js';
import type { Connection, Transport } from '../transport/contract.js';
import { TurnoverMap } from '../util/turnover.js';
import { encodeCall } from '../wire/calls.js';
import type { AdminRequest } from '../wire/requests.js';
import { decodeClientResponse } from '../wire/responses.js';
import { classify, type Incoming } from '../wire/rpc.js';
import { fromRpcError } from '../wire/rpc-errors.js';

export interface LinksOptions {
  readonly transport: Transport;
  readonly token: string;
  readonly cluster: string;
  readonly member: (node: NodeId) => Member | null;
  readonly response: (rid: number, response: ClientResponse) => void;
  /** What was sent to the node and is not answered may or may not have arrived. */
  readonly lost: (node: NodeId) => void;
  readonly runtime: Runtime;
}

interface Link {
  readonly url: string;
  connection: Connection | null;
  readonly connected: Promise<Connection>;
  /** What each request under way is, by its id. */
  readonly waiting: TurnoverMap<number, ClientRequest['type'] | Asked | Called>;
}

/** What became of a `call`: an answer, or the connection was lost, after the request was handed to it or before. */
export type CallAnswer =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: MusterError }
  | { readonly kind: 'lost'; readonly sent: boolean; readonly error: Error };

/** A request on its way. */
export interface CallHandle {
  /** It was handed to a connection: it may arrive. */
  readonly sent: boolean;
  /** The caller no longer waits. A request that was not sent yet is dropped. */
  cancel(): void;
}

interface Called extends CallHandle {
  readonly done: (answer: CallAnswer) => void;
  sent: boolean;
}

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Time allowed for a handshake, in ms. */
const connectMs = 3000;

/** A client's connections, one to each node it talks to, made when first needed. */
export class Links {
  readonly #options: LinksOptions;
  readonly #links = new Map<NodeId, Link>();
  /** Why the last connect to a node failed; none since one succeeded. */
  readonly #failures = new Map<NodeId, MusterError>();
  /** Ids of requests to the node itself; the core's are positive. */
  #nextAsk = -1;
  #closed = false;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  send(node: NodeId, rid: number, request: ClientRequest): void {
    const link = this.#link(node);
    if (link === null) {
      this.#options.lost(node);
      return;
    }
    link.waiting.set(rid, request.type);
    const text = encodeCall(rid, request);
    if (link.connection !== null) link.connection.send(text);
    // A failed connect is told by `lost`.
    else link.connected.then((connection) => connection.send(text)).catch(() => {});
  }

  /** Asks the node itself something. Rejects with `unreachable`, `timeout`, or what the node answers. */
  async ask(node: NodeId, request: AdminRequest, timeoutMs: number): Promise<unknown> {
    const link = this.#link(node);
    if (link === null)
      throw new MusterError('unreachable', `${node} was never started`, { details: { node } });
    const id = this.#nextAsk--;
    const { runtime } = this.#options;
    let timer: Timer | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      link.waiting.set(id, { resolve, reject });
      timer = runtime.after(timeoutMs, () =>
        reject(
          new MusterError('timeout', `timed out after ${timeoutMs} ms waiting for ${node}`, {
            details: { node },
          }),
        ),
      );
    });
    try {
      link.connected.then((connection) => connection.send(encodeCall(id, request))).catch(() => {});
      return await answer;
    } finally {
      timer?.cancel();
      link.waiting.delete(id);
    }
  }

  /**
   * Asks the node to run a handler; `done` is told once, when there is an answer or can be none any more. Throws `value-too-large`, or
   * `usage` for parameters that JSON cannot carry; then nothing was sent.
   */
  call(node: NodeId, request: Extract<AdminRequest, { type: 'call' }>, done: Called['done']): CallHandle {
    const id = this.#nextAsk--;
    const text = encodedCall(id, request);
    const link = this.#link(node);
    if (link === null) {
      const error = new MusterError('unreachable', `${node} has no address`, { details: { node } });
      queueMicrotask(() => done({ kind: 'lost', sent: false, error }));
      return { sent: false, cancel: () => {} };
    }
    const { waiting } = link;
    const called: Called = { done, sent: false, cancel: () => void (called.sent || waiting.delete(id)) };
    waiting.set(id, called);
    const send = (connection: Connection): void => {
      if (!waiting.has(id)) return;
      called.sent = true;
      connection.send(text);
    };
    if (link.connection !== null) send(link.connection);
    else link.connected.then(send).catch(() => {});
    return called;
  }

  /** Why there is no connection to the node, or null when there is one or none was tried. */
  failure(node: NodeId): MusterError | null {
    return this.#failures.get(node) ?? null;
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) {
      if (link.connection !== null) link.connection.close(1000, 'done');
      else link.connected.then((connection) => connection.close(1000, 'done')).catch(() => {});
    }
    this.#links.clear();
  }

  #link(node: NodeId): Link | null {
    const member = this.#options.member(node);
    if (member === null || member.url === '' || this.#closed) return null;
    const known = this.#links.get(node);
    if (known !== undefined && known.url === member.url) return known;
    if (known !== undefined) {
      // The node was started anew elsewhere: nothing will come from the old address.
      this.#drop(node, known, new MusterError('unreachable', `${node} restarted`));
      known.connection?.close(1000, 'moved');
    }
    const { transport, token, cluster } = this.#options;
    const waiting: Link['waiting'] = new TurnoverMap();
    const connected = transport.connect({
      url: member.url,
      token,
      hello: { role: 'client', cluster },
      expect: { id: member.id, store: member.store, incarnation: member.incarnation },
      timeoutMs: connectMs,
      handler: {
        message: (messages) => {
          for (const value of messages) this.#answered(link, classify(value));
        },
        closed: () =>
          this.#drop(
            node,
            link,
            new MusterError('unreachable', `connection to ${node} lost`, { details: { node } }),
          ),
      },
    });
    const link: Link = { url: member.url, connection: null, connected, waiting };
    this.#links.set(node, link);
    connected.then(
      (connection) => {
        link.connection = connection;
        this.#failures.delete(node);
      },
      (error: Error) => {
        if (error instanceof MusterError) this.#failures.set(node, error);
        this.#drop(node, link, error);
      },
    );
    return link;
  }

  #drop(node: NodeId, link: Link, error: Error): void {
    if (this.#links.get(node) === link) this.#links.delete(node);
    const waiting = [...link.waiting.values()];
    link.waiting.clear();
    for (const asked of waiting) {
      if (typeof asked === 'string') continue;
      if ('done' in asked) asked.done({ kind: 'lost', sent: asked.sent, error });
      else asked.reject(error);
    }
    if (!this.#closed && waiting.some((asked) => typeof asked === 'string')) this.#options.lost(node);
  }

  #answered(link: Link, incoming: Incoming): void {
    if ((incoming.kind !== 'result' && incoming.kind !== 'error') || typeof incoming.id !== 'number') return;
    const asked = link.waiting.get(incoming.id);
    if (asked === undefined) return;
    link.waiting.delete(incoming.id);
    if (typeof asked === 'string') this.#options.response(incoming.id, responseOf(asked, incoming));
    else if ('done' in asked)
      asked.done(
        incoming.kind === 'result'
          ? { kind: 'result', result: incoming.result }
          : { kind: 'error', error: fromRpcError(incoming.error) },
      );
    else if (incoming.kind === 'result') asked.resolve(incoming.result);
    else asked.reject(fromRpcError(incoming.error));
  }
}

function encodedCall(id: number, request: Extract<AdminRequest, { type: 'call' }>): string {
  let text: string;
  try {
    text = encodeCall(id, request);
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new MusterError('usage', `cannot encode the parameters as JSON: ${why}`);
  }
  const most = limits.serviceBytes;
  if (text.length > most / 3 && Buffer.byteLength(text) > most + 512)
    throw new MusterError('value-too-large', `parameters too large: at most ${most} bytes allowed`);
  return text;
}

/** An answer that makes no sense leaves it open whether the request was carried out. */
function responseOf(
  type: ClientRequest['type'],
  incoming: Extract<Incoming, { kind: 'result' | 'error' }>,
): ClientResponse {
  try {
    return decodeClientResponse(type, incoming);
  } catch (error) {
    const known = asMuster(error);
    return {
      ok: false,
      code: 'unavailable',
      message: known.message,
      revision: 0,
      ...(known.tookEffect === 'no' ? {} : { mayHaveRun: true }),
    };
  }
}
