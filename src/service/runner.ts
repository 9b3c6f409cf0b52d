import type { NodeLoad } from '../core/messages.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { TurnoverSet } from '../util/turnover.js';
import type { ServiceFailure, ServiceReply } from '../wire/service-reply.js';
import {
  type AnyHandler,
  type AnyService,
  type Json,
  missing,
  type ServiceView,
  viewOf,
} from './definition.js';
import { Meter } from './meter.js';

export interface ServiceCall {
  readonly service: string;
  readonly method: string;
  readonly params: unknown;
  /** From now on, in ms. */
  readonly timeoutMs: number;
}

/** What a handler is told of the call it serves, beside what is the same for all. */
export interface Invocation {
  readonly service: string;
  readonly method: string;
  /** Aborted when the caller waits no longer, or the node stops. */
  readonly signal: AbortSignal;
  /** When the caller gives up, by `performance.now()`. */
  readonly deadline: number;
}

export interface ServicesOptions {
  readonly services: readonly AnyService[];
  /** Handlers that run at once; further requests wait. */
  readonly maxInflight: number;
  /** What a handler is given beside its parameters. */
  readonly context: (invocation: Invocation) => unknown;
  /** Told of every error that a handler throws. */
  readonly failed: (invocation: Invocation, error: unknown) => void;
}

interface Queued {
  readonly run: () => void;
  readonly refuse: (failure: ServiceFailure) => void;
}

const refused = (code: ServiceFailure['code'], message: string): ServiceFailure => ({
  code,
  message,
  ran: false,
});

/** One call that is being served. Its signal is made when it is asked for: making one costs more than a short handler does. */
class Running implements Invocation {
  #controller: AbortController | null = null;
  #reason: unknown = null;

  constructor(
    readonly service: string,
    readonly method: string,
    readonly deadline: number,
  ) {}

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null)?.then === 'function';

/** When a request came to its turn. */
interface Turn {
  waitedMs: number;
}

/** What a node asks of its handlers. */
export type ServiceRunner = Pick<Services, 'describe' | 'load' | 'call' | 'stop'>;

