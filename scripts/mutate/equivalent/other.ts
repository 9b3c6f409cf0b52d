import type { Equivalent } from './types.js';

export const other: Equivalent = {
  '343dbbc4': [
    'log-shipping.ts: stream.overwrite = false; → ;',
    'In `#startSnapshot`: while a snapshot is sent nobody looks at it, and what ends that sets it.',
  ],
  '111d268c': [
    'ring.ts: i < points.length && points[i]! < hash → points[i]! < hash',
    'Past the end there is undefined, which is not less than any number: the loop ends there as well.',
  ],
  '01775b7e': [
    'primary.ts: this.#parked.length > 0 && this.#yielding === null → this.#yielding === null',
    'To take up an empty list of parked requests does nothing.',
  ],
  b4684a07: [
    'in-sync-set.ts: pending === null || pending.inSync.includes(stream.replica) → pending === null',
    'Only the variant without `shrinkAfterConfirm` ever has a configuration there: it is always null.',
  ],
  '664d4d13': [
    'in-sync-set.ts: pending === null || pending.inSync.includes(stream.replica) → true',
    'Only the variant without `shrinkAfterConfirm` ever has a configuration there: it is always null.',
  ],
  '4da1e4e4': [
    'placement.ts: n < state.width → n <= state.width',
    'One more try for an empty slot: either none is left, or the try before found nobody, and nobody has become free since.',
  ],
  '7b9b4ac5': [
    'log-shipping.ts: stream.probing = stream.overwrite; → ;',
    'It is looked at only while the place is looked for, and is true then already.',
  ],
  '802a6557': [
    'map-reads.ts: #revisionBefore = 0 → 1',
    'It is set when a read begins, and looked at when one ends.',
  ],
  '15847bae': [
    'following.ts: while (hint > commit && log.epochAt(hint) === epoch) → while (false)',
    'Only the variant without `rejectKeepsCommon` comes there.',
  ],
  c4c48138: [
    'log-shipping.ts: behind && stream.isOverdue(…) → stream.isOverdue(…)',
    'One that is not behind has just made progress, and is not overdue.',
  ],
  '10c65614': [
    'placement.ts: wanted[p] === member ? 0 : RING → ? 1 : RING',
    'All of one kind move by one: a hash is below RING, so they still come before the others.',
  ],
  '934bd7a3': [
    'changes.ts: change.targets.size > 0 or change.partitions.size > 0 → >= 0',
    'Without a change each partition is what it was: the list is made anew for nothing.',
  ],
  '6ea7f751': ['digest.ts: new Float64Array(1) → new Float64Array(2)', 'Only the first number is used.'],
  bd446652: [
    'sessions.ts: first - session.first <= session.results.size → false',
    'Either loop forgets the same results: it only saves steps.',
  ],
  '2520de4a': [
    'sessions.ts: first - session.first <= session.results.size → <',
    'Either loop forgets the same results: it only saves steps.',
  ],
  '3ab33242': [
    'rows.ts: else if (!this.#passing) → else',
    'Of passing rows only those that the checkpoint has are ever dirty.',
  ],
  '69c706b9': [
    "rows.ts: kind !== 'lock' && kind !== 'fence' → kind !== 'lock'",
    'It decides how new rows are found, not which.',
  ],
  '7646a904': [
    "rows.ts: kind !== 'lock' && kind !== 'fence' → kind !== 'fence'",
    'It decides how new rows are found, not which.',
  ],
  c9b24e76: [
    "rows.ts: kind !== 'lock' && kind !== 'fence' → kind !== 'lock' && kind === 'fence'",
    'It decides how new rows are found, not which.',
  ],
  '23b863bc': [
    'size.ts: sizeOf(command) * longest <= bytes || bytesOf(command) <= bytes → bytesOf(command) <= bytes',
    'It only saves counting the bytes.',
  ],
  '67b2e864': [
    'size.ts: sizeOf(command) * longest <= bytes → <',
    'At the bound the bytes are counted, and are no more.',
  ],
  afadb038: ['size.ts: sizeOfItems(items) * longest <= bytes → false', 'It only saves counting the bytes.'],
  b1471f5e: [
    'size.ts: sizeOfItems(items) * longest <= bytes → <',
    'At the bound the bytes are counted, and are no more.',
  ],
  e313ad05: ['transactions.ts: if (by > 0) hold.plus += … → by >= 0', 'Nothing is added to either sum.'],
  '6699b533': [
    'copies.ts: map !== null && map.revision > this.#known → map !== null',
    '`#remember` does nothing with a map that is not newer.',
  ],
  c881376e: [
    'copies.ts: map.revision > this.#known → >=, in `readFrom`',
    '`#remember` does nothing with a map that is not newer.',
  ],
  '42c721e2': [
    'copies.ts: map.revision > this.#known → true, in `#given`',
    '`#remember` does nothing with a map that is not newer.',
  ],
  be363eb3: [
    'copies.ts: map.revision > this.#known → >=, in `#given`',
    '`#remember` does nothing with a map that is not newer.',
  ],
  '09ab4954': [
    'directory.ts: this.watching.seen > expected || !(await this.isNewest(expected)) → !(await this.isNewest(expected))',
    'The watch only says sooner what the folder says.',
  ],
  c021ba91: [
    'in-sync-set.ts: stream.candidate && this.#replica.pending === null → stream.candidate',
    'Asked only while nothing is pending: the primary proposes no configuration before a publish has ended.',
  ],
  '49e561de': [
    'copy.ts: #flyingMark = 0 → 1',
    'It is set when a batch is taken, and looked at when that batch is durable.',
  ],
  '2cc290e7': [
    'log-shipping.ts: seq < log.baseSeq → <=',
    'At the base itself both ways give the base: the place asked about is at least one entry further.',
  ],
};
