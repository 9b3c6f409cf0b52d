import type { HeldLock, TxReport } from '../client/api.js';
import { Client } from '../client/client.js';
import type { TxItem } from '../core/machine/types.js';
import type { Random } from '../core/random.js';
import { MusterError } from '../errors.js';
import { mostAdded } from './cell-observations.js';
import type { Gate } from './gate.js';
import { simToken } from './host-process.js';
import type { HostEdges } from './hosts.js';
import { listKey, numbersOf } from './list-use.js';
import { SimMetastoreClient } from './metastore.js';
import type { SimRuntime } from './sim-runtime.js';
import type { SimWorld } from './sim-world.js';
import type { TxHistory } from './tx-history.js';

type Outcome = 'ok' | 'failed' | 'unknown';

/** What an error of the library says of the operation: it is held to it. */
const outcomeOf = (error: unknown): Outcome => {
  if (!(error instanceof MusterError)) throw error;
  return error.tookEffect === 'no' ? 'failed' : 'unknown';
};

/** A program that uses the library as it is published: its transactions, locks and retries over simulated connections. */
export class LibraryUser {
  readonly name: string;
  readonly #world: SimWorld;
  readonly #random: Random;
  readonly #gate: Gate;
  readonly #runtime: SimRuntime;
  readonly #client: Client;
  readonly #history: TxHistory;
  #stopping = false;
  #busy = false;
  #appended = 0;