/** Runs the handlers of a node: so many at once, the others in order of arrival, each until its caller's deadline. */
export class Services {
  readonly #options: ServicesOptions;
  readonly #services: ReadonlyMap<string, AnyService>;
  readonly #meter = new Meter();
  readonly #running = new TurnoverSet<Running>();
  readonly #queue = new TurnoverSet<Queued>();
  #stopping = false;
  #idle: (() => void) | null = null;

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.#services = new Map(options.services.map((service) => [service.name, service]));
  }

  describe(): ServiceView[] {
    return [...this.#services.values()].map(viewOf);
  }

  /** How busy the node is, for the reply to a request that waited so long for its turn, in ms. */
  load(waitedMs = 0): NodeLoad {
    const { loop, cpu } = this.#meter.shares;
    return {
      inflight: this.#running.size,
      queued: this.#queue.size,
      maxInflight: this.#options.maxInflight,
      loop,
      cpu,
      waitedMs,
    };
  }

  /** Runs the handler. Never rejects: what went wrong is in the reply. The value is JSON text. */
  async call(call: ServiceCall): Promise<ServiceReply<string>> {
    const turn: Turn = { waitedMs: 0 };
    const outcome = await this.#outcome(call, turn);
    const load = this.load(turn.waitedMs);
    return typeof outcome === 'string' ? { ok: true, value: outcome, load } : { ok: false, ...outcome, load };
  }

  /** Takes nothing new, and waits for what runs for up to `graceMs`; then its signals are aborted. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const queued of this.#queue) queued.refuse(refused('busy', 'the node is stopping'));
    this.#queue.clear();
    if (this.#running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<void>((done) => {
      this.#idle = done;
    });
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, graceMs);
    });
    await Promise.race([idle, late]);
    clearTimeout(timer);
    const reason = new MusterError('interrupted', 'the node is stopping');
    for (const running of this.#running) running.abort(reason);
  }

  #outcome(call: ServiceCall, turn: Turn): Promise<string | ServiceFailure> {
    const { service, method, timeoutMs } = call;
    const handler = this.#services.get(service)?.methods.get(method);
    if (handler === undefined)
      return Promise.resolve(refused('unknown-service', missing(this.describe(), service, method)));
    if (this.#stopping) return Promise.resolve(refused('busy', 'the node is stopping'));
    const came = performance.now();
    const deadline = came + timeoutMs;
    if (this.#running.size < this.#options.maxInflight) return this.#run(handler.handle, call, deadline);
    if (this.#queue.size >= limits.serviceQueue) {
      const message = `node is at capacity: ${this.#running.size} handlers running, ${this.#queue.size} requests queued`;
      return Promise.resolve(refused('busy', message));
    }
    return new Promise((resolve) => {
      const queued: Queued = {
        run: () => {
          clearTimeout(timer);
          turn.waitedMs = Math.round((performance.now() - came) * 100) / 100;
          resolve(this.#run(handler.handle, call, deadline));
        },
        refuse: (failure) => {
          clearTimeout(timer);
          resolve(failure);
        },
      };
      const timer = setTimeout(() => {
        this.#queue.delete(queued);
        queued.refuse(refused('busy', `request still queued after ${timeoutMs} ms`));
      }, timeoutMs);
      this.#queue.add(queued);
    });
  }

  /** Answers at the deadline at the latest; the handler keeps its place until it has really ended. */
  #run(handle: AnyHandler, call: ServiceCall, deadline: number): Promise<string | ServiceFailure> {
    const { service, method, params, timeoutMs } = call;
    const running = new Running(service, method, deadline);
    this.#running.add(running);
    let value: unknown;
    try {
      value = handle(params as Json, this.#options.context(running) as never);
    } catch (error) {
      return Promise.resolve(this.#ended(running, this.#failure(running, error)));
    }
    // Most handlers of a fast kind are done by now: they need no timer.
    if (!isThenable(value))
      return Promise.resolve(this.#ended(running, this.#encoded(`${service}.${method}`, value)));
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          const message = `${service}.${method} timed out after ${timeoutMs} ms`;
          running.abort(new MusterError('timeout', message, { tookEffect: 'unknown' }));
          resolve({ code: 'timeout', message, ran: true });
        },
        Math.max(1, deadline - performance.now()),
      );
      const ended = (outcome: string | ServiceFailure): void => {
        clearTimeout(timer);
        resolve(this.#ended(running, outcome));
      };
      value.then(
        (result: unknown) => ended(this.#encoded(`${service}.${method}`, result)),
        (error: unknown) => ended(this.#failure(running, error)),
      );
    });
  }

  #ended(running: Running, outcome: string | ServiceFailure): string | ServiceFailure {
    this.#running.delete(running);
    this.#next();
    return outcome;
  }

  #failure(running: Running, error: unknown): ServiceFailure {
    this.#options.failed(running, error);
    const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
    return {
      code: 'handler-failed',
      message: typeof message === 'string' ? message : String(error),
      ran: true,
      ...(typeof code === 'string' ? { own: code } : {}),
    };
  }

  #next(): void {
    if (this.#stopping && this.#running.size === 0) this.#idle?.();
    for (const queued of this.#queue) {
      if (this.#running.size >= this.#options.maxInflight) return;
      this.#queue.delete(queued);
      queued.run();
    }
  }

  #encoded(what: string, value: unknown): string | ServiceFailure {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (error) {
      const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
      return {
        code: 'handler-failed',
        message: `cannot encode the result of ${what} as JSON: ${why}`,
        ran: true,
      };
    }
    if (text === undefined) {
      if (value === undefined) return 'null';
      return {
        code: 'handler-failed',
        message: `cannot encode the result of ${what} as JSON: it is a ${typeof value}`,
        ran: true,
      };
    }
    if (Buffer.byteLength(text) > limits.serviceBytes) {
      const message = `result of ${what} is too large: ${Buffer.byteLength(text)} bytes, at most ${limits.serviceBytes} allowed`;
      return { code: 'value-too-large', message, ran: true };
    }
    return text;
  }
}
