import { type Call, ClientCore, type ClientEvent, type Outcome } from '../core/client/client-core.js';
import type { Cell, CellKind, Operation, Query, QueryResult } from '../core/machine/types.js';
import { type ClusterMap, type NodeId, nodeOf } from '../core/map/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { Metastore } from '../metastore/contract.js';
import { type Runtime, systemRuntime, type Timer } from '../os/runtime.js';
import type { Json, ServiceView } from '../service/definition.js';
import type { Transport } from '../transport/contract.js';
import { TurnoverMap } from '../util/turnover.js';
import type {
  CallOptions,
  CounterEntry,
  HeldLock,
  KvEntry,
  LockOptions,
  MusterClient,
  NodeStatus,
  PutOptions,
  RouterOptions,
  ServiceCallOptions,
  ServiceRouter,
  Transaction,
  TransactionOptions,
} from './api.js';
import type { Calls } from './calls.js';
import { checkInteger, checkKey, checkText } from './checks.js';
import { Links } from './links.js';
import { mergePages, type Page } from './list.js';
import { loadLocks, loadTransactions } from './modules.js';

export interface ClientOptions {
  readonly cluster: string;
  readonly token: string;
  readonly metastore: Metastore;
  readonly transport: Transport;
  /** How long a call may take unless it says otherwise, in ms. */
  readonly timeoutMs: number;
  /** Clocks, timers and chance; default: the machine's. */
  readonly runtime?: Runtime;
}

type Unfinished = Call extends infer C ? (C extends Call ? Omit<C, 'id' | 'deadline'> : never) : never;

