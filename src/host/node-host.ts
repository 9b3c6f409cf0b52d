import type { NodeStatus } from '../client/api.js';
import { describeConfig } from '../core/describe.js';
import type { CheckpointDelta } from '../core/machine/types.js';
import type { ClusterMap } from '../core/map/types.js';
import { NodeCore, type NodeEvent, type Ready } from '../core/node.js';
import { MusterError } from '../errors.js';
import { nodeDataDir } from '../layout/paths.js';
import { defaultTimings, limits } from '../limits.js';
import { type Runtime, systemRuntime, type Timer } from '../os/runtime.js';
import type { NodeHello, Server } from '../transport/contract.js';
import { encodePeerMessage } from '../wire/calls.js';
import { HostClock } from './clock.js';
import { Inbound } from './inbound.js';
import type { HostOptions } from './options.js';
import { Peers } from './peers.js';

/** How long a call to the metastore may take before its outcome counts as unknown, in ms. */
const metastoreMs = 10_000;
/** Of one new map, the log tells of so many partitions this node leads or led. */
const configsLogged = 4;
/** How often applied state goes to the checkpoint, in ms. */
const checkpointMs = 5000;
/** About how many cells of changed state go into one transaction of the checkpoint. */
const checkpointCells = 2000;

/**
 * One node: the core, driven by real clock, disk, network and metastore. Events that arrive while the last turn is
 * carried out are stepped together in the next, so that what they cause shares one write and few frames.
 */
export class NodeHost {
  readonly #options: HostOptions;
  readonly #runtime: Runtime;
  readonly #core: NodeCore;
  readonly #clock: HostClock;
  readonly #server: Server;
  readonly #inbound: Inbound;
  readonly #peers: Peers;
  readonly #startedAt: number;
  #events: NodeEvent[] = [];
  #scheduled = false;
  #ended = false;
  #writing: Promise<void> | null = null;
  /** Ticks since the write under way began. */
  #ticksWriting = 0;
  #checkpointing: Promise<void> | null = null;
  /** How long the log was at the last checkpoint. */
  #checkpointedBytes = 0;
  #timers: Timer[] = [];
  #unwatch: () => void = () => {};

  static async start(options: HostOptions): Promise<NodeHost> {
    const { store, boot } = options.storage.recovered;
    const self: NodeHello = {
      role: 'node',
      cluster: options.cluster,
      id: options.node,
      store,
      incarnation: boot,
    };
    const started: { host: NodeHost | null } = { host: null };
    // Connections wait for the host: the address must be known before the core, which publishes it, can be made.
    const server = await options.transport.listen({
      host: options.host,
      port: options.port,
      token: options.token,
      self,
      accept: (connection) => {
        if (started.host === null) connection.close(1013, 'node is starting');
        return started.host?.inbound.accept(connection) ?? { message: () => {}, closed: () => {} };
      },
    });
    started.host = new NodeHost(options, self, server);
    started.host.#run();
    return started.host;
  }

