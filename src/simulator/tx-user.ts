import { AccountUse } from './account-use.js';
import { CellUse } from './cell-use.js';
import { ListUse } from './list-use.js';
import { LockUse } from './lock-use.js';
import { TxParty } from './tx-party.js';

/** Somebody who moves money, appends to lists, changes several keys at once and takes locks, one thing after the other. */
export class TxUser extends TxParty {
  readonly #accounts = new AccountUse(this);
  readonly #lists = new ListUse(this);
  readonly #cells = new CellUse(this);
  readonly #locks = new LockUse(this);

  start(): void {
    this.tick();
    this.next();
  }

  next(): void {
    this.world.queue.after(this.random.next() * this.world.scenario.thinkMs, () => {
      if (this.stopping) return;
      const { accounts, lists, locks, cellTxs } = this.world.scenario;
      if (this.random.chance(0.02)) this.closeSessions();
      const kinds = [
        ...(accounts > 1 ? [() => this.#accounts.change(), () => this.#accounts.look()] : []),
        ...(lists > 0 ? [() => this.#lists.use(), () => this.#lists.use()] : []),
        ...(locks > 0 ? [() => this.#locks.use()] : []),
        ...(cellTxs ? [() => this.#cells.use()] : []),
      ];
      if (kinds.length > 0) this.random.pick(kinds)();
    });
  }

  /** A last look at everything. */
  lookAtAll(): void {
    const { accounts, lists } = this.world.scenario;
    if (accounts > 1) this.#accounts.lookAtAll(() => {});
    if (lists > 0) this.#lists.readAll(() => {});
  }
}
