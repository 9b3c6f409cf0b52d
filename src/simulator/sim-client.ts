import type { Observation } from '../check/history.js';
import { ClientCore, type Outcome } from '../core/client/client-core.js';
import type { ClusterMap } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { SimUser, type UserWorld } from './sim-user.js';

export interface ClientWorld extends UserWorld {
  observed(observation: Observation): void;
}

/** A user of the cluster: the production client under a random workload, one call after the other. */
export class SimClient extends SimUser {
  readonly #random: Random;
  readonly #world: ClientWorld;
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
    // A patient reader keeps asking whom it knows, and so is the one to meet a primary that does not know that it is none.
    const reads = random.chance(0.4) ? 0.97 : 0.5;
    const patience = reads > 0.9 ? { attemptMs: 8000, staleMs: 8000 } : undefined;
    super(`c${index}`, world, new ClientCore(map, () => random.next(), patience));
    this.#reads = reads;
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    this.tick();
    for (let i = 0; i < this.#world.scenario.callsAtOnce; i++) this.#next();
  }

  /** Begins no further calls. */
  stop(): void {
    this.#stopping = true;
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
    const condition = what.ifVersion === undefined ? {} : { ifVersion: what.ifVersion };
    const observation = { client: this.index, start: queue.now, ...what };
    const done = (outcome: Outcome): void => this.#finished(observation, outcome);
    if (what.type === 'get') {
      const p = partitionOf(hashKey(key), scenario.partitions);
      this.call({ type: 'read', p, query: { type: 'get', key }, deadline }, done);
    } else if (what.type === 'incr')
      this.call({ type: 'write', op: { type: 'incr', key, by: 1 }, deadline }, done);
    else {
      const op = { type: 'put' as const, key, value: what.value as string, ...condition };
      this.call({ type: 'write', op, deadline }, done);
    }
  }

  #finished(observation: Omit<Observation, 'end' | 'outcome'>, outcome: Outcome): void {
    const end = this.#world.queue.now;
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
