/** Of the client's core, placement and what a replica keeps: several mutants for one reason. */
const groups: readonly (readonly [reason: string, ...mutants: readonly string[]])[] = [
  [
    'A number to tell requests apart by: where it begins is the same to everybody.',
    'f91ddbf1 client-core.ts: 1 → 2',
  ],
  [
    'A setting: how often a client that waits looks whether something is due.',
    '71a80618 client-core.ts: 10 → 11',
  ],
  [
    'There is a map when a request is made or refused: the default is for the compiler.',
    '15ef4527 client-core.ts: 1 → 2',
    '833215b2 client-core.ts: 0 → 1',
  ],
  [
    'To number and send what waits in an empty queue does nothing.',
    '3d220c74 client-core.ts: pending.session.queue.length > 0 → true',
    '93ac92b2 client-core.ts: > → >=',
  ],
  [
    'What is left of a list after all of it is taken is an empty list as well.',
    'ca3249da client-core.ts: taken === session.queue.length → false',
  ],
  [
    'A session that could not be opened waits for at least 2 ms; of one that is open the partition is not looked at.',
    'bef0c0f4 client-core.ts: s === session → true',
  ],
  [
    'It is set anew when the next OPEN is sent, and looked at only while one is under way.',
    '318eaa0e client-core.ts: session.rid = null; → ;',
  ],
  [
    'It is set anew when the call is numbered; until then the call is not sent.',
    '58f48993 client-core.ts: pending.session = null; → ;',
  ],
  [
    'Only of writes is it asked whether they may have run.',
    "11ce5b61 client-core.ts: pending.call.type === 'write' → true",
  ],
  ['The next line sets the time of the next try.', '56c1d6e3 client-core.ts: 0 → 1'],
  [
    'Looked at only while the session is neither open nor being opened.',
    "d656400c client-core.ts: session.state === 'none' → true",
  ],
  [
    'A session that is being opened is not pumped.',
    "d08a14a1 client-core.ts: session.state !== 'opening' → true",
  ],
  [
    'Writes past the end of a typed array, and undefined read there, change nothing.',
    '7d779da0 ring.ts: < → <=',
    '66382e5f ring.ts: < → <=',
    'bcd8531e ring.ts: < → <=',
    'c589425e ring.ts: dropped-condition at i < total && this.#points[i]! < bucket …',
    'dfe85c7d ring.ts: < → <=',
  ],
  [
    'Another size of the table: it says where the search for a point begins, not where it ends.',
    '3c26071a ring.ts: 22 → 23',
    '49c66b94 ring.ts: 1 → 2',
    '80a22947 ring.ts: 2 → 3',
    '9de8cbbe ring.ts: 2 → 3',
  ],
  [
    'No point comes before the beginning of the ring: the first part begins with point 0, which the table says already.',
    '54459f36 ring.ts: 0 → 1',
  ],
  [
    'Each member has a point: the walk has met all of them when it has gone round once.',
    '9dc81caa ring.ts: left > 0 && step < this.size → left > 0',
    'e3c54bc9 ring.ts: < → <=',
  ],
  [
    'After the last member only points of members already found remain.',
    'dc824ae8 ring.ts: left > 0 && step < this.size → step < this.size',
    '6064eb66 ring.ts: > → >=',
  ],
  [
    'Only whether it is below 0 is looked at; a list with equal ids is refused.',
    '46da68d0 ring.ts: 1 → 2',
    'c409f983 ring.ts: 1 → 2',
    '3cff3b4e ring.ts: 0 → 1',
    'b1053b94 ring.ts: a.id > b.id → false',
    'd626e531 ring.ts: > → >=',
    'c75ebec7 ring.ts: > → <=',
    'f22be74e ring.ts: < → <=',
  ],
  [
    'Only that each turn has another number than all before matters.',
    '4c024352 seats.ts: 0 → 1',
    '424d0242 seats.ts: 1 → 2',
  ],
  [
    'A shortcut: without it the search takes more steps to the same point.',
    '72e2cce1 seats.ts: next[root] === root → true',
    '9fe9fdb5 seats.ts: next[at] = root; → ;',
  ],
  [
    'When all are capped nobody looks at the level.',
    '00adf098 quotas.ts: > → >=',
    'd6eb6022 quotas.ts: 0 → 1',
  ],
  [
    'The bound is beyond the cap by a part in 10¹²: nothing is equal to it.',
    '96c2cdd5 quotas.ts: > → >=',
    '4e292675 quotas.ts: > → >=',
  ],
  ['Only which of two is less is looked at.', 'ab5920e6 quotas.ts: 1 → 2'],
  [
    'The sort is stable: equal ones stay in the order of their index.',
    '426330ea quotas.ts: dropped-condition at free(a) - free(b) || ideal[b]! - …',
    '4527c3f6 placement.ts: dropped-condition at primaryIdeal[b]! - room[b]! - …',
  ],
  [
    'The weight of one kind of cost against another: it is large enough either way.',
    'd5d71639 primaries.ts: 20 → 21',
    '4881ae11 primaries.ts: 2 → 3',
    '44563c26 primaries.ts: 10 → 11',
    'a18c03df replicas.ts: 2 → 3',
    '295db460 replicas.ts: 10 → 11',
  ],
  [
    'Replicas are placed before: no slot is empty by then.',
    'fdc9b8a5 primaries.ts: member !== NOBODY && state.has(p, member) → state.has(p, member)',
  ],
  [
    'Who may enter a partition is one of its replicas: that is how the partition was found.',
    '4444a063 primaries.ts: this.slots[p] === from && this.#state.has(p, to) → this.slots[p] === from',
  ],
  [
    'The one who leaves was read from the partition just before.',
    'fe0bcfa1 primaries.ts: this.slots[p] === from && this.#state.has(p, to) → this.#state.has(p, to)',
    'f9f32bf7 replicas.ts: this.#state.has(p, from) && this.#state.fits(p, to, from) → this.#state.fits(p, to, from)',
  ],
  [
    'It is longer by a step than the way there is already: nothing changes.',
    '925e7bfe primaries.ts: to !== from → true',
  ],
  [
    'Past the last partition there is nobody and nothing.',
    '1a4c9370 replicas.ts: < → <=',
    '35e27156 replicas.ts: < → <=',
    '906911a8 replicas.ts: < → <=',
    '061dbd4e placement-state.ts: < → <=',
    '1f21dbd0 placement-state.ts: < → <=',
  ],
  ['Those alone in their zone are looked at twice.', '4aea1382 replicas.ts: > → >='],
  [
    'Partitions that it did not hold are looked at as well; to enter them costs more than the way to it.',
    '802f6818 replicas.ts: this.distance[member]! < COPY → false',
  ],
  [
    'A distance is a whole number and some steps, and 0 at a start: never that whole number.',
    '3dd7bf36 replicas.ts: < → <=',
  ],
  [
    '`reach` looks itself whether the way is shorter.',
    '84bd6328 replicas.ts: this.distance[to]! > distance && state.fits(p, to, from) → state.fits(p, to, from)',
    'c883e21b replicas.ts: > → >=',
    'e1292c51 replicas.ts: this.distance[to]! > distance && !state.has(p, to) → !state.has(p, to)',
    'da46f2b6 replicas.ts: > → >=',
  ],
  [
    'It only saves looking at members that are near already.',
    '3246aa17 replicas.ts: this.#farthest[g]! <= distance → false',
    '36a02cee replicas.ts: <= → <',
    'c3d2cbfb replicas.ts: this.#farthest[g] = farthest; → ;',
  ],
  ['Nobody is looked at in an empty group.', '7f18ddea replicas.ts: group.length === 0 → false'],
  ['All members of such a group are of one zone, and there are several.', 'e27b7c93 replicas.ts: 0 → 1'],
  [
    'Smaller steps: of equally cheap paths the one of fewest is nearest all the same.',
    'a9913e6e flow.ts: 20 → 21',
  ],
  ['One more node, to which no path leads.', 'd9252299 flow.ts: 1 → 2', '5f89f51c rounding.ts: 1 → 2'],
  [
    'Past the members there is undefined, which is neither above nor below anything.',
    '689fa60b flow.ts: < → <=',
    'da38b2dc flow.ts: node < this.load.length && this.#room(node) < 0 → this.#room(node) < 0',
    '16fb85f8 flow.ts: < → <=',
  ],
  [
    'When all that is too much has been carried, no path begins anywhere.',
    '0b842b1f flow.ts: carried < starts && this.#room(end) > 0 → this.#room(end) > 0',
    '2cebcf96 flow.ts: < → <=',
    '1a16ce96 flow.ts: 1 → 2',
  ],
  [
    'A way exists for every input: it is there to end a search that found none.',
    'd6db61cf flow.ts: carried === 0 → false',
  ],
  [
    'A way of the same length is looked at again, and nothing is found to be nearer: every way costs at least a step.',
    'c06bed92 flow.ts: >= → >',
  ],
  [
    'A node is looked at more often, and found as it was.',
    '02fa6846 flow.ts: this.#queued[node] === 1 → false',
    '190ba31f flow.ts: 1 → 2',
    '40b0073c flow.ts: this.#queued[node] = 1; → ;',
    '022ca670 flow.ts: 1 → 2',
    'a6b3f282 flow.ts: this.#queue = []; → ;',
  ],
  [
    'It guards against a mistake in the prices: no input comes there.',
    '3507b3ef flow.ts: distance - Math.floor(distance) > this.distance.length * STEP → false',
    '131aaba7 flow.ts: > → >=',
  ],
  ['It sets the same value again.', '1fcb3940 flow.ts: < → <='],
  [
    'Who has too much when the distances are found is a start, and nobody gets too much later.',
    '869b238f flow.ts: dropped-condition at node < this.load.length && …',
  ],
  [
    'A partition that cannot be left so cheaply is looked at, and no step found.',
    '68846b6a flow.ts: this.#used[via] === 1 || this.#base[via]! > distance[to]! → this.#used[via] === 1',
  ],
  ['The next partition is looked at as well, and `allowed` refuses its members.', '16f500cf flow.ts: < → <='],
  [
    'A price is not below 0: what is too far away fails the second condition, too.',
    'c6d5b531 flow.ts: dropped-condition at base < before || base - (from === …',
  ],
  [
    'No zone has the number of an empty slot.',
    'cf06a44d placement-state.ts: other !== NOBODY && other !== leaving → other !== leaving',
  ],
  [
    'Past the last zone nothing is kept, and nothing due.',
    '7dae0ea9 placement.ts: < → <=',
    'a325a485 placement.ts: < → <=',
  ],
  [
    'The loop below ends before its first turn.',
    '6b135c1c placement.ts: state.load[member]! <= quota[member]! → false',
    '973a8860 placement.ts: <= → <',
  ],
  ['No character follows the end, so this adds nothing.', 'd6f2edcb hash.ts: < → <='],
  [
    '`beyondAscii` gives ASCII the same hash, more slowly.',
    '391a320f hash.ts: > → >=',
    '27af5879 hash.ts: > → >=',
    'a75d23f8 hash.ts: (a | b | c | d) > 0x7f → true',
    'd3c6ba1b hash.ts: a > 0x7f → true',
  ],
  [
    'The same members, partitions or entries in a new object or list.',
    'a1d18b5b changes.ts: change.members.size === 0 → false',
    '16e0e7ad changes.ts: > → >=',
    '1b89a8f8 changes.ts: !changed → false',
    '837b61f4 stream.ts: done > 0 → true',
    '664de7ff stream.ts: > → >=',
  ],
  [
    'It sets the value that is there.',
    '1db7cf61 grants.ts: > → >=',
    'ad4db0d2 log-check.ts: < → <=',
    '50ec9686 stream.ts: > → >=',
  ],
  [
    'Nobody asks up to where a log agrees that is checked already.',
    'fc5dc585 log-check.ts: dropped-condition at !this.done && (this.#through === null …',
  ],
  ['It is set when the entry comes into a log.', 'cfbcbfac log.ts: 0 → 1'],
  [
    'Before the first entry there is undefined.',
    'be1dc163 log.ts: seq <= this.#baseSeq → false',
    '63705744 log.ts: <= → <',
  ],
  [
    'When nothing may go, the loop below ends before its first turn.',
    'd9b86f7b log.ts: most <= 0 → false',
    '02965e42 log.ts: <= → <',
  ],
  [
    'More than twice is kept of one or the other, so the first entry always goes.',
    '4f8effac log.ts: count === 0 → false',
  ],
  ['Set by `attach`; before that all is overdue.', '7a87cde0 stream.ts: 0 → 1'],
  [
    'The table says where the search for a point begins: from further back it finds the same, more slowly.',
    'd4b48701 ring.ts: i < total && this.#points[i]! < bucket * 2 ** this.#shift → false',
    'fec930a5 ring.ts: this.#buckets[bucket] = i; → ;',
    'dc25aac4 ring.ts: 1 → 2',
  ],
];

export const equivalentInGroups: Readonly<Record<string, readonly [change: string, reason: string]>> =
  Object.fromEntries(
    groups.flatMap(([reason, ...mutants]) =>
      mutants.map((mutant) => [mutant.slice(0, 8), [mutant.slice(9), reason] as const] as const),
    ),
  );
