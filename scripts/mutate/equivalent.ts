import { equivalentInGroups } from './equivalent-groups.js';

/**
 * Mutants that were reviewed and change nothing that a client, an operator or a test could see: they are not drawn. By id, with the
 * change and the reason. An id changes with the code that is mutated; `npm run mutate -- --stale` lists those that are gone.
 */
export const equivalent: Readonly<Record<string, readonly [change: string, reason: string]>> = {
  ...equivalentInGroups,
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
  ef89204c: [
    'lead.ts: this.#parked = []; → ;',
    'In `end`: nobody asks a primary that has ended for anything.',
  ],
  b7233f1e: [
    'lead.ts: stream.probing = stream.overwrite; → ;',
    'It is looked at only while the place is looked for, and is true then already.',
  ],
  '796bd060': [
    'node.ts: #revisionAtRead = 0 → 1',
    'It is set when a read begins, and looked at when one ends.',
  ],
  '045d3185': [
    'scan.ts: at < from || at % 8 !== 0 → at % 8 !== 0',
    'The search begins at a multiple of 8, so what is before it by less than 4 bytes is at none.',
  ],
  f17240ee: [
    'lmdb-verify.ts: this.meta?.pageSize ?? 0 → ?? 1',
    'The meta page is known before any other page is named.',
  ],
  '2dbf1803': ['lmdb-verify.ts: lastPage + 1 → lastPage + 2', 'Room for a page that nobody asks about.'],
  '8f5a4e2c': [
    'lmdb-verify.ts: second.transaction > first.transaction → >=',
    'They are equal only before anything was written, when both say the same.',
  ],
  '8f521e1e': [
    'lmdb-verify.ts: pageSize & (pageSize - 1) → pageSize & (pageSize - 2)',
    'Also zero for powers of two alone.',
  ],
  '3e63a402': [
    'lmdb-verify.ts: this.used[i] = 1 → 2',
    'Whether a page in use is beyond the end of the file is noticed when it is read.',
  ],
  '4d5d9bc8': [
    'lmdb-verify.ts: isLeaf ? … : 0 → 1',
    'Flags of a branch: a value in pages of its own is allowed, and its size not looked at.',
  ],
  '300fbe21': [
    'lmdb-verify.ts: i < sorted.length → <=',
    'Past the end there is undefined, which no node is.',
  ],
  fc3bb057: ['lmdb-verify.ts: list.length < 8 ? -1 → -2', 'Both are below 0.'],
  '77d0b34e': ['lmdb-verify.ts: word < 0 && length === 0 → word <= 0', 'A length of 0 is none.'],
  '14509679': ['lmdb-verify.ts: word < 0 && length === 0 → word < 1', 'A length of 0 is none.'],
  '6def3a52': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '99a4a6b9': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '9001179d': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '6d0675ac': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '00ad5568': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '6b06a294': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  edfedcf0: [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '6c4b53f7': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '0f77b41c': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '3b30b718': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  d4ea1c10: [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  '0a3bae7a': [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  '719e8a8f': [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  ffd9a987: [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  f0515c09: [
    'lead.ts: (stream.snapshot?.sent ?? 0) > 0 → (stream.snapshot?.sent ?? 1) > 0',
    'In that state there always is a snapshot: the default is for the compiler.',
  ],
  bbf8b057: [
    'replica.ts: while (hint > this.commit && this.log.epochAt(hint) === epoch) → while (false)',
    'Only the variant without `rejectKeepsCommon` comes there.',
  ],
  '57320237': [
    'lead.ts: stream.overwrite = false; → ;',
    'In `#startSnapshot`: while a snapshot is sent nobody looks at it, and what ends that sets it.',
  ],
  f2b18f42: [
    'lead.ts: behind && stream.isOverdue(…) → stream.isOverdue(…)',
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
  '7b46bd4c': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '57ef8934': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  e28d5dee: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  b626e6ec: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '8ad7e3ac': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '2c9a5cf6': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  cbbf81ca: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '7ebd83a5': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '12609486': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  dabad5ab: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '2ec298be': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  d997dc27: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  fc4a5751: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  efafd71e: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '6656d292': ['coverage.ts: record.entry.seq > need.maxSeq → >=', 'They are equal then.'],
  '72ba0fbf': [
    'lmdb-checkpoint.ts: kind + 1 → kind + 2',
    'Only what holds a partition is cleared, every kind of it; there is no kind 6.',
  ],
  '8e23eb99': [
    'lmdb-checkpoint.ts: this.inDoubt → true',
    'It looks at what it knows already: only what it costs.',
  ],
  c07e8c84: [
    'lmdb-checkpoint.ts: this.inDoubt = false; → ;',
    'It looks at what it knows already: only what it costs.',
  ],
  '5228a1b5': [
    'lmdb-checkpoint.ts: this.changed = []; → ; in undo()',
    'After a failed write the rows are read anew, into another object.',
  ],
  '34fb4558': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  '4b726116': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  '2916fd63': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  c0d5fa8a: [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  c8cf0624: [
    'scan.ts: at < this.start || … → …',
    'A file is read from front to back: nobody asks for what is before the window.',
  ],
  e3938bf7: [
    'scan.ts: Math.max(0, …) → Math.max(1, …)',
    'A byte after the end of the file is asked for, and there is none.',
  ],
  '49f3e7a8': [
    'scan.ts: Math.max(0, …) → Math.max(1, …)',
    'A byte after the end of the file is asked for, and there is none.',
  ],
  d90d7bfc: [
    'scan.ts: position < this.size → <=',
    'Nothing is read at the end of the file, and nothing is all zeros.',
  ],
  '5f388822': [
    'open.ts: Math.min(REWRITE_BYTES, bytes - at) → Math.max(…)',
    'More of the segment is written over itself: only what it costs.',
  ],
  '6b983cfd': ['open.ts: at < bytes → at <= bytes', 'Nothing is left there to be read and written.'],
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
    'Whoever is prepared, held or waits already does not come there: `onPrepare` has returned before.',
  ],
  '7d2c4ae7': [
    "tx-lead.ts: rows.get('prepared', tx) === undefined && !this.#held.has(tx) → its left side",
    'Whoever is prepared, held or waits already does not come there: `onPrepare` has returned before.',
  ],
  '9fbda96e': [
    "tx-lead.ts: rows.get('prepared', tx) === undefined && !this.#held.has(tx) → its right side",
    'Whoever is prepared, held or waits already does not come there: `onPrepare` has returned before.',
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
