import type { AppendTx } from '../check/append.js';
import type { TxItem, TxRead } from '../core/machine/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { TxParty } from './tx-party.js';

export const listKey = (i: number): string => `list-${i}`;

export const numbersOf = (value: string | number | null): number[] =>
  value === null || value === '' ? [] : `${value}`.split(' ').map(Number);

/** Reads lists, and appends to them if they are as they were. */
export class ListUse {
  readonly #user: TxParty;
  #appended = 0;

  constructor(user: TxParty) {
    this.#user = user;
  }

  /** One or two lists. */
  use(): void {
    const user = this.#user;
    const { lists, partitions } = user.world.scenario;
    const picked = [...new Set([user.random.below(lists), user.random.below(lists)])].map(listKey);
    if (user.random.chance(0.3)) {
      this.#readAtOnce(picked, () => user.next());
      return;
    }
    // Read one by one, past any transaction: that must be right, too.
    const reads: TxRead[] = [];
    const read = (i: number): void => {
      const key = picked[i];
      if (key === undefined) {
        this.#append(reads);
        return;
      }
      const p = partitionOf(hashKey(key), partitions);
      const begin = user.now;
      user.call({ type: 'read', p, query: { type: 'get', key }, deadline: user.deadline() }, (outcome) => {
        if (outcome.type !== 'read' || outcome.result.type !== 'get') {
          user.next();
          return;
        }
        const { cell } = outcome.result;
        reads.push([key, cell?.value ?? null, cell?.version ?? 0]);
        this.#saw(begin, user.now, 'ok', reads.slice(-1), []);
        read(i + 1);
      });
    };
    read(0);
  }

  readAll(then: () => void): void {
    this.#readAtOnce(
      Array.from({ length: this.#user.world.scenario.lists }, (_, i) => listKey(i)),
      then,
    );
  }

  #readAtOnce(picked: readonly string[], then: () => void): void {
    const start = this.#user.now;
    this.#user.transact(
      picked.map((key): TxItem => ({ type: 'get', key })),
      (how, end) => {
        if (how !== null && how !== 'unknown' && how.outcome === 'committed')
          this.#saw(start, end, 'ok', how.reads, []);
      },
      then,
    );
  }

  #append(reads: readonly TxRead[]): void {
    const user = this.#user;
    const appends = reads
      .filter((_, i) => i === 0 || user.random.chance(0.7))
      .map(([key]) => [key, user.index * 100_000 + ++this.#appended] as const);
    const begin = user.now;
    const items = reads.flatMap(([key, value, version]): TxItem[] => {
      const own = appends.find(([list]) => list === key);
      const check: TxItem = { type: 'version', key, version };
      if (own === undefined) return [check];
      const text = value === null || value === '' ? `${own[1]}` : `${value} ${own[1]}`;
      return [check, { type: 'put', key, value: text }];
    });
    user.transact(
      items,
      (how, end) => {
        if (how === 'unknown') this.#saw(begin, end, 'unknown', [], appends);
        else if (how === null || how.outcome === 'aborted') this.#saw(begin, end, 'failed', [], appends);
        // The checks held: what was read before is what was there at the commit.
        else this.#saw(begin, end, 'ok', reads, appends);
      },
      () => user.next(),
    );
  }

  #saw(
    start: number,
    end: number,
    outcome: AppendTx['outcome'],
    reads: readonly TxRead[],
    appends: readonly (readonly [string, number])[],
  ): void {
    this.#user.history.appends.push({
      client: this.#user.index,
      start,
      end,
      outcome,
      reads: reads.map(([list, value]) => [list, numbersOf(value)] as const),
      appends,
    });
  }
}
