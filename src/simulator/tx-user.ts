import type { AppendTx } from '../check/append.js';
import type { FencedWrite, Holding } from '../check/lock.js';
import type { Balances } from '../check/transfer.js';
import { ClientCore, type Outcome } from '../core/client/client-core.js';
import type { AcquireResult } from '../core/machine/locks.js';
import { outcomeOf } from '../core/machine/outcome.js';
import type { Row, TxItem, TxOutcome, TxRead } from '../core/machine/types.js';
import type { ClusterMap } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { anchorKey } from '../core/transaction/items.js';
import { limits } from '../limits.js';
import { SimUser, type UserWorld } from './sim-user.js';

/** What the users of transactions and locks saw, to be judged. */
export interface TxHistory {
  readonly balances: Balances[];
  readonly appends: AppendTx[];
  readonly holdings: Holding[];
  readonly fenced: FencedWrite[];
  /** Transactions and locks that came to their end, by how. */
  readonly counts: Record<string, number>;
}

export const newHistory = (): TxHistory => ({
  balances: [],
  appends: [],
  holdings: [],
  fenced: [],
  counts: {},
});

const lockKey = (i: number): string => `lock-${i}`;
const accountKey = (i: number): string => `account-${i}`;
const listKey = (i: number): string => `list-${i}`;

/** Leaves room for one or two of the usual transfers. */
const brimful = limits.counterMax - 150;

/** Somebody who moves money, appends to lists and takes locks, one thing after the other. */
export class TxUser extends SimUser {
  readonly #random: Random;
  readonly #world: UserWorld;
  readonly #history: TxHistory;
  #stopping = false;
  #appended = 0;

  constructor(
    readonly index: number,
    world: UserWorld,
    map: ClusterMap | null,
    random: Random,
    history: TxHistory,
  ) {
    super(`c${index}`, world, new ClientCore(map, () => random.next()));
    this.#world = world;
    this.#random = random;
    this.#history = history;
  }

  start(): void {
    this.tick();
    this.#next();
  }

  stop(): void {
    this.#stopping = true;
  }

