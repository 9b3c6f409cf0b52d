/** One process of one node. */
export interface NodeHello {
  readonly role: 'node';
  readonly cluster: string;
  readonly id: string;
  readonly store: string;
  readonly incarnation: number;
}

/** What either end introduces itself as at the handshake. */
export type Hello = NodeHello | { readonly role: 'client'; readonly cluster: string };

/**
 * One connection, either end. Messages are JSON-RPC 2.0 values already encoded as JSON text; those queued in
 * one turn of the event loop share a frame (a JSON-RPC batch), split so that no frame passes `limits.frameBytes`.
 */
export interface Connection {
  /** Who is at the other end, as it introduced itself at the handshake. */
  readonly peer: Hello;
  /**
   * Queues one message. Silently dropped once closed. Cuts the connection off when the queue passes its bound.
   * Throws `internal` when the message is longer than `limits.frameBytes`: no peer would take it.
   */
  send(message: string): void;
  /** Sends at once what is queued, without waiting for the end of the turn. */
  flush(): void;
  /** Bytes queued and not yet taken by the operating system (text not yet encoded counts by its UTF-16 length). */
  readonly queued: number;
  /** Sends what is queued, then closes; `code` and `reason` as in RFC 6455. No message arrives after this. */
  close(code?: number, reason?: string): void;
}

export interface ConnectionHandler {
  /** One frame's messages, parsed as JSON, not yet validated. A frame that is not JSON never gets here: the transport answers with a JSON-RPC parse error and closes. */
  message(messages: readonly unknown[]): void;
  /** Called exactly once, for whatever reason, and never from within `send` or `close`. */
  closed(): void;
}

export interface ServerOptions {
  readonly host: string;
  /** 0: the system picks. */
  readonly port: number;
  readonly token: string;
  /** Identity of this listener: sent to each caller, and compared with the identity that the caller expects. */
  readonly self: NodeHello;
  readonly accept: (connection: Connection) => ConnectionHandler;
}

export interface Server {
  /** `ws://host:port` as bound. */
  readonly url: string;
  /** Stops accepting, then closes every connection (1001). Resolves when all are gone. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly url: string;
  readonly token: string;
  readonly hello: Hello;
  /**
   * Who is expected there; null: whoever answers (a client does not care which incarnation). Ports are used
   * again: without this a beacon could be acked, and a lease granted, by a node it was not meant for.
   */
  readonly expect: Pick<NodeHello, 'id' | 'store' | 'incarnation'> | null;
  /** From the call to the open connection. */
  readonly timeoutMs: number;
  readonly handler: ConnectionHandler;
}

export interface Transport {
  /** Rejects with `port-taken` when the port is in use. */
  listen(options: ServerOptions): Promise<Server>;
  /**
   * Rejects with `unreachable` (details.refused = true when the operating system refused the connection: nobody
   * listens there; details.answered = the id of the node that answered instead of the one expected), `timeout`,
   * `unauthorized`, `wrong-cluster`, `wrong-version`, `origin-refused`, `bad-message`, or `busy` when the node has
   * as many connections as it takes. The handler hears nothing of a connection that was never open; it
   * may hear the first message just before the promise is seen to resolve.
   */
  connect(options: ConnectOptions): Promise<Connection>;
}
