import type { PeerMessage } from '../core/messages.js';
import { limits } from '../limits.js';
import * as peer from './peer.js';
import * as peerTx from './peer-tx.js';
import * as requests from './requests.js';
import { badMessage, rpcCodes } from './rpc-errors.js';

/** Everything one connection may call at the other end. */
export type Call = PeerMessage | requests.AnyRequest;

/** What there is to say of one method. */
export interface Method<M extends { readonly type: string }> {
  readonly kind: 'request' | 'notification';
  /** The role (see the handshake) of the connection that may call it. */
  readonly from: 'client' | 'node';
  readonly summary: string;
  /** From the message's `params` to the core's message; throws `bad-message`, `key-invalid` or `value-too-large`. */
  readonly params: (params: unknown) => M;
  /** What each field of `params` means. A type parameter: a field that is missing here does not compile. */
  readonly fields: { readonly [F in Exclude<keyof M, 'type'>]: string };
  /** What a request answers. */
  readonly result?: string;
}

/** A peer message is a notification, anything else a request: a message type without its method does not compile. */
type Methods = {
  readonly [T in Call['type']]: Method<Extract<Call, { type: T }>> &
    (T extends PeerMessage['type']
      ? { readonly kind: 'notification'; readonly from: 'node' }
      : { readonly kind: 'request'; readonly from: 'client'; readonly result: string });
};

const p = 'The partition’s number.';
const epoch = 'The epoch of the partition’s primary.';
const stream = 'The attachment of primary and replica this belongs to.';
const from = 'The replica (`node/store`) that sends this.';
const to = 'The replica (`node/store`) this is meant for.';
const session = 'The session’s identity, `gen.seq` of the entry that opened it.';

const n = 'The operation’s number in its session.';
const first = 'Results of operations before this number are no longer needed.';
const tx = 'The transaction, `partition:session:n` of its anchor.';
const anchor = 'The partition that coordinates the transaction and holds its outcome.';
const asking = 'The epoch of the anchor’s primary that asks.';
const participant = 'The partition whose primary sends this.';
const at =
  'When the transaction was first attempted, on its client’s clock in ms: the older waits, the younger gives way.';
const items =
  '`{type: "check", key, equals}` (text, number or null for nothing), `{type: "version", key, version}`, ' +
  '`{type: "get", key}`, `{type: "put", key, value}`, `{type: "delete", key}` or `{type: "incr", key, by}`';

