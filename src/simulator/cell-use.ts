import type { CellValue } from '../check/history.js';
import type { TxItem } from '../core/machine/types.js';
import { mostAdded, txObservations } from './cell-observations.js';
import type { TxParty } from './tx-party.js';

/** Transactions of every kind of item over the registers and counters that others use one by one; and requests to abort some. */
export class CellUse {
  readonly #user: TxParty;
  /** What this user last saw. */
  readonly #seen = new Map<string, { value: CellValue; version: number }>();
  #values = 0;

  constructor(user: TxParty) {
    this.#user = user;
  }

  use(): void {
    const { random } = this.#user;
    if (random.chance(0.1)) this.#abortSome(() => this.#user.next());
    else this.#change(random.chance(0.05));
  }

  #change(paused: boolean): void {
    const user = this.#user;
    const { registers, counters } = user.world.scenario;
    const keys = new Set<string>();
    for (let i = user.random.below(3); i >= 0; i--)
      keys.add(
        user.random.chance(0.5)
          ? `register-${user.random.below(registers)}`
          : `counter-${user.random.below(counters)}`,
      );
    const items = [...keys].flatMap((key) => [...this.#conditions(key), ...this.#writes(key)]);
    const start = user.now;
    let over = false;
    let id = '';
    user.transact(
      items,
      (how, end, tx) => {
        over = how !== 'unknown';
        id = tx;
        const seen = txObservations({ client: user.index, start, end }, items, how);
        for (const { key, read } of seen) if (read !== undefined) this.#seen.set(key, read);
        user.history.cells.push(...seen);
      },
      () => user.next(),
      paused ? 'prepared' : undefined,
    );
    if (paused) this.#endPaused(() => (over ? 'over' : id));
  }

  /** Reads, and now and then what was seen before as a condition. */
  #conditions(key: string): TxItem[] {
    const { random } = this.#user;
    const seen = this.#seen.get(key);
    if (seen === undefined || random.chance(0.5)) return [{ type: 'get', key }];
    if (random.chance(0.3)) return [];
    return random.chance(0.5)
      ? [{ type: 'check', key, equals: seen.value }]
      : [{ type: 'version', key, version: seen.version }];
  }

  #writes(key: string): TxItem[] {
    const { random } = this.#user;
    if (random.chance(0.3)) return [{ type: 'get', key }];
    if (random.chance(0.15)) return [{ type: 'delete', key }];
    if (key.startsWith('counter')) return [{ type: 'incr', key, by: 1 + random.below(mostAdded) }];
    return [{ type: 'put', key, value: `${this.#user.name}.${++this.#values}` }];
  }

  // ---- aborts

  /** Asks for an end of what is not decided in some partition. */
  #abortSome(go: () => void): void {
    const user = this.#user;
    const p = user.random.below(user.world.scenario.partitions);
    const query = { type: 'rows', kind: 'tx', after: null } as const;
    user.call({ type: 'read', p, query, deadline: user.deadline() }, (outcome) => {
      const rows = outcome.type === 'read' && outcome.result.type === 'rows' ? outcome.result.rows : [];
      const pending: string[] = [];
      for (const [, row] of rows) {
        if (row.kind === 'record') user.told(row.tx, 'committed');
        if (row.kind === 'pending') pending.push(row.tx);
      }
      const tx = pending.length === 0 ? undefined : user.random.pick(pending);
      if (tx === undefined) go();
      else this.#abort(tx, go);
    });
  }

  #abort(tx: string, go: (state: string) => void): void {
    const user = this.#user;
    const p = Number(tx.slice(0, tx.indexOf(':')));
    user.call({ type: 'abort', p, tx, deadline: user.now + 2000 }, (outcome) => {
      const state = outcome.type === 'abort' ? outcome.state : 'failed';
      user.count(`abort (${state})`);
      if (state === 'committed') user.told(tx, 'committed');
      go(state);
    });
  }

  /** Whoever lets a transaction be stopped where all have prepared sees to it that it ends: `tx` says its id, when it is known. */
  #endPaused(tx: () => string): void {
    const user = this.#user;
    user.world.queue.after(100, () => {
      const id = tx();
      if (id === 'over') return;
      // Until its id is known it is one of those that are pending.
      if (id === '') this.#abortSome(() => this.#endPaused(tx));
      else
        this.#abort(id, (state) => {
          if (state !== 'unknown' && state !== 'committed') this.#endPaused(tx);
        });
    });
  }
}
