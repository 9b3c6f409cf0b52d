import type { LockView, MusterClient, NodeStatus, TxView } from '../../client/api.js';

/** Lists are asked for so seldom that it takes a twentieth of the time. */
const LIST_SHARE = 20;
/** And yet this often, in ms: a partition that kept one waiting did no work for it meanwhile, and is to be seen when it serves again. */
export const LIST_REST_MS = 2000;
/** How long a page of such a list is tried, in ms. */
const LIST_MS = 2000;

/** Locks and transactions, which every partition must be asked for: so not with each look, and only while there are any. */
export class Listing {
  transactions: readonly TxView[] = [];
  locks: readonly LockView[] = [];
  readonly #everyMs: number;
  #busy = false;
  #nextAt = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Begins to list anew if it is time and a node says that there is something; resolves when that is done. */
  async refresh(client: MusterClient, answers: Iterable<NodeStatus>): Promise<void> {
    const any = [...answers].some(({ partitions }) => partitions.some(({ rows }) => rows > 0));
    if (!any) {
      this.transactions = [];
      this.locks = [];
      return;
    }
    const begin = performance.now();
    if (this.#busy || begin < this.#nextAt) return;
    this.#busy = true;
    try {
      // One after the other: what a partition without a primary holds up is not asked twice at once.
      this.transactions = await client.tx.list({ timeoutMs: LIST_MS });
      this.locks = await client.locks.list({ timeoutMs: LIST_MS });
    } catch {
      // A partition does not serve just now; what was known stands until it does.
    } finally {
      this.#busy = false;
      const now = performance.now();
      this.#nextAt = now + Math.max(this.#everyMs, Math.min((now - begin) * LIST_SHARE, LIST_REST_MS));
    }
  }
}
