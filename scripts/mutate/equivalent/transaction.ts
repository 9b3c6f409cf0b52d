import type { Equivalent } from './types.js';

export const transaction: Equivalent = {
  '78c638d0': [
    'tx-lead.ts: c.pauseAt !== null && now - c.since >= limits.txPauseMs → now - c.since >= limits.txPauseMs',
    'It sets `pauseAt` to null, which it is already.',
  ],
  '5e62cc51': [
    'tx-lead.ts: rules.answerWhenStaged || !this.#held.has(c.tx) → rules.answerWhenStaged',
    'The rule always holds in production; only a variant looks at the rest.',
  ],
  '737f7c98': [
    'tx-lead.ts: this.#held.size === 0 && this.#host.machine.intents.size === 0 → false',
    'Nothing is held, so nothing is found either: it only saves the search.',
  ],
  '55cb58d0': [
    'tx-lead.ts: this.#held.size > 0 → true',
    'Nothing is held, so nothing is found either: it only saves the search.',
  ],
  '38b6563f': ['traces.ts: seq ?? -1 → seq ?? -2', 'Both are below 0, which means none.'],
  '6bf77a84': ['traces.ts: yes === null ? -1 → ? -2', 'Both are below 0, which means none.'],
  dfad72cf: [
    'traces.ts: a default of 0 → 1',
    'There always are five numbers: the default is for the compiler.',
  ],
  '12ccfdf1': [
    'traces.ts: a default of 0 → 1',
    'There always are five numbers: the default is for the compiler.',
  ],
  '0ab69a57': [
    'traces.ts: a default of 0 → 1',
    'There always are five numbers: the default is for the compiler.',
  ],
  f36e091b: [
    'traces.ts: a default of 0 → 1',
    'There always are five numbers: the default is for the compiler.',
  ],
  '9351cfd6': [
    'traces.ts: a default of 0 → 1',
    'There always are five numbers: the default is for the compiler.',
  ],
  '4a194422': ['traces.ts: slice(i, i + 5) → slice(i, i + 6)', 'Five names are taken from it.'],
  '5f593b7e': [
    'traces.ts: oldest !== undefined → true',
    'More traces than the limit are kept at that point: there is an oldest one.',
  ],
  b1d56c7f: [
    'tx-lead.ts: #forgetAt = 0 → 1',
    'It is set when the first transaction is to be forgotten, and read only while there is one.',
  ],
  '05660e25': [
    'tx-lead.ts: this.#held.size > 0 → >= 0',
    'Nothing is held, so nothing is found either: it only saves the search.',
  ],
  ad62fcea: [
    'tx-lead.ts: intents.size === 0 → false',
    'Nothing is held, so nothing is found either: it only saves the search.',
  ],
  '2159d51b': ['tx-lead.ts: this.#waiting.length === 0 → false', 'In `#wake`: to wake nobody does nothing.'],
  '8f15f081': [
    'tx-lead.ts: tx < other → tx <= other',
    'No transaction is in its own way, so the two are never the same.',
  ],
  '914810fc': [
    'tx-lead.ts: !c.deciding && this.#host.open → this.#host.open',
    'Every caller has returned before when it is being decided.',
  ],
  dac115cd: [
    "tx-lead.ts: rows.get('record', m.tx) === undefined → false",
    'In `onFinished`: only the variant without `decisionDurable` has a commit there without a record.',
  ],
  d63dbacb: [
    'tx-lead.ts: machine.lookup(session, n, 0) → lookup(session, n, 1)',
    'It is compared with the first number that the session still wants, which is never below 1.',
  ],
  f18d8d96: ['tx-lead.ts: reads.length > 0 → >= 0', 'No reads are no units either.'],
  fdf0dd32: [
    "tx-lead.ts: rows.get('prepared', tx) === undefined && !this.#held.has(tx) → true",
    'A transaction that is prepared, held or waiting never gets there: `onPrepare` returns before.',
  ],
  '7d2c4ae7': [
    "tx-lead.ts: rows.get('prepared', tx) === undefined && !this.#held.has(tx) → its left side",
    'A transaction that is prepared, held or waiting never gets there: `onPrepare` returns before.',
  ],
  '9fbda96e': [
    "tx-lead.ts: rows.get('prepared', tx) === undefined && !this.#held.has(tx) → its right side",
    'A transaction that is prepared, held or waiting never gets there: `onPrepare` returns before.',
  ],
  '7d638ccd': [
    'tx-lead.ts: this.#finishing.delete(tx); → ;',
    'In `decided`: the same transaction is never staged again, so nobody asks for it there. It only takes memory.',
  ],
  '595a5850': [
    'tx-lead.ts: this.#coordinated.has(tx) → false',
    'In `#adopt`: whatever begins has it called before, and no transaction has both a record and a part that is staged.',
  ],
  '34d18a32': [
    'tx-lead.ts: this.#coordinated.has(tx) → false',
    'In `#adopt`: whatever begins has it called before, and no transaction has both a record and a part that is staged.',
  ],
};