/** THE registry of methods: docs/METHODS.md is made from it. */
export const methods: Methods = {
  append: {
    kind: 'notification',
    from: 'node',
    summary: 'Primaries send log entries (or none, to carry the commit point) to a replica.',
    params: peer.decodeAppend,
    fields: {
      to,
      incarnation: 'Which start of that replica’s store it is for; any other ignores it.',
      appends:
        'For each partition `[p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit, counted, digest, entries]`: its number and generation (which rises ' +
        'only by unclean recovery), the epoch of its primary, the attachment of primary and replica; number and epoch of the entry ' +
        'before the first of `entries`, and the running checksum of the log up to it; up to which number entries are committed; 1 if the primary counts this replica as in sync; the digest of the state there, or nothing; pairs `[epoch, command]`, numbered from `prevSeq + 1`.',
    },
  },
  ack: {
    kind: 'notification',
    from: 'node',
    summary: 'A node says how much its replicas have durably.',
    params: peer.decodeAck,
    fields: {
      from,
      acks:
        'Partition, epoch, stream, match, partition, …: the epoch and attachment it answers, and the number of the last durable entry ' +
        'that agrees with the primary’s log.',
    },
  },
  reject: {
    kind: 'notification',
    from: 'node',
    summary: 'An append did not fit the replica’s log.',
    params: peer.decodeReject,
    fields: {
      p,
      epoch,
      stream,
      from,
      hintSeq: 'Where the logs might still agree.',
      hintEpoch: 'The epoch of the replica’s entry there.',
      tailSeq: 'The number of the replica’s last entry.',
      tailEpoch: 'The epoch of the replica’s last entry.',
    },
  },
  'tail-ask': {
    kind: 'notification',
    from: 'node',
    summary: 'A replica that has started asks how far another’s log goes, before it leads.',
    params: peer.decodeTailAsk,
    fields: { p, to, question: 'The answer bears the same number.' },
  },
  tail: {
    kind: 'notification',
    from: 'node',
    summary: 'How far a replica’s log goes.',
    params: peer.decodeTail,
    fields: {
      p,
      from,
      question: 'That of the question.',
      epoch: 'The epoch of the last entry.',
      seq: 'The number of the last entry.',
    },
  },
  stale: {
    kind: 'notification',
    from: 'node',
    summary: 'The receiver’s epoch is over.',
    params: peer.decodeStale,
    fields: { p, promised: 'The newer epoch that was promised.' },
  },
  snapshot: {
    kind: 'notification',
    from: 'node',
    summary: 'A piece of the whole state of a partition, for a replica the log no longer reaches.',
    params: peer.decodeSnapshot,
    fields: {
      p,
      gen: 'The partition’s generation.',
      epoch,
      stream,
      to,
      index: 'Which piece, from 0.',
      last: 'Is it the last one?',
      chunk: `A piece of the snapshot’s lines, each the JSON of one item, at most ${limits.snapshotChunk} UTF-16 units.`,
    },
  },
  'snapshot-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'A piece of a snapshot has arrived.',
    params: peer.decodeSnapshotAck,
    fields: { p, epoch, stream, from, index: 'Which piece, from 0.' },
  },
  beacon: {
    kind: 'notification',
    from: 'node',
    summary: 'A node is alive and asks for its leases, all partitions at once.',
    params: peer.decodeBeacon,
    fields: {
      incarnation: 'Which start of the sender this is.',
      sentAt: 'The sender’s clock, in ms; the ack echoes it.',
      revision: 'The revision of the map the sender knows.',
      claims: 'Partition, epoch, partition, epoch, …: those the sender is primary of.',
      silent: 'Members it has not heard for so long that their replicas ought to be rebuilt.',
      back: 'Members that are out, or only join, and that it has heard for long enough.',
    },
  },
  'beacon-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'Grants the leases a beacon asked for, but for those denied.',
    params: peer.decodeBeaconAck,
    fields: {
      incarnation: 'Which start of the sender this is.',
      sentAt: 'As in the beacon.',
      revision: 'The revision of the map the sender knows.',
      denied: 'The partitions of the beacon that are not granted.',
    },
  },
  'tx-prepare': {
    kind: 'notification',
    from: 'node',
    summary: 'The anchor of a transaction asks a partition to prepare its part.',
    params: peerTx.decodeTxPrepare,
    fields: { p, tx, anchor, epoch: asking, at, items: `The items of that partition, each ${items}.` },
  },
  'tx-ask': {
    kind: 'notification',
    from: 'node',
    summary: 'A new primary of the anchor asks whether a partition has prepared its part of a transaction.',
    params: peerTx.decodeTxAsk,
    fields: { p, tx, anchor, epoch: asking },
  },
  'tx-vote': {
    kind: 'notification',
    from: 'node',
    summary: 'A partition has prepared its part of a transaction, or refuses to.',
    params: peerTx.decodeTxVote,
    fields: {
      p: 'The anchor’s number.',
      tx,
      from: participant,
      epoch: 'Of a refusal: the epoch of the primary that asked; an older one’s does not count. 0 in a yes.',
      seq: 'The number of the entry by which it prepared; 0 when it did not.',
      yes: 'It has prepared, and can commit and abort from now on.',
      reads: 'What it read, as `[key, value, version]`.',
      reason:
        'Why not: `check`, `stale`, `conflict`, `wrong-type`, `overflow`, `unavailable`, …; without meaning in a yes.',
      message: 'The same in words.',
    },
  },
  'tx-finish': {
    kind: 'notification',
    from: 'node',
    summary: 'The anchor tells a partition what was decided.',
    params: peerTx.decodeTxFinish,
    fields: {
      p,
      tx,
      anchor,
      commit: 'Whether the writes are to be done.',
      seq: 'The entry by which that partition prepared: a prepare of another entry is dropped; 0: whichever there is.',
    },
  },
  'tx-finished': {
    kind: 'notification',
    from: 'node',
    summary: 'A partition has done what was decided, and holds nothing of the transaction any more.',
    params: peerTx.decodeTxFinished,
    fields: { p: 'The anchor’s number.', tx, from: participant },
  },
  'tx-query': {
    kind: 'notification',
    from: 'node',
    summary: 'A partition that has prepared asks the anchor what was decided.',
    params: peerTx.decodeTxQuery,
    fields: {
      p: 'The anchor’s number.',
      tx,
      from: participant,
      seq: 'The number of the entry by which it prepared.',
    },
  },
  open: {
    kind: 'request',
    from: 'client',
    summary: 'Opens a session: a client’s identity for exactly-once operations on one partition.',
    params: requests.decodeOpen,
    fields: { p },
    result: '`{session}`',
  },
  close: {
    kind: 'request',
    from: 'client',
    summary: 'Ends a session.',
    params: requests.decodeClose,
    fields: { p, session },
    result: '`{}`',
  },
  write: {
    kind: 'request',
    from: 'client',
    summary: 'Does an operation exactly once, however often it is sent under the same session and number.',
    params: requests.decodeWrite,
    fields: {
      session,
      n,
      first,
      op:
        '`{type: "incr", key, by}`, `{type: "reset", key, value}`, ' +
        '`{type: "put", key, value, ifVersion?, fence?: {name, token}}`, `{type: "delete", key, ifVersion?}`, ' +
        '`{type: "resolve", key}`, `{type: "tx", key, items}` (all of one partition), ' +
        `\`{type: "acquire", key, ttl, wait, permits}\` (ttl: ${limits.lockTtlLeastMs} to ${limits.lockTtlMostMs} ms, ` +
        `permits: 1 to ${limits.lockPermits}), ` +
        '`{type: "renew", key, token}`, `{type: "release", key, token}` or `{type: "leave", key, ticket}`.',
    },
    result:
      '`{ok: true, value, version?}`, or `{ok: false, code, message}`: a definite failure, remembered like a success',
  },
  tx: {
    kind: 'request',
    from: 'client',
    summary: 'Does a transaction over several partitions, all of it or nothing, exactly once like a write.',
    params: requests.decodeTx,
    fields: {
      session: 'A session of the anchor: the partition of `op.key`.',
      n,
      first,
      op: `\`{type: "tx", key, items}\`: 1 to ${limits.txItems} items, at most ${limits.txBytes} bytes as JSON, each ${items}.`,
      at,
      pauseAt:
        'Optional, for looking at it: `prepared` or `decided`, where it stops until it is aborted, its primary dies, ' +
        `or ${limits.txPauseMs} ms have passed.`,
    },
    result:
      'as for `write`; `value` is the JSON of `{outcome: "committed", reads}` or `{outcome: "aborted", reason, message}`',
  },
  abort: {
    kind: 'request',
    from: 'client',
    summary: 'Asks the anchor of a transaction to abort it; what is decided stays.',
    params: requests.decodeAbort,
    fields: { p: 'The anchor’s number.', tx },
    result: '`{state}`: `committed`, `aborting` or `unknown`',
  },
  read: {
    kind: 'request',
    from: 'client',
    summary: 'Reads what is committed.',
    params: requests.decodeRead,
    fields: {
      p,
      query:
        '`{type: "get", key}`, ' +
        `\`{type: "scan", kind: "text"|"counter", after: key|null, prefix, limit}\` (limit: 1 to ${limits.scanPage}), ` +
        '`{type: "lock", key}`, `{type: "await", key, ticket}` (answered when the ticket holds the lock or has no place ' +
        `any more, or after ${limits.lockAwaitMs} ms), \`{type: "rows", kind: "lock"|"tx", after: name|null}\` or ` +
        '`{type: "trace", tx}` (of the transaction’s anchor).',
    },
    result:
      '`{type: "get", cell: {kind, value, version}|null}`, `{type: "scan", rows: [[key, cell], …], more}` or, of locks and ' +
      'transactions, `{type: "rows", rows: [[name, row], …], more}`; `more`: the next page is asked for with `after` its last name; ' +
      'or `{type: "trace", events: [{at, what, p, seq|null, yes|null}, …]}`, the steps that the primary remembers',
  },
  status: {
    kind: 'request',
    from: 'client',
    summary: 'What the node says of itself.',
    params: requests.decodeBare('status'),
    fields: {},
    result:
      'the node’s status: who it is, its replicas, its storage, and what it counted since its start: `requests: {reads, writes, failed, ' +
      'inflight, latency}`, `latency` being counts by how long answers took (two buckets for each doubling from 0.1 ms), and `calls: {finished, ' +
      'failed, inflight, queued}` of services',
  },
  map: {
    kind: 'request',
    from: 'client',
    summary: 'The cluster map as the node knows it.',
    params: requests.decodeBare('map'),
    fields: {},
    result: 'the cluster map',
  },
  quiesce: {
    kind: 'request',
    from: 'client',
    summary: 'Asks the node to change nothing for a while: no new writes, no change of the map.',
    params: requests.decodeQuiesce,
    fields: { ms: `For how long, at most ${requests.quiesceLimitMs} ms; 0 ends it.` },
    result: '`{}`',
  },
  services: {
    kind: 'request',
    from: 'client',
    summary: 'The services that the node runs.',
    params: requests.decodeBare('services'),
    fields: {},
    result: '`[{name, methods: [{name, idempotent}]}]`',
  },
  call: {
    kind: 'request',
    from: 'client',
    summary: 'Runs a handler of a service.',
    params: requests.decodeCall,
    fields: {
      service: 'The service’s name.',
      method: 'The method’s name.',
      params: 'Any JSON value: what the handler is given.',
      timeoutMs: `How long the caller goes on waiting, in ms, at most ${limits.serviceCallMs}; then the handler’s signal is aborted.`,
    },
    result:
      '`{ok: true, value, load}`, or `{ok: false, code, message, ran, own?, load}`: `ran` says whether the handler began, `own` is its error’s own code; ' +
      '`load` is the list `[inflight, queued, maxInflight, loop, cpu, waitedMs]` of the node',
  },
  ping: {
    kind: 'request',
    from: 'client',
    summary: 'Answers as soon as the node can.',
    params: requests.decodeBare('ping'),
    fields: {},
    result: '`{}`',
  },
};

const byName: ReadonlyMap<string, Method<Call>> = new Map(
  Object.entries(methods) as [string, Method<Call>][],
);

/** A notification from another node. Throws `bad-message` and the like when it is none of the registry's. */
export function decodePeerMessage(method: string, params: unknown): PeerMessage {
  return find(method, 'notification').params(params) as PeerMessage;
}

/** A client's request. Throws what it is to be answered with: `bad-message`, `key-invalid` or `value-too-large`. */
export function decodeRequest(method: string, params: unknown): requests.AnyRequest {
  return find(method, 'request').params(params) as requests.AnyRequest;
}

function find(name: string, kind: Method<Call>['kind']): Method<Call> {
  const method = byName.get(name);
  if (method === undefined) throw badMessage(`there is no method ${shown(name)}`, rpcCodes.methodNotFound);
  if (method.kind !== kind)
    throw badMessage(`${name} is a ${method.kind}, not a ${kind}`, rpcCodes.invalidRequest);
  return method;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