  get #now(): number {
    return this.#world.queue.now;
  }

  #count(what: string): void {
    this.#history.counts[what] = (this.#history.counts[what] ?? 0) + 1;
  }

  #next(): void {
    this.#world.queue.after(this.#random.next() * this.#world.scenario.thinkMs, () => {
      if (this.#stopping) return;
      const { accounts, lists, locks } = this.#world.scenario;
      const kinds = [
        ...(accounts > 1 ? [() => this.#transfer(), () => this.#look(() => this.#next())] : []),
        ...(lists > 0 ? [() => this.#append(), () => this.#append()] : []),
        ...(locks > 0 ? [() => this.#lock()] : []),
      ];
      if (kinds.length > 0) this.#random.pick(kinds)();
    });
  }

  #deadline(): number {
    return this.#now + (this.#stopping ? 60_000 : this.#random.between(3_000, 12_000));
  }

  /** A transaction; `done` gets its outcome, or null when it certainly did nothing, or 'unknown'. */
  #transact(items: readonly TxItem[], done: (outcome: TxOutcome | null | 'unknown') => void): void {
    const op = { type: 'tx' as const, key: anchorKey(items), items };
    this.call({ type: 'write', op, deadline: this.#deadline(), at: this.#now }, (outcome) => {
      if (outcome.type === 'written') {
        const result = outcomeOf(outcome.result);
        this.#count(result.outcome === 'committed' ? 'committed' : `aborted (${result.reason})`);
        done(result);
      } else {
        this.#count(outcome.type === 'unknown' ? 'unknown' : 'failed');
        done(outcome.type === 'unknown' ? 'unknown' : null);
      }
    });
  }

  // ---- transfers

  #transfer(): void {
    const { accounts, brim } = this.#world.scenario;
    const from = this.#random.below(accounts);
    const to = (from + 1 + this.#random.below(accounts - 1)) % accounts;
    const by = brim && this.#random.chance(0.1) ? brimful : 1 + this.#random.below(100);
    this.#transact(
      [
        { type: 'incr', key: accountKey(from), by: -by },
        { type: 'incr', key: accountKey(to), by },
      ],
      () => this.#next(),
    );
  }

  /** All accounts at once. */
  #look(then: () => void): void {
    const start = this.#now;
    const items = Array.from(
      { length: this.#world.scenario.accounts },
      (_, i): TxItem => ({
        type: 'get',
        key: accountKey(i),
      }),
    );
    this.#transact(items, (outcome) => {
      if (outcome !== null && outcome !== 'unknown' && outcome.outcome === 'committed') {
        const values = outcome.reads.map(([, value]) => value as number | null);
        this.#history.balances.push({ client: this.index, start, end: this.#now, values });
      }
      then();
    });
  }

  // ---- lists

  /** Reads one or two lists, then appends to them if they are as they were. */
  #append(): void {
    const { lists } = this.#world.scenario;
    const picked = [...new Set([this.#random.below(lists), this.#random.below(lists)])].map(listKey);
    if (this.#random.chance(0.3)) {
      this.#readLists(picked, () => this.#next());
      return;
    }
    // Read one by one, past any transaction: that must be right, too.
    const reads: TxRead[] = [];
    const read = (i: number): void => {
      const key = picked[i];
      if (key === undefined) {
        this.#appendTo(reads);
        return;
      }
      const p = partitionOf(hashKey(key), this.#world.scenario.partitions);
      const begin = this.#now;
      this.call({ type: 'read', p, query: { type: 'get', key }, deadline: this.#deadline() }, (outcome) => {
        if (outcome.type !== 'read' || outcome.result.type !== 'get') {
          this.#next();
          return;
        }
        const { cell } = outcome.result;
        reads.push([key, cell?.value ?? null, cell?.version ?? 0]);
        this.#saw(begin, reads.slice(-1), [], 'ok');
        read(i + 1);
      });
    };
    read(0);
  }

  #readLists(picked: readonly string[], then: () => void): void {
    const start = this.#now;
    this.#transact(
      picked.map((key): TxItem => ({ type: 'get', key })),
      (outcome) => {
        if (outcome !== null && outcome !== 'unknown' && outcome.outcome === 'committed')
          this.#saw(start, outcome.reads, [], 'ok');
        then();
      },
    );
  }

  #appendTo(reads: readonly TxRead[]): void {
    const appends = reads
      .filter((_, i) => i === 0 || this.#random.chance(0.7))
      .map(([key]) => [key, this.index * 100_000 + ++this.#appended] as const);
    const begin = this.#now;
    const items = reads.flatMap(([key, value, version]): TxItem[] => {
      const own = appends.find(([list]) => list === key);
      const check: TxItem = { type: 'version', key, version };
      if (own === undefined) return [check];
      const text = value === null || value === '' ? `${own[1]}` : `${value} ${own[1]}`;
      return [check, { type: 'put', key, value: text }];
    });
    this.#transact(items, (outcome) => {
      if (outcome === 'unknown') this.#saw(begin, [], appends, 'unknown');
      else if (outcome === null || outcome.outcome === 'aborted') this.#saw(begin, [], appends, 'failed');
      // The checks held: what was read before is what was there at the commit.
      else this.#saw(begin, reads, appends, 'ok');
      this.#next();
    });
  }

  #saw(
    start: number,
    reads: readonly TxRead[],
    appends: readonly (readonly [string, number])[],
    outcome: AppendTx['outcome'],
  ): void {
    this.#history.appends.push({
      client: this.index,
      start,
      end: outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.#now,
      outcome,
      reads: reads.map(([list, value]) => [list, numbersOf(value)] as const),
      appends,
    });
  }

  // ---- locks

  #lock(): void {
    const key = lockKey(this.#random.below(this.#world.scenario.locks));
    const ttl = this.#random.pick([300, 1000, 4000]);
    const asked = this.#now;
    const wait = this.#random.chance(0.8);
    const op = { type: 'acquire' as const, key, ttl, wait, permits: 1 };
    this.call({ type: 'write', op, deadline: this.#now + 5000 }, (outcome) => {
      if (outcome.type !== 'written') {
        this.#next();
        return;
      }
      const { token, ticket } = JSON.parse(outcome.result.value as string) as AcquireResult;
      if (token !== null) this.#hold(key, token, asked, asked, ttl);
      else this.#await(key, ticket, asked, ttl, this.#now + 6000);
    });
  }

  #await(key: string, ticket: string, asked: number, ttl: number, until: number): void {
    const p = partitionOf(hashKey(key), this.#world.scenario.partitions);
    this.call(
      { type: 'read', p, query: { type: 'await', key, ticket }, deadline: this.#now + 2000 },
      (outcome) => {
        const lock = rowOf(outcome);
        const holder = lock?.holders.find((h) => h.ticket === ticket);
        if (holder !== undefined) this.#renew(key, holder.token, asked, ttl);
        else if (
          this.#now < until &&
          !this.#stopping &&
          (lock === null || lock?.queue.some((w) => w.ticket === ticket))
        )
          this.#await(key, ticket, asked, ttl, until);
        else {
          const op = { type: 'leave' as const, key, ticket };
          this.call({ type: 'write', op, deadline: this.#deadline() }, () => this.#next());
        }
      },
    );
  }

  /** When it was granted is not known: only a renewal proves that it is held, from its sending on. */
  #renew(key: string, token: number, asked: number, ttl: number): void {
    const sent = this.#now;
    this.call({ type: 'write', op: { type: 'renew', key, token }, deadline: sent + ttl }, (outcome) => {
      if (outcome.type === 'written') this.#hold(key, token, asked, sent, ttl);
      else this.#next();
    });
  }

  /** Proven from now on until `ttl` after `since`, less what clocks may differ by. */
  #hold(key: string, token: number, asked: number, since: number, ttl: number): void {
    const from = this.#now;
    const until = since + ttl * (1 - 0.02);
    const released = Math.min(until, from + this.#random.next() * ttl * 1.2);
    this.#count('held');
    if (released > from)
      this.#history.holdings.push({ client: this.index, lock: key, token, asked, from, until: released });
    // A holder that was paused writes when its time is over, and the fence is what saves the data.
    const write = this.#random.chance(0.3) ? until + this.#random.next() * 4000 : from;
    this.#world.queue.after(Math.max(0, write - from), () => {
      const fencedKey = `fenced-${key}`;
      const op = {
        type: 'put' as const,
        key: fencedKey,
        value: `${token}`,
        fence: { name: key, token },
      };
      this.call({ type: 'write', op, deadline: this.#deadline() }, (outcome) => {
        if (outcome.type === 'written') {
          const version = outcome.result.version ?? 0;
          this.#history.fenced.push({ key: fencedKey, token, version });
        } else if (outcome.type === 'failed' && outcome.code === 'fenced') this.#count('fenced off');
        this.#world.queue.after(Math.max(0, released - this.#now), () => {
          const release = { type: 'release' as const, key, token };
          if (this.#random.chance(0.2)) this.#next();
          else this.call({ type: 'write', op: release, deadline: this.#deadline() }, () => this.#next());
        });
      });
    });
  }

  // ---- the end

  /** A last look at everything. */
  lookAtAll(): void {
    const { accounts, lists } = this.#world.scenario;
    if (accounts > 1) this.#look(() => {});
    if (lists > 0)
      this.#readLists(
        Array.from({ length: lists }, (_, i) => listKey(i)),
        () => {},
      );
  }
}

const numbersOf = (value: string | number | null): number[] =>
  value === null || value === '' ? [] : `${value}`.split(' ').map(Number);

function rowOf(outcome: Outcome): Extract<Row, { kind: 'lock' }> | null | undefined {
  if (outcome.type !== 'read' || outcome.result.type !== 'rows') return null;
  const row = outcome.result.rows[0]?.[1];
  return row?.kind === 'lock' ? row : undefined;
}