  constructor(
    readonly index: number,
    world: SimWorld,
    edges: HostEdges,
    history: TxHistory,
  ) {
    this.name = `c${index}`;
    this.#world = world;
    this.#history = history;
    this.#random = edges.fork();
    const end = edges.endpoint(this.name);
    this.#gate = end.gate;
    this.#runtime = end.runtime;
    const metastore = new SimMetastoreClient({ store: world.metastore, gate: end.gate, reader: () => null });
    const transport = edges.wire.transportOf(end);
    this.#client = new Client(
      { cluster: 'sim', token: simToken, metastore, transport, timeoutMs: 8000, runtime: end.runtime },
      null,
    );
  }

  get busy(): boolean {
    return this.#busy;
  }

  get #now(): number {
    return this.#world.queue.now;
  }

  start(): void {
    this.#live().catch((error: unknown) => this.#world.broken(error));
    if (!this.#world.scenario.quiet) this.#standStill();
  }

  /** Now and then the program is stopped for a while, or its machine is suspended. */
  #standStill(): void {
    const { queue } = this.#world;
    queue.after(this.#random.between(100, 4000), () => {
      if (this.#stopping) return;
      const ms = this.#random.pick([50, 400, 1500, 5000]) * this.#random.between(0.7, 1.3);
      const suspended = this.#random.chance(0.5);
      this.#gate.pause();
      queue.after(ms, () => {
        if (suspended) this.#runtime.suspended(ms);
        this.#gate.resume();
        this.#standStill();
      });
    });
  }

  stop(): void {
    this.#stopping = true;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resume) => void this.#runtime.after(ms, resume));
  }

  async #live(): Promise<void> {
    const { accounts, lists, locks, thinkMs } = this.#world.scenario;
    const uses = [
      ...(accounts > 1 ? [() => this.#deposit(), () => this.#transfer()] : []),
      ...(lists > 0 ? [() => this.#append(), () => this.#append()] : []),
      ...(locks > 0 ? [() => this.#lock()] : []),
    ];
    while (uses.length > 0) {
      await this.#sleep(this.#random.next() * thinkMs);
      if (this.#stopping) return;
      this.#busy = true;
      try {
        await this.#random.pick(uses)();
      } finally {
        this.#busy = false;
      }
    }
  }

  /** How long a call is given: now and then so little that it may still be under way. */
  #patience(): { timeoutMs: number } {
    const hasty = !this.#world.scenario.quiet && this.#random.chance(0.03);
    return { timeoutMs: hasty ? this.#random.between(2, 150) : this.#random.between(3000, 12_000) };
  }

  #told(what: string, outcome: string): void {
    this.#world.count(`library ${what} ${outcome}`);
  }

  async #deposit(): Promise<void> {
    const key = `account-${this.#random.below(this.#world.scenario.accounts)}`;
    const by = (1 + this.#random.below(mostAdded)) * (this.#random.chance(0.5) ? 1 : -1);
    const start = this.#now;
    const entry = { client: this.index, start, adds: [[key, by]] as const };
    try {
      const value = await this.#client.counter.incr(key, by, this.#patience());
      this.#history.ledger.push({ ...entry, end: this.#now, outcome: 'ok', sees: [[key, value]] });
      this.#told('deposit', 'ok');
    } catch (error) {
      const outcome = outcomeOf(error);
      this.#history.ledger.push({ ...entry, end: Number.POSITIVE_INFINITY, outcome, sees: [] });
      this.#told('deposit', outcome);
    }
  }

  async #transfer(): Promise<void> {
    const { accounts } = this.#world.scenario;
    const from = this.#random.below(accounts);
    const to = (from + 1 + this.#random.below(accounts - 1)) % accounts;
    const by = 1 + this.#random.below(mostAdded);
    const adds = [[`account-${from}`, -by] as const, [`account-${to}`, by] as const];
    const start = this.#now;
    const items = adds.map(([key, amount]): TxItem => ({ type: 'incr', key, by: amount }));
    let outcome: Outcome;
    try {
      const report: TxReport = await this.#client.tx.run(items, this.#patience());
      outcome =
        report.outcome === 'committed' ? 'ok' : report.outcome === 'aborted' ? 'failed' : report.outcome;
      if (report.outcome !== 'unknown')
        this.#history.told.push({
          tx: report.id,
          outcome: report.outcome,
          client: this.index,
          at: this.#now,
        });
    } catch (error) {
      outcome = outcomeOf(error);
    }
    const end = outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.#now;
    this.#history.ledger.push({ client: this.index, start, end, outcome, adds, sees: [] });
    this.#told('transfer', outcome);
  }

  /** Reads one or two lists and appends to them, in a function that is run again when they have changed meanwhile. */
  async #append(): Promise<void> {
    const { lists } = this.#world.scenario;
    const picked = [...new Set([this.#random.below(lists), this.#random.below(lists)])].map(listKey);
    const start = this.#now;
    let reads: (readonly [string, number[]])[] = [];
    const appends: (readonly [string, number])[] = picked.map((key) => [
      key,
      this.index * 100_000 + ++this.#appended,
    ]);
    let outcome: Outcome;
    try {
      await this.#client.transaction(
        async (t) => {
          reads = [];
          for (const [key, number] of appends) {
            const value = await t.get(key);
            reads.push([key, numbersOf(value)]);
            t.put(key, value === null || value === '' ? `${number}` : `${value} ${number}`);
          }
        },
        { ...this.#patience(), retries: this.#random.pick([0, 3, 16]) },
      );
      outcome = 'ok';
    } catch (error) {
      outcome = outcomeOf(error);
      if ((error as MusterError).code === 'outcome-unknown') outcome = 'unknown';
    }
    this.#history.appends.push({
      client: this.index,
      start,
      end: outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.#now,
      outcome,
      reads: outcome === 'ok' ? reads : [],
      appends,
    });
    this.#told('append', outcome);
  }

  /** Works under a lock that the library keeps alive, for about as long as it lives without. */
  async #lock(): Promise<void> {
    const { locks, permits: most } = this.#world.scenario;
    const i = this.#random.below(locks);
    const permits = i === 0 ? 1 : most;
    const lock = `lock-${i}`;
    const ttlMs = this.#random.pick([300, 1000, 4000]);
    const asked = this.#now;
    const waitMs = this.#random.chance(0.8) ? 6000 : 0;
    try {
      await this.#client.lock(lock, { ttlMs, waitMs, permits, timeoutMs: 5000 }, async (held) => {
        const from = this.#now;
        await this.#work(held, ttlMs * 2 * this.#random.next());
        const until = this.#now + Math.min(0, held.validUntil - this.#runtime.now());
        if (until > from)
          this.#history.holdings.push({
            client: this.index,
            lock,
            permits,
            token: held.token,
            asked,
            from,
            until,
          });
        this.#told('lock', held.signal.aborted ? 'lost' : 'held');
      });
    } catch (error) {
      this.#told('lock', (error as MusterError).code ?? String(error));
      if (!(error instanceof MusterError)) throw error;
    }
  }

  /** Until the time is over, or the lock is lost. */
  #work(held: HeldLock, ms: number): Promise<void> {
    return new Promise((resume) => {
      if (held.signal.aborted) {
        resume();
        return;
      }
      const timer = this.#runtime.after(ms, resume);
      held.signal.addEventListener('abort', () => {
        timer.cancel();
        resume();
      });
    });
  }
}