/** The client library's engine: the pure client over real connections and the real metastore. */
export class Client implements MusterClient {
  readonly #core: ClientCore;
  readonly #options: ClientOptions;
  readonly #runtime: Runtime;
  readonly #links: Links;
  readonly #waiting = new TurnoverMap<number, (outcome: Outcome) => void>();
  #nextCall = 1;
  #draining = false;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: ClientOptions, map: ClusterMap | null) {
    this.#options = options;
    const { runtime = systemRuntime } = options;
    this.#runtime = runtime;
    this.#core = new ClientCore(map, () => runtime.random());
    this.#links = new Links({
      transport: options.transport,
      token: options.token,
      cluster: options.cluster,
      member: (node) => this.#core.map?.members[node] ?? null,
      response: (rid, response) => this.#step({ type: 'response', rid, response }),
      lost: (node) => this.#step({ type: 'lost', node }),
      runtime,
    });
  }

  readonly kv = {
    get: async (key: string, options: CallOptions = {}): Promise<KvEntry | null> => {
      const cell = await this.#get(key, options);
      if (cell === null) return null;
      if (cell.kind !== 'text') throw wrongType(key, 'a counter, not a value');
      return { key, value: cell.value as string, version: cell.version };
    },
    put: async (key: string, value: string, options: PutOptions = {}): Promise<KvEntry> => {
      checkKey(key);
      checkText(key, value);
      const condition = options.ifVersion === undefined ? {} : { ifVersion: options.ifVersion };
      const fence = options.fence === undefined ? {} : { fence: options.fence };
      const result = await this.#write({ type: 'put', key, value, ...condition, ...fence }, options);
      return { key, value, version: result.version ?? 0 };
    },
    delete: async (key: string, options: PutOptions = {}): Promise<boolean> => {
      checkKey(key);
      const condition = options.ifVersion === undefined ? {} : { ifVersion: options.ifVersion };
      const result = await this.#write({ type: 'delete', key, ...condition }, options);
      return result.value === true;
    },
    list: (options: { prefix?: string; after?: string } & CallOptions = {}): AsyncIterable<KvEntry> =>
      this.#list('text', options, (key, cell) => ({
        key,
        value: cell.value as string,
        version: cell.version,
      })),
  };

  readonly counter = {
    incr: async (name: string, by = 1, options: CallOptions = {}): Promise<number> => {
      checkKey(name);
      checkInteger('increment', by);
      return (await this.#write({ type: 'incr', key: name, by }, options)).value as number;
    },
    get: async (name: string, options: CallOptions & { strict?: boolean } = {}): Promise<number | null> => {
      const cell = await this.#get(name, options);
      if (cell === null) return options.strict === true ? null : 0;
      if (cell.kind !== 'counter') throw wrongType(name, 'a value, not a counter');
      return cell.value as number;
    },
    reset: async (name: string, value = 0, options: CallOptions = {}): Promise<number> => {
      checkKey(name);
      checkInteger('counter value', value);
      return (await this.#write({ type: 'reset', key: name, value }, options)).value as number;
    },
    list: (options: { prefix?: string; after?: string } & CallOptions = {}): AsyncIterable<CounterEntry> =>
      this.#list('counter', options, (name, cell) => ({ name, value: cell.value as number })),
  };

  readonly tx: MusterClient['tx'] = {
    run: async (items, options) => (await loadTransactions()).runTx(this.#txCalls, items, options),
    list: async (options) => (await loadTransactions()).listTxs(this.#txCalls, options),
    show: async (id, options) => (await loadTransactions()).showTx(this.#txCalls, id, options),
    abort: async (id, options) => (await loadTransactions()).abortTx(this.#txCalls, id, options),
  };

  async transaction<T>(work: (t: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return (await loadTransactions()).transact(this.#txCalls, work, options);
  }

  readonly locks: MusterClient['locks'] = {
    acquire: async (name, options) => (await loadLocks()).acquireLock(this.#lockCalls, name, options),
    release: async (name, token, options = {}) => {
      checkKey(name);
      await this.#write({ type: 'release', key: name, token }, options);
    },
    show: async (name, options) => (await loadLocks()).showLock(this.#lockCalls, name, options),
    list: async (options) => (await loadLocks()).listLocks(this.#lockCalls, options),
  };

  async lock<T>(name: string, options: LockOptions, work: (held: HeldLock) => Promise<T>): Promise<T> {
    const held = await this.locks.acquire(name, options);
    held.keep();
    try {
      return await work(held);
    } finally {
      // Lost meanwhile: there is nothing to release.
      await held.release().catch(() => {});
    }
  }

  call(to: string, params?: unknown, options: ServiceCallOptions = {}): Promise<Json> {
    if (this.#loadedCalls !== null && !this.#closed) return this.#loadedCalls.call(to, params, options);
    return this.#serviceCalls().then((calls) => calls.call(to, params, options));
  }

  async router(options?: RouterOptions): Promise<ServiceRouter> {
    const calls = await this.#serviceCalls();
    if (this.#core.map === null) await this.map();
    return calls.router(options);
  }

  async services(options: CallOptions = {}): Promise<ServiceView[]> {
    return (await this.#serviceCalls()).list(options.timeoutMs);
  }

  #calls: Promise<Calls> | null = null;
  /** What that came to: a call leaves in the turn in which it is made. */
  #loadedCalls: Calls | null = null;

  #serviceCalls(): Promise<Calls> {
    if (this.#closed) return Promise.reject(new MusterError('usage', 'the client is closed'));
    this.#calls ??= import('./calls.js').then(({ Calls }) => {
      this.#loadedCalls = new Calls({
        links: this.#links,
        timeoutMs: this.#options.timeoutMs,
        map: () => this.#core.map,
        refresh: () => this.map(),
        watch: (changed) => {
          this.#options.metastore.watch(this.#core.map?.revision ?? 0, () => {
            if (!this.#closed) this.map().then(changed, () => {});
          });
        },
      });
      return this.#loadedCalls;
    });
    return this.#calls;
  }

  readonly #partitions = async (): Promise<number> =>
    (this.#core.map ?? (await this.map())).partitions.length;

  get #txCalls() {
    return {
      timeoutMs: this.#options.timeoutMs,
      runtime: this.#runtime,
      write: (op: Operation, options: CallOptions & { at: number; pauseAt?: 'prepared' | 'decided' }) => {
        const { at, pauseAt } = options;
        return this.#call({ type: 'write', op, at, ...(pauseAt === undefined ? {} : { pauseAt }) }, options);
      },
      get: (key: string, options: CallOptions) => this.#get(key, options),
      read: (p: number, query: Query, options: CallOptions) => this.#read(() => p, query, options),
      abort: async (p: number, tx: string, options: CallOptions) => {
        const outcome = await this.#call({ type: 'abort', p, tx }, options);
        if (outcome.type === 'abort') return outcome.state;
        throw this.#errorOf(outcome, p, null);
      },
      partitions: this.#partitions,
      fail: (outcome: Outcome, key: string) => this.#errorOf(outcome, null, key),
    };
  }

  get #lockCalls() {
    return {
      timeoutMs: this.#options.timeoutMs,
      runtime: this.#runtime,
      write: async (op: Operation, options: CallOptions) => ({
        ok: true as const,
        ...(await this.#write(op, options)),
      }),
      read: (where: string | number, query: Query, options: CallOptions) =>
        this.#read(
          (n) => (typeof where === 'number' ? where : partitionOf(hashKey(where), n)),
          query,
          options,
        ),
      partitions: this.#partitions,
    };
  }

  async map(): Promise<ClusterMap> {
    const map = await this.#options.metastore.read();
    if (map === null) throw new MusterError('metastore-unavailable', 'no cluster map');
    if (map.revision > (this.#core.map?.revision ?? 0)) this.#step({ type: 'map', map });
    return map;
  }

  async status(node: NodeId, options: CallOptions = {}): Promise<NodeStatus> {
    return (await this.#links.ask(
      node,
      { type: 'status' },
      options.timeoutMs ?? this.#options.timeoutMs,
    )) as NodeStatus;
  }

  async quiesce(node: NodeId, ms: number, options: CallOptions = {}): Promise<void> {
    await this.#links.ask(node, { type: 'quiesce', ms }, options.timeoutMs ?? this.#options.timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.closeSessions();
    this.#drain();
    this.#timer?.cancel();
    (await this.#calls?.catch(() => null))?.close();
    this.#links.close();
    await this.#options.metastore.close();
  }

  // ---- calls

  async #get(key: string, options: CallOptions): Promise<Cell | null> {
    checkKey(key);
    const result = await this.#read(
      (partitions) => partitionOf(hashKey(key), partitions),
      { type: 'get', key },
      options,
    );
    return result.type === 'get' ? result.cell : null;
  }

  async #read(
    where: (partitions: number) => number,
    query: Query,
    options: CallOptions,
  ): Promise<QueryResult> {
    const map = this.#core.map ?? (await this.map());
    const p = where(map.partitions.length);
    const outcome = await this.#call({ type: 'read', p, query }, options);
    if (outcome.type === 'read') return outcome.result;
    throw this.#errorOf(outcome, p, 'key' in query ? query.key : null);
  }

  async #write(
    op: Operation,
    options: CallOptions,
  ): Promise<{ value: number | string | boolean | null; version?: number }> {
    const outcome = await this.#call({ type: 'write', op }, options);
    if (outcome.type === 'written') return outcome.result;
    throw this.#errorOf(outcome, null, op.key);
  }

  /** What became of a call that did not succeed. A call that ran out of time because no connection could be made says why. */
  #errorOf(outcome: Outcome, p: number | null, key: string | null): MusterError {
    const details: Record<string, string> = key === null ? {} : { key };
    if (outcome.type === 'unknown')
      return new MusterError('outcome-unknown', outcome.message, {
        details: { ...details, operation: outcome.id },
      });
    if (outcome.type !== 'failed')
      return new MusterError('internal', `unexpected outcome of a call: ${outcome.type}`);
    const map = this.#core.map;
    if (outcome.code === 'timeout' && map !== null) {
      const partition = p ?? partitionOf(hashKey(key ?? ''), map.partitions.length);
      const primary = nodeOf(map.partitions[partition]?.primary ?? '');
      const why = this.#links.failure(primary);
      if (why !== null) {
        const message = `${primary} (primary of ${key === null ? `partition ${partition}` : `"${key}"`}): ${why.message}`;
        return new MusterError(why.code, message, {
          details: { ...details, node: primary },
          tookEffect: 'no',
          cause: why,
        });
      }
    }
    const code = outcome.code === 'moved' || outcome.code === 'not-applied' ? 'unavailable' : outcome.code;
    return new MusterError(code, outcome.message, { details, tookEffect: 'no' });
  }

  #call(call: Unfinished, options: CallOptions): Promise<Outcome> {
    if (this.#closed) return Promise.reject(new MusterError('usage', 'the client is closed'));
    return new Promise((resolve) => {
      const id = this.#nextCall++;
      const deadline = this.#runtime.now() + (options.timeoutMs ?? this.#options.timeoutMs);
      this.#waiting.set(id, resolve);
      this.#step({ type: 'call', call: { ...call, id, deadline } as Call });
      this.#timer ??= this.#runtime.every(ClientCore.tickMs, () => this.#step({ type: 'tick' }));
    });
  }

  #list<T>(
    kind: CellKind,
    options: { prefix?: string; after?: string } & CallOptions,
    entry: (key: string, cell: Cell) => T,
  ): AsyncIterable<T> {
    const prefix = options.prefix ?? '';
    const page = async (p: number, after: string | null): Promise<Page> => {
      // A page within its bounds may still be too long for a frame, for control characters grow as JSON.
      for (let limit: number = limits.scanPage; ; limit = Math.ceil(limit / 4)) {
        try {
          const result = await this.#read(() => p, { type: 'scan', kind, after, prefix, limit }, options);
          return result.type === 'scan' ? result : { rows: [], more: false };
        } catch (error) {
          if (!(error instanceof MusterError) || error.code !== 'value-too-large' || limit === 1) throw error;
        }
      }
    };
    const partitions = async (): Promise<number> => (this.#core.map ?? (await this.map())).partitions.length;
    return mergePages(partitions, page, options.after ?? null, entry);
  }

  // ---- the engine

  #step(event: ClientEvent): void {
    this.#core.step(event, this.#runtime.now());
    if (this.#draining) return;
    this.#draining = true;
    // Calls made in one turn share their frames.
    queueMicrotask(() => {
      this.#draining = false;
      this.#drain();
    });
  }

  #drain(): void {
    const ready = this.#core.ready();
    for (const { node, rid, request } of ready.send) this.#links.send(node, rid, request);
    for (const { id, outcome } of ready.done) {
      const resolve = this.#waiting.get(id);
      this.#waiting.delete(id);
      resolve?.(outcome);
    }
    if (this.#core.idle && this.#timer !== null) {
      this.#timer.cancel();
      this.#timer = null;
    }
    if (ready.readMap && !this.#closed) {
      this.#options.metastore.read().then(
        (map) => this.#step(map === null ? { type: 'map-unreadable' } : { type: 'map', map }),
        () => this.#step({ type: 'map-unreadable' }),
      );
    }
  }
}

const wrongType = (key: string, holds: string): MusterError =>
  new MusterError('wrong-type', `${key} holds ${holds}`, { details: { key } });
