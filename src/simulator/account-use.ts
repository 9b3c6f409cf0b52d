import type { LedgerEntry } from '../check/ledger.js';
import type { TxItem } from '../core/machine/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { limits } from '../limits.js';
import { keysOf, mostAdded } from './cell-observations.js';
import type { TxParty } from './tx-party.js';

const accountKey = (i: number): string => `account-${i}`;

/** Leaves room for one or two of the usual transfers. */
const brimful = limits.counterMax - 1.5 * mostAdded;

type Seen = Pick<LedgerEntry, 'sees' | 'adds'>;

/** Moves money between accounts and looks at them: in transactions, and past them. */
export class AccountUse {
  readonly #user: TxParty;

  constructor(user: TxParty) {
    this.#user = user;
  }

  change(): void {
    if (this.#user.random.chance(0.25)) this.#deposit();
    else this.#transfer();
  }

  look(): void {
    const { random } = this.#user;
    const next = (): void => this.#user.next();
    if (random.chance(0.25)) this.#peek();
    else if (random.chance(0.1)) this.#scan();
    else this.lookAtAll(next);
  }

  #saw(start: number, end: number, outcome: LedgerEntry['outcome'], { adds, sees }: Seen): void {
    this.#user.history.ledger.push({ client: this.#user.index, start, end, outcome, adds, sees });
  }

  #transfer(): void {
    const user = this.#user;
    const { accounts, brim } = user.world.scenario;
    const from = user.random.below(accounts);
    const to = (from + 1 + user.random.below(accounts - 1)) % accounts;
    const large = brim && user.random.chance(0.1);
    const by = large ? brimful - user.random.below(mostAdded / 8) : 1 + user.random.below(mostAdded);
    const start = user.now;
    const adds = [
      [accountKey(from), -by],
      [accountKey(to), by],
    ] as const;
    user.transact(
      adds.map(([key, amount]): TxItem => ({ type: 'incr', key, by: amount })),
      (how, end) => {
        const outcome = how === 'unknown' ? how : how === null || how.outcome === 'aborted' ? 'failed' : 'ok';
        this.#saw(start, end, outcome, { adds, sees: [] });
      },
      () => user.next(),
    );
  }

  /** A single increment: its answer tells the balance. */
  #deposit(): void {
    const user = this.#user;
    const key = accountKey(user.random.below(user.world.scenario.accounts));
    const by = (1 + user.random.below(mostAdded)) * (user.random.chance(0.5) ? 1 : -1);
    const start = user.now;
    user.change(
      { type: 'write', op: { type: 'incr', key, by }, deadline: user.patience(3_000, 12_000) },
      (how) => {
        const adds = [[key, by]] as const;
        if (how.type === 'done')
          this.#saw(start, how.end, 'ok', { adds, sees: [[key, how.result.value as number]] });
        else this.#saw(start, how.end, how.type === 'unknown' ? 'unknown' : 'failed', { adds, sees: [] });
      },
      () => user.next(),
    );
  }

  #peek(): void {
    const user = this.#user;
    const { accounts, partitions } = user.world.scenario;
    const key = accountKey(user.random.below(accounts));
    const start = user.now;
    const p = partitionOf(hashKey(key), partitions);
    user.call({ type: 'read', p, query: { type: 'get', key }, deadline: user.deadline() }, (outcome) => {
      if (outcome.type === 'read' && outcome.result.type === 'get') {
        const balance = (outcome.result.cell?.value ?? 0) as number;
        this.#saw(start, user.now, 'ok', { adds: [], sees: [[key, balance]] });
      }
      user.next();
    });
  }

  /** All accounts of one partition. */
  #scan(): void {
    const user = this.#user;
    const { accounts, partitions } = user.world.scenario;
    const p = user.random.below(partitions);
    const keys = keysOf('account', accounts, p, partitions);
    const start = user.now;
    const query = { type: 'scan', kind: 'counter', after: null, prefix: 'account-', limit: 1000 } as const;
    user.call({ type: 'read', p, query, deadline: user.deadline() }, (outcome) => {
      if (outcome.type === 'read' && outcome.result.type === 'scan') {
        const shown = new Map(outcome.result.rows);
        const sees = keys.map((key) => [key, (shown.get(key)?.value ?? 0) as number] as const);
        this.#saw(start, user.now, 'ok', { adds: [], sees });
      }
      user.next();
    });
  }

  /** All accounts at once. */
  lookAtAll(then: () => void): void {
    const user = this.#user;
    const start = user.now;
    const { accounts } = user.world.scenario;
    user.transact(
      Array.from({ length: accounts }, (_, i): TxItem => ({ type: 'get', key: accountKey(i) })),
      (how, end) => {
        if (how === null || how === 'unknown' || how.outcome !== 'committed') return;
        const sees = how.reads.map(([key, value]) => [key, (value ?? 0) as number] as const);
        this.#saw(start, end, 'ok', { adds: [], sees });
      },
      then,
    );
  }
}
