/**
 * Mutants that were reviewed and change nothing that a client, an operator or a test could see: they are not drawn. By id, with the
 * change and the reason. An id changes with the code that is mutated; `npm run mutate -- --stale` lists those that are gone.
 */
export const equivalent: Readonly<Record<string, readonly [change: string, reason: string]>> = {
  '111d268c': [
    'ring.ts: i < points.length && points[i]! < hash → points[i]! < hash',
    'Past the end there is undefined, which is not less than any number: the loop ends there as well.',
  ],
  dac68a86: [
    'lead.ts: this.#parked.length > 0 && this.#yielding === null → this.#yielding === null',
    'To take up an empty list of parked requests does nothing.',
  ],
  '5529b1df': [
    'lead.ts: pending === null || pending.inSync.includes(stream.replica) → pending === null',
    'Only the variant without `shrinkAfterConfirm` ever has a configuration there: it is always null.',
  ],
  '68d8dd22': [
    'lead.ts: pending === null || pending.inSync.includes(stream.replica) → true',
    'Only the variant without `shrinkAfterConfirm` ever has a configuration there: it is always null.',
  ],
  '4da1e4e4': [
    'placement.ts: n < state.width → n <= state.width',
    'One more try for an empty slot: either none is left, or the try before found nobody, and nobody has become free since.',
  ],
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
};
