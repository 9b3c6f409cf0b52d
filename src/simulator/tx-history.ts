import type { AppendTx } from '../check/append.js';
import type { Told } from '../check/decision.js';
import type { Observation } from '../check/history.js';
import type { LedgerEntry } from '../check/ledger.js';
import type { FencedWrite, Holding } from '../check/lock.js';

/** What the users of transactions and locks saw, to be judged. */
export interface TxHistory {
  readonly ledger: LedgerEntry[];
  readonly appends: AppendTx[];
  readonly holdings: Holding[];
  readonly fenced: FencedWrite[];
  /** What transactions did with registers and counters that others use, too. */
  readonly cells: Observation[];
  readonly told: Told[];
  /** Transactions, locks and searches that came to their end, by how. */
  readonly counts: Record<string, number>;
}

export const newHistory = (): TxHistory => ({
  ledger: [],
  appends: [],
  holdings: [],
  fenced: [],
  cells: [],
  told: [],
  counts: {},
});
