import { ClientCore } from '../core/client/client-core.js';
import { outcomeOf } from '../core/machine/outcome.js';
import type { TxItem } from '../core/machine/types.js';
import type { ClusterMap } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { anchorKey } from '../core/transaction/items.js';
import type { TxEnd } from './cell-observations.js';
import { type Settled, SimUser, type UserWorld } from './sim-user.js';
import type { TxHistory } from './tx-history.js';

/** A user of transactions, as each of its uses sees it. */
export abstract class TxParty extends SimUser {
  readonly random: Random;
  readonly world: UserWorld;
  readonly history: TxHistory;
  stopping = false;

  constructor(
    readonly index: number,
    world: UserWorld,
    map: ClusterMap | null,
    random: Random,
    history: TxHistory,
  ) {
    super(`c${index}`, world, new ClientCore(map, () => random.next()), random.fork());
    this.world = world;
    this.random = random;
    this.history = history;
  }

  stop(): void {
    this.stopping = true;
  }

  get now(): number {
    return this.world.queue.now;
  }

  count(what: string): void {
    this.world.count(what);
  }

  /** Goes on with another wish, after a while. */
  abstract next(): void;

  deadline(): number {
    return this.now + (this.stopping ? 60_000 : this.random.between(3_000, 12_000));
  }

  /** A transaction; `settled` gets what it came to, and when that was known. */
  transact(
    items: readonly TxItem[],
    settled: (how: TxEnd, end: number, id: string) => void,
    go: () => void,
    pauseAt?: 'prepared',
  ): void {
    const op = { type: 'tx' as const, key: anchorKey(items), items };
    const deadline = this.stopping ? this.deadline() : this.patience(3_000, 12_000);
    const pause = pauseAt === undefined ? {} : { pauseAt };
    this.change(
      { type: 'write', op, deadline, at: this.now, ...pause },
      (how, id) => settled(this.#ended(how, id), how.end, id),
      go,
    );
  }

  #ended(how: Settled, id: string): TxEnd {
    if (how.type !== 'done') {
      this.count(how.type === 'unknown' ? 'unknown' : 'failed');
      // Whoever resolved it was told that it never happens.
      if (how.type === 'not-done' && id !== '') this.told(id, 'aborted');
      return how.type === 'unknown' ? 'unknown' : null;
    }
    const outcome = outcomeOf(how.result);
    this.count(outcome.outcome === 'committed' ? 'committed' : `aborted (${outcome.reason})`);
    this.told(id, outcome.outcome);
    return outcome;
  }

  told(tx: string, outcome: 'committed' | 'aborted'): void {
    this.history.told.push({ tx, outcome, client: this.index, at: this.now });
  }
}
