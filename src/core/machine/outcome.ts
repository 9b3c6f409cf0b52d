import type { OpResult, TxOutcome } from './types.js';

/** What most transactions come to, spelt out once: they read nothing. */
const committed: TxOutcome = { outcome: 'committed', reads: [] };
const committedText = JSON.stringify(committed);
const committedResult: OpResult = { ok: true, value: committedText };

/** What a transaction came to, as its operation's result. */
export const outcomeResult = (outcome: TxOutcome): OpResult =>
  outcome.outcome === 'committed' && outcome.reads.length === 0
    ? committedResult
    : { ok: true, value: JSON.stringify(outcome) };

/** What a transaction came to, of its operation's result. */
export const outcomeOf = ({ value }: OpResult & { ok: true }): TxOutcome =>
  value === committedText ? committed : (JSON.parse(value as string) as TxOutcome);
