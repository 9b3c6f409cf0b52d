import type { Observation } from '../check/history.js';
import { type Call, ClientCore, type ClientEvent, type Outcome } from '../core/client/client-core.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

export interface ClientWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  send(client: SimClient, node: NodeId, rid: number, request: ClientRequest): void;
  readMap(done: (map: ClusterMap | null) => void): void;
  observed(observation: Observation): void;
}

/** A user of the cluster: the production client under a random workload, one call after the other. */
export class SimClient {
  readonly name: string;
  readonly #core: ClientCore;
  readonly #random: Random;
  readonly #world: ClientWorld;
  #nextCall = 1;
  /** What is under way, by call. */
  readonly #current = new Map<number, Omit<Observation, 'end' | 'outcome'>>();
  #stopping = false;
  readonly #reads: number;
  readonly #lastVersion = new Map<string, number>();
  #values = 0;

  constructor(
    readonly index: number,
    world: ClientWorld,
    map: ClusterMap | null,
    random: Random,
  ) {
    this.name = `c${index}`;
    this.#world = world;
    this.#random = random;
    // A patient reader keeps asking whom it knows, and so is the one to meet a primary that does not know that it is none.
    this.#reads = random.chance(0.4) ? 0.97 : 0.5;
    const patience = this.#reads > 0.9 ? { attemptMs: 8000, staleMs: 8000 } : undefined;
    this.#core = new ClientCore(map, () => random.next(), patience);
  }

  start(): void {
    this.#tick();
    for (let i = 0; i < this.#world.scenario.callsAtOnce; i++) this.#next();
  }

  /** Begins no further calls. */
  stop(): void {
    this.#stopping = true;
  }

  get busy(): boolean {
    return this.#current.size > 0;
  }

  #tick(): void {
    this.#world.queue.after(ClientCore.tickMs, () => {
      this.step({ type: 'tick' });
      this.#tick();
    });
  }

  step(event: ClientEvent): void {
    const { queue } = this.#world;
    this.#core.step(event, queue.now);
    const ready = this.#core.ready();
    for (const { node, rid, request } of ready.send) this.#world.send(this, node, rid, request);
    if (ready.readMap) {
      this.#world.readMap((map) =>
        this.step(map === null ? { type: 'map-unreadable' } : { type: 'map', map }),
      );
    }
    for (const { id, outcome } of ready.done) this.#finished(id, outcome);
  }

  /** Reads one key; for the final look at everything. */
  read(key: string): void {
    this.#begin({ type: 'get', key, value: null });
  }

  #next(): void {
    this.#world.queue.after(this.#random.next() * this.#world.scenario.thinkMs, () => {
      if (this.#stopping) return;
      const random = this.#random;
      const { registers, counters } = this.#world.scenario;
      if (random.chance(0.5)) {
        const key = `counter-${random.below(counters)}`;
        this.#begin(
          random.chance(this.#reads) ? { type: 'get', key, value: null } : { type: 'incr', key, value: null },
        );
        return;
      }
      const key = `register-${random.below(registers)}`;
      if (random.chance(this.#reads)) this.#begin({ type: 'get', key, value: null });
      else {
        const value = `${this.name}.${++this.#values}`;
        const ifVersion = this.#lastVersion.get(key);
        if (ifVersion !== undefined && random.chance(0.3))
          this.#begin({ type: 'put', key, value, ifVersion });
        else this.#begin({ type: 'put', key, value });
      }
    });
  }

  #begin(what: {
    type: 'put' | 'get' | 'incr';
    key: string;
    value: string | null;
    ifVersion?: number;
  }): void {
    const { queue, scenario } = this.#world;
    const { key } = what;
    const deadline = queue.now + (this.#stopping ? 60_000 : this.#random.between(2_000, 10_000));
    const id = this.#nextCall++;
    const condition = what.ifVersion === undefined ? {} : { ifVersion: what.ifVersion };
    const call: Call =
      what.type === 'get'
        ? {
            id,
            type: 'read',
            p: partitionOf(hashKey(key), scenario.partitions),
            query: { type: 'get', key },
            deadline,
          }
        : what.type === 'incr'
          ? { id, type: 'write', op: { type: 'incr', key, by: 1 }, deadline }
          : {
              id,
              type: 'write',
              op: { type: 'put', key, value: what.value as string, ...condition },
              deadline,
            };
    this.#current.set(id, { client: this.index, start: queue.now, ...what });
    this.step({ type: 'call', call });
  }

  #finished(id: number, outcome: Outcome): void {
    const observation = this.#current.get(id);
    if (observation === undefined) return;
    const end = this.#world.queue.now;
    this.#current.delete(id);
    const { key } = observation;
    if (outcome.type === 'read' && outcome.result.type === 'get') {
      const { cell } = outcome.result;
      const empty = key.startsWith('counter') ? 0 : null;
      this.#lastVersion.set(key, cell?.version ?? 0);
      this.#world.observed({
        ...observation,
        end,
        outcome: 'ok',
        value: cell?.value ?? empty,
        version: cell?.version ?? 0,
      });
    } else if (outcome.type === 'written') {
      const { value, version = 0 } = outcome.result;
      this.#lastVersion.set(key, version);
      const seen = observation.type === 'incr' ? (value as number) : observation.value;
      this.#world.observed({ ...observation, end, outcome: 'ok', value: seen, version });
    } else if (outcome.type === 'unknown') {
      this.#world.observed({ ...observation, end: Number.POSITIVE_INFINITY, outcome: 'unknown' });
    } else {
      this.#world.observed({ ...observation, end, outcome: 'failed' });
    }
    if (!this.#stopping) this.#next();
  }
}
