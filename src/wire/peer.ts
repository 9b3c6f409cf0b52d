import type { Append, PeerMessage, SentEntry } from '../core/messages.js';
import { limits } from '../limits.js';
import {
  asFields,
  bad,
  type Fields,
  isArray,
  isCount,
  isNode,
  isPartition,
  isReplica,
  isTime,
  onlyFields,
  want,
} from './check.js';
import { checkCommand } from './commands.js';

/** The message of one type. */
export type Peer<T extends PeerMessage['type']> = Extract<PeerMessage, { type: T }>;

/**
 * The decoders of what nodes tell one another: from the `params` of a notification to the core's message, or
 * `bad-message`. Each rebuilds the message from checked fields, so the core always sees one shape of object.
 */
export function decodeAppend(params: unknown): Peer<'append'> {
  const m = asFields(params, 'append') as Fields & {
    readonly to: unknown;
    readonly incarnation: unknown;
    readonly appends: unknown;
  };
  if (!isReplica(m.to)) bad('append.to', want.replica);
  if (!isArray(m.appends)) bad('append.appends', 'a list');
  if (!isCount(m.incarnation)) bad('append.incarnation', want.count);
  onlyFields(m, 3, 'append');
  return { type: 'append', to: m.to, incarnation: m.incarnation, appends: m.appends.map(decodeOne) };
}

function decodeOne(value: unknown): Append {
  if (!isArray(value) || value.length !== 11) bad('append.appends[]', appendFields);
  for (let i = 0; i < 8; i++) if (!isCount(value[i])) bad(`append.appends[][${i}]`, want.count);
  const [p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit] = value as number[] as Eight;
  if (!isPartition(p)) bad('append.appends[][0]', want.partition);
  const [counted, digest, list] = value.slice(8);
  if (counted !== 0 && counted !== 1) bad('append.appends[][8]', '0 or 1');
  if (typeof digest !== 'string' || !/^([0-9a-f]{16})?$/.test(digest))
    bad('append.appends[][9]', '16 hexadecimal digits or nothing');
  if (!isArray(list)) bad('append.appends[][10]', 'a list');
  const entries = list.map(decodeEntry);
  const place = { p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit };
  return { ...place, counted: counted === 1, digest, entries };
}

type Eight = [number, number, number, number, number, number, number, number];

const appendFields =
  'a list of partition, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit, counted (0 or 1), digest and entries';

function decodeEntry(value: unknown): SentEntry {
  if (!isArray(value) || value.length !== 2) bad('append entries[]', 'a pair of epoch and command');
  if (!isCount(value[0])) bad('append entries[][0]', want.count);
  return { epoch: value[0], command: checkCommand(value[1], 'append entries[][1]') };
}

export function decodeAck(params: unknown): Peer<'ack'> {
  const m = asFields(params, 'ack') as Fields & Peer<'ack'>;
  if (!isReplica(m.from)) bad('ack.from', want.replica);
  const { acks } = m;
  if (!isArray(acks) || acks.length % 4 !== 0 || acks.length > 4 * limits.partitions)
    bad('ack.acks', 'a list of fours of partition, epoch, stream and match');
  for (let i = 0; i < acks.length; i++) {
    if (!isCount(acks[i])) bad('ack.acks[]', want.count);
    if (i % 4 === 0 && !isPartition(acks[i])) bad('ack.acks[]', want.partition);
  }
  onlyFields(m, 2, 'ack');
  return { type: 'ack', from: m.from, acks };
}

export function decodeReject(params: unknown): Peer<'reject'> {
  const m = stream(params, 'reject') as Fields & Peer<'reject'>;
  if (!isReplica(m.from)) bad('reject.from', want.replica);
  if (!isCount(m.hintSeq)) bad('reject.hintSeq', want.count);
  if (!isCount(m.hintEpoch)) bad('reject.hintEpoch', want.count);
  if (!isCount(m.tailSeq)) bad('reject.tailSeq', want.count);
  if (!isCount(m.tailEpoch)) bad('reject.tailEpoch', want.count);
  onlyFields(m, 8, 'reject');
  const { p, epoch, from, hintSeq, hintEpoch, tailSeq, tailEpoch } = m;
  return { type: 'reject', p, epoch, stream: m.stream, from, hintSeq, hintEpoch, tailSeq, tailEpoch };
}

export function decodeTailAsk(params: unknown): Peer<'tail-ask'> {
  const m = asFields(params, 'tail-ask') as Fields & Peer<'tail-ask'>;
  if (!isPartition(m.p)) bad('tail-ask.p', want.partition);
  if (!isReplica(m.to)) bad('tail-ask.to', want.replica);
  if (!isCount(m.question)) bad('tail-ask.question', want.count);
  onlyFields(m, 3, 'tail-ask');
  return { type: 'tail-ask', p: m.p, to: m.to, question: m.question };
}

