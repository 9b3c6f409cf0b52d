import type { HeldLock, LockOptions, MusterClient, Transaction, TransactionOptions } from './api.js';

/** What a handler is given beside its parameters: the cluster it runs in, and the call it serves. */
export interface HandlerContext {
  /** The node that runs it. */
  readonly node: string;
  readonly service: string;
  readonly method: string;
  /** Aborted when the caller waits no longer, or the node stops. */
  readonly signal: AbortSignal;
  /** What is left until the caller gives up, in ms; below 0: it has. */
  readonly remainingMs: () => number;
  readonly kv: MusterClient['kv'];
  readonly counter: MusterClient['counter'];
  readonly tx: MusterClient['tx'];
  transaction<T>(work: (t: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  lock<T>(name: string, options: LockOptions, work: (held: HeldLock) => Promise<T>): Promise<T>;
  /** Calls a handler, here or elsewhere; with no more time than this call has left. */
  readonly call: MusterClient['call'];
  /** Into the node's log. */
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** Serves a call: what it returns is the reply, what it throws reaches the caller as `handler-failed` with its message and code. */
export type Handler<Params = never, Result = unknown> = (
  params: Params,
  context: HandlerContext,
) => Result | Promise<Result>;

export interface ServiceDefinition {
  /** A letter, then letters, digits, "_" and "-". */
  readonly name: string;
  /** By method name. `idempotent`: running it twice does no harm, so a request may be sent to another node when the first does not answer. */
  readonly handlers: Readonly<
    Record<string, Handler | { readonly idempotent?: boolean; readonly handle: Handler }>
  >;
}

/** For its types alone: a module may as well export a plain object of this shape. */
export const defineService = <Service extends ServiceDefinition>(service: Service): Service => service;