  private constructor(options: HostOptions, self: NodeHello, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#clock = new HostClock(this.#runtime);
    this.#startedAt = this.#clock.now();
    const { recovered } = options.storage;
    this.#core = new NodeCore({
      node: options.node,
      store: recovered.store,
      incarnation: recovered.boot,
      url: server.url,
      stored: recovered.partitions,
      seed: Math.floor(this.#runtime.random() * 2 ** 47),
      now: this.#startedAt,
      damaged: recovered.damaged,
      ...(options.rules === undefined ? {} : { rules: options.rules }),
      ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
    });
    this.#inbound = new Inbound({
      enqueue: (event) => this.#enqueue(event),
      status: () => this.status(),
      core: () => this.#core,
      runtime: this.#runtime,
      services: options.services,
    });
    this.#peers = new Peers({
      runtime: this.#runtime,
      transport: options.transport,
      token: options.token,
      self,
      linked: (node) => this.#enqueue({ type: 'linked', node }),
      gone: (process) => this.#enqueue({ type: 'gone', process }),
      log: (message, fields) => options.log.warn(fields, message),
    });
  }

  get inbound(): Inbound {
    return this.#inbound;
  }

  /** For those who watch. */
  get core(): NodeCore {
    return this.#core;
  }

  get url(): string {
    return this.#server.url;
  }

  #run(): void {
    this.#unwatch = this.#options.metastore.watch(0, (revision) => {
      if (revision > this.#core.revision) this.#readMap(null, revision);
    });
    this.#timers.push(this.#runtime.every(limits.tickMs, () => this.#tick()));
    const everyMs = this.#options.tuning?.checkpointMs ?? checkpointMs;
    this.#timers.push(this.#runtime.every(everyMs, () => void this.#checkpoint()));
    this.#enqueue({ type: 'tick' });
  }

  #tick(): void {
    this.#enqueue({ type: 'tick' });
    // Counted in ticks, not by the clock: a process that was stopped does not blame its disk for the time.
    if (this.#writing !== null && ++this.#ticksWriting * limits.tickMs >= defaultTimings.stallMs) {
      const message = `disk write stalled for ${defaultTimings.stallMs} ms`;
      this.#fail(new MusterError('storage-failed', message, { details: { node: this.#options.node } }));
    }
  }

  #enqueue(event: NodeEvent): void {
    this.#events.push(event);
    if (this.#scheduled) return;
    // At the end of this turn of the loop: what several sockets bring is stepped, written and sent together.
    this.#scheduled = true;
    if (this.#runtime.buggify('turn-late'))
      this.#runtime.after(20 * this.#runtime.random(), () => this.#turn());
    else this.#runtime.endOfTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#ended) return;
    const events = this.#events;
    this.#events = [];
    const revision = this.#core.revision;
    try {
      const now = this.#clock.now();
      if (this.#clock.slept()) {
        this.#options.log.warn({}, 'machine was suspended: dropped all leases');
        this.#core.step({ type: 'suspended' }, now);
      }
      for (const event of events) this.#core.step(event, now);
      const ready = this.#core.ready();
      this.#options.watch?.turn(events, ready);
      this.#carryOut(ready);
      this.#options.watch?.carriedOut(ready);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#core.revision !== revision) this.#mapChanged();
    if (this.#core.left) this.#options.left();
    if (this.#core.superseded) {
      const message = 'another process runs as this node, with another data folder or a copy of this one';
      this.#fail(new MusterError('storage-locked', message, { details: { node: this.#options.node } }));
    }
  }

  #carryOut(ready: Ready): void {
    const struck = this.#options.failpoints.strike(ready.reached);
    if (struck === null) {
      this.#carryOutAll(ready);
      return;
    }
    const { action, step, id } = struck;
    this.#options.log.warn({ fault: id }, `armed failpoint reached: ${action} at ${step}`);
    const before = step === 'votes-in' || step === 'deciding';
    if (before && action === 'crash') process.kill(process.pid, 'SIGKILL');
    if (before && action === 'pause') process.kill(process.pid, 'SIGSTOP');
    this.#carryOutAll(action === 'drop' ? { ...ready, send: [] } : ready);
    if (!before && action === 'crash') process.kill(process.pid, 'SIGKILL');
    if (!before && action === 'pause') process.kill(process.pid, 'SIGSTOP');
  }

  #carryOutAll(ready: Ready): void {
    if (ready.write !== null) this.#write(ready.write);
    for (const { to, message } of ready.send) this.#peers.send(to, encodePeerMessage(message));
    for (const { origin, response } of ready.reply) this.#inbound.reply(origin, response);
    this.#peers.flush();
    this.#inbound.flush();
    if (ready.publish !== null) {
      const { map, expected } = ready.publish;
      void within(
        this.#runtime,
        this.#options.metastore.publish(map, expected),
        () => 'unknown' as const,
      ).then((outcome) => {
        this.#options.log.info({ revision: map.revision, outcome }, 'published the cluster map');
        this.#enqueue({ type: 'published', outcome });
      });
    }
    if (ready.readMap !== null) this.#readMap(ready.readMap);
    if (ready.damaged !== null) this.#setDamaged(ready.damaged);
    for (const { p, seq } of ready.diverged) this.#sayDiverged(p, seq);
  }

  #sayDiverged(p: number, seq: number): void {
    const { log, folder, node } = this.#options;
    const message = `partition ${p} differs from its primary's copy at entry ${seq}: disk or memory corruption on one of the two nodes`;
    const hint = `Compare with the other replicas. If they agree with the primary, move ${nodeDataDir(folder, node)} away and restart this node.`;
    log.warn({ code: 'storage-corrupt', partition: p, seq, hint }, message);
  }

  #setDamaged(damaged: boolean): void {
    const { log, storage } = this.#options;
    if (damaged) log.warn({}, 'acknowledged entries are missing on this disk: copying them from the primary');
    else log.info({}, 'log compared with the other replicas: nothing is missing');
    void storage.setDamaged(damaged).catch((error) => this.#fail(error));
  }

  #write(records: NonNullable<Ready['write']>): void {
    this.#ticksWriting = 0;
    this.#writing = this.#options.storage.append(records).then(
      () => {
        this.#writing = null;
        this.#enqueue({ type: 'written' });
      },
      (error) => this.#fail(error),
    );
  }

  #readMap(read: number | null, from = 0): void {
    const { metastore } = this.#options;
    const late = (): never => {
      throw new MusterError(
        'metastore-unavailable',
        `timed out after ${metastoreMs} ms reading the cluster map`,
      );
    };
    within(this.#runtime, read === null ? metastore.readFrom(from) : metastore.read(), late).then(
      (map) => this.#enqueue({ type: 'map', map, read }),
      (error: Error) => {
        this.#options.log.warn({ code: 'metastore-unavailable' }, error.message);
        if (read !== null) this.#enqueue({ type: 'map-unreadable' });
      },
    );
  }

  #lastMap: ClusterMap | null = null;

  #mapChanged(): void {
    const { map } = this.#core;
    this.#peers.update(map);
    const before = this.#lastMap;
    this.#lastMap = map;
    const own = `${this.#options.node}/`;
    const changed = map.partitions.flatMap((config, p) => {
      const old = before?.partitions[p];
      if (old === undefined || (!config.primary.startsWith(own) && !old.primary.startsWith(own))) return [];
      return describeConfig(old) === describeConfig(config) ? [] : [`p${p} ${describeConfig(config)}`];
    });
    if (changed.length === 0) return;
    const shown = changed.slice(0, configsLogged).join('; ');
    const more = changed.length > configsLogged ? `; ${changed.length - configsLogged} more` : '';
    this.#options.log.info({ revision: map.revision }, `cluster map: ${shown}${more}`);
  }

  async #checkpoint(): Promise<void> {
    if (this.#checkpointing !== null || this.#ended) return;
    if (this.#runtime.buggify('checkpoint-skipped')) return;
    this.#checkpointing = this.#checkpointAll().catch((error) => this.#fail(error));
    await this.#checkpointing;
    this.#checkpointing = null;
  }

  /** In small parts: each is written in one turn of this thread, which answers no requests meanwhile. */
  async #checkpointAll(): Promise<void> {
    const { storage } = this.#options;
    const cells = this.#runtime.buggify('checkpoint-small') ? 2 : checkpointCells;
    let from: number | null = 0;
    while (from !== null && !this.#ended) {
      const { deltas, next } = this.#core.takeCheckpoint(from, cells);
      from = next;
      // Promises and covered segments change the log too, without any delta.
      const { logBytes } = storage.stats();
      if (deltas.length === 0 && logBytes === this.#checkpointedBytes) continue;
      this.#checkpointedBytes = logBytes;
      if (!(await this.#store(deltas))) return;
    }
  }

  /** Did the disk take them? A full disk may still have room for the log: the node continues and retries with the next checkpoint. */
  async #store(deltas: readonly CheckpointDelta[]): Promise<boolean> {
    const { storage, log } = this.#options;
    const failedBefore = storage.stats().checkpointError !== null;
    try {
      await storage.checkpoint(deltas);
      if (failedBefore) log.info({}, 'checkpoint succeeded again');
      return true;
    } catch (error) {
      this.#core.checkpointFailed(deltas);
      this.#checkpointedBytes = 0;
      const { code = null, message } = error as Partial<MusterError> & Error;
      if (!failedBefore)
        log.warn({ code }, `checkpoint failed: ${message}; the log grows until one succeeds`);
      return false;
    }
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.fatal(error);
  }

  status(): NodeStatus {
    const { node, cluster, folder, version, storage, faultRevision } = this.#options;
    return {
      id: node,
      cluster,
      folder,
      version,
      pid: process.pid,
      url: this.#server.url,
      store: this.#core.store,
      incarnation: this.#core.incarnation,
      uptimeMs: Math.round(this.#clock.now() - this.#startedAt),
      rssBytes: process.memoryUsage.rss(),
      revision: this.#core.revision,
      faultRevision: faultRevision(),
      partitions: this.#core.status(),
      storage: storage.stats(),
      ...this.#inbound.counts(),
    };
  }

  /** Serves nothing any more, then leaves the network, then makes everything durable and closes the store. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    // Handlers may need the node while they end.
    await this.#options.services.stop(limits.serviceDrainMs);
    if (this.#ended) return;
    this.#core.step({ type: 'stop' }, this.#clock.now());
    this.#carryOut(this.#core.ready());
    this.#ended = true;
    for (const timer of this.#timers) timer.cancel();
    this.#unwatch();
    this.#peers.close();
    await this.#server.close();
    await this.#writing;
    await this.#checkpointing;
    const { deltas } = this.#core.takeCheckpoint();
    if (deltas.length > 0) await this.#store(deltas);
    await this.#options.storage.close();
    await this.#options.metastore.close();
  }
}

/** The promise's outcome, or what `late` gives (or throws) when it has not come within `metastoreMs`. */
function within<T>(runtime: Runtime, promise: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = runtime.after(metastoreMs, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
