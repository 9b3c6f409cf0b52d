import type { Observation, Write } from '../check/history.js';
import { ClientCore } from '../core/client/client-core.js';
import type { CellKind, Operation } from '../core/machine/types.js';
import type { ClusterMap } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { limits } from '../limits.js';
import { keysOf, mostAdded, scanObservations, settledObservation } from './cell-observations.js';
import { SimUser, type UserWorld } from './sim-user.js';

export interface ClientWorld extends UserWorld {
  observed(observation: Observation): void;
}

/** A user of registers and counters: the production client under a random workload, one call after the other. */
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
    super(`c${index}`, world, new ClientCore(map, () => random.next(), patience), random.fork());
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
    this.#read(key);
  }

  #next(): void {
    this.#world.queue.after(this.#random.next() * this.#world.scenario.thinkMs, () => {
      if (this.#stopping) return;
      const random = this.#random;
      const { registers, counters } = this.#world.scenario;
      if (random.chance(0.01)) this.closeSessions();
      const isCounter = random.chance(0.5);
      const reads = random.chance(this.#reads);
      if (reads && random.chance(0.05)) this.#scan(isCounter ? 'counter' : 'register');
      else if (isCounter) {
        const key = `counter-${random.below(counters)}`;
        if (reads) this.#read(key);
        else this.#changeCounter(key);
      } else {
        const key = `register-${random.below(registers)}`;
        if (reads) this.#read(key);
        else this.#changeRegister(key);
      }
    });
  }

  #changeCounter(key: string): void {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.06) this.#delete(key);
    else if (kind < 0.12) this.#change(key, { type: 'reset', value: this.#start() });
    else this.#change(key, { type: 'incr', by: 1 + random.below(mostAdded) });
  }

  #changeRegister(key: string): void {
    if (this.#random.chance(0.1)) this.#delete(key);
    else this.#change(key, { type: 'put', value: this.#value() }, 0.3);
  }

  /** What a counter is reset to. */
  #start(): number {
    const value = this.#random.below(2 ** 40);
    return this.#world.scenario.nearMax && value % 2 === 0 ? limits.counterMax - (value % mostAdded) : value;
  }

  #value(): string {
    const value = `${this.name}.${++this.#values}`;
    const { valueBytes } = this.#world.scenario;
    if (valueBytes === 0 || !this.#random.chance(0.1)) return value;
    // Half of the long ones grow sixfold as JSON.
    const filler = this.#random.chance(0.5) ? '\u0001' : 'x';
    return value + filler.repeat(valueBytes - value.length - this.#random.below(8));
  }

  #delete(key: string): void {
    this.#change(key, { type: 'delete' }, 0.4);
  }

  /** With the last version seen as a condition, as often as that. */
  #change(key: string, write: Write, conditional = 0): void {
    const version = this.#lastVersion.get(key);
    const ifVersion =
      version !== undefined && conditional > 0 && this.#random.chance(conditional)
        ? { ifVersion: version }
        : {};
    const { queue } = this.#world;
    const what = { client: this.index, key, start: queue.now, write, ...ifVersion };
    const deadline = this.patience(2_000, 10_000);
    const op = { ...write, key, ...ifVersion } as Operation;
    this.change(
      { type: 'write', op, deadline },
      (how) => {
        const seen = settledObservation(what, how);
        if (seen.version !== undefined) this.#lastVersion.set(key, seen.version);
        this.#world.observed(seen);
      },
      () => this.#goOn(),
    );
  }

  #read(key: string): void {
    const { queue, scenario } = this.#world;
    const start = queue.now;
    const deadline = start + (this.#stopping ? 60_000 : this.#random.between(2_000, 10_000));
    const p = partitionOf(hashKey(key), scenario.partitions);
    this.call({ type: 'read', p, query: { type: 'get', key }, deadline }, (outcome) => {
      const when = { client: this.index, key, start, end: queue.now };
      if (outcome.type === 'read' && outcome.result.type === 'get') {
        const { cell } = outcome.result;
        const version = cell?.version ?? 0;
        this.#lastVersion.set(key, version);
        this.#world.observed({ ...when, outcome: 'ok', read: { value: cell?.value ?? null, version } });
      } else this.#world.observed({ ...when, outcome: 'failed' });
      this.#goOn();
    });
  }

  /** A page of what one partition holds. */
  #scan(prefix: 'register' | 'counter'): void {
    const { queue, scenario } = this.#world;
    const p = this.#random.below(scenario.partitions);
    const keys = keysOf(prefix, scenario[`${prefix}s`], p, scenario.partitions);
    const kind: CellKind = prefix === 'register' ? 'text' : 'counter';
    const limit = this.#random.chance(0.3) ? 1 : 100;
    const start = queue.now;
    const query = { type: 'scan', kind, after: null, prefix: `${prefix}-`, limit } as const;
    const deadline = start + this.#random.between(2_000, 10_000);
    this.call({ type: 'read', p, query, deadline }, (outcome) => {
      const when = { client: this.index, start, end: queue.now };
      if (outcome.type === 'read' && outcome.result.type === 'scan')
        for (const seen of scanObservations(when, outcome.result, keys)) this.#world.observed(seen);
      this.#goOn();
    });
  }

  #goOn(): void {
    if (!this.#stopping) this.#next();
  }
}