export function decodeTail(params: unknown): Peer<'tail'> {
  const m = asFields(params, 'tail') as Fields & Peer<'tail'>;
  if (!isPartition(m.p)) bad('tail.p', want.partition);
  if (!isReplica(m.from)) bad('tail.from', want.replica);
  for (const field of ['question', 'epoch', 'seq'] as const)
    if (!isCount(m[field])) bad(`tail.${field}`, want.count);
  onlyFields(m, 5, 'tail');
  const { p, from, question, epoch, seq } = m;
  return { type: 'tail', p, from, question, epoch, seq };
}

export function decodeStale(params: unknown): Peer<'stale'> {
  const m = asFields(params, 'stale') as Fields & Peer<'stale'>;
  if (!isPartition(m.p)) bad('stale.p', want.partition);
  if (!isCount(m.promised)) bad('stale.promised', want.count);
  onlyFields(m, 2, 'stale');
  return { type: 'stale', p: m.p, promised: m.promised };
}

export function decodeSnapshot(params: unknown): Peer<'snapshot'> {
  const m = stream(params, 'snapshot') as Fields & Peer<'snapshot'>;
  if (!isCount(m.gen)) bad('snapshot.gen', want.count);
  if (!isReplica(m.to)) bad('snapshot.to', want.replica);
  if (!isCount(m.index)) bad('snapshot.index', want.count);
  if (typeof m.last !== 'boolean') bad('snapshot.last', 'true or false');
  if (typeof m.chunk !== 'string' || m.chunk.length > limits.snapshotChunk) {
    bad('snapshot.chunk', `text of at most ${limits.snapshotChunk} UTF-16 units`);
  }
  onlyFields(m, 8, 'snapshot');
  const { p, gen, epoch, to, index, last, chunk } = m;
  return { type: 'snapshot', p, gen, epoch, stream: m.stream, to, index, last, chunk };
}

export function decodeSnapshotAck(params: unknown): Peer<'snapshot-ack'> {
  const m = stream(params, 'snapshot-ack') as Fields & Peer<'snapshot-ack'>;
  if (!isReplica(m.from)) bad('snapshot-ack.from', want.replica);
  if (!isCount(m.index)) bad('snapshot-ack.index', want.count);
  onlyFields(m, 5, 'snapshot-ack');
  return { type: 'snapshot-ack', p: m.p, epoch: m.epoch, stream: m.stream, from: m.from, index: m.index };
}

export function decodeBeacon(params: unknown): Peer<'beacon'> {
  const m = beacon(params, 'beacon') as Fields & Peer<'beacon'>;
  const { claims } = m;
  if (!isArray(claims) || claims.length % 2 !== 0 || claims.length > 2 * limits.partitions) {
    bad('beacon.claims', 'a list of pairs of partition and epoch');
  }
  for (let i = 0; i < claims.length; i += 2) {
    if (!isPartition(claims[i])) bad('beacon.claims[]', want.partition);
    if (!isCount(claims[i + 1])) bad('beacon.claims[]', want.count);
  }
  const { silent, back } = m;
  checkNodes(silent, 'beacon.silent');
  checkNodes(back, 'beacon.back');
  onlyFields(m, 6, 'beacon');
  const { incarnation, sentAt, revision } = m;
  return { type: 'beacon', incarnation, sentAt, revision, claims, silent, back };
}

function checkNodes(value: unknown, where: string): void {
  if (!isArray(value) || value.length > limits.members) bad(where, 'a list of nodes');
  for (let i = 0; i < value.length; i++) if (!isNode(value[i])) bad(`${where}[]`, want.node);
}

export function decodeBeaconAck(params: unknown): Peer<'beacon-ack'> {
  const m = beacon(params, 'beacon-ack') as Fields & Peer<'beacon-ack'>;
  const { denied } = m;
  if (!isArray(denied) || denied.length > limits.partitions) bad('beacon-ack.denied', 'a list of partitions');
  for (let i = 0; i < denied.length; i++)
    if (!isPartition(denied[i])) bad('beacon-ack.denied[]', want.partition);
  onlyFields(m, 4, 'beacon-ack');
  return { type: 'beacon-ack', incarnation: m.incarnation, sentAt: m.sentAt, revision: m.revision, denied };
}

/** Checks what every message of a replication stream has: partition, epoch, stream. */
function stream(params: unknown, type: string): Fields {
  const m = asFields(params, type) as Fields & { p: unknown; epoch: unknown; stream: unknown };
  if (!isPartition(m.p)) bad(`${type}.p`, want.partition);
  if (!isCount(m.epoch)) bad(`${type}.epoch`, want.count);
  if (!isCount(m.stream)) bad(`${type}.stream`, want.count);
  return m;
}

/** Checks what beacons and their acks share. `sentAt` is the sender's clock in ms, whatever its origin. */
function beacon(params: unknown, type: string): Fields {
  const m = asFields(params, type) as Fields & { incarnation: unknown; sentAt: unknown; revision: unknown };
  if (!isCount(m.incarnation)) bad(`${type}.incarnation`, want.count);
  if (!isTime(m.sentAt)) bad(`${type}.sentAt`, want.time);
  if (!isCount(m.revision)) bad(`${type}.revision`, want.count);
  return m;
}
