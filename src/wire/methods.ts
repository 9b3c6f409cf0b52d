import type { PeerMessage } from '../core/messages.js';
import { limits } from '../limits.js';
import * as peer from './peer.js';
import * as peerTx from './peer-tx.js';
import * as requests from './requests.js';
import { badMessage, rpcCodes } from './rpc-errors.js';

/** Every call that a connection may make. */
export type Call = PeerMessage | requests.AnyRequest;

/** The description of one method. */
export interface Method<M extends { readonly type: string }> {
  readonly kind: 'request' | 'notification';
  /** The role (see the handshake) of the connection that may call it. */
  readonly from: 'client' | 'node';
  readonly summary: string;
  /** From the message's `params` to the core's message; throws `bad-message`, `key-invalid` or `value-too-large`. */
  readonly params: (params: unknown) => M;
  /** The meaning of each field of `params`. A missing field does not compile. */
  readonly fields: { readonly [F in Exclude<keyof M, 'type'>]: string };
  /** The result of a request. */
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
const stream = 'The stream between primary and replica that this belongs to.';
const from = 'The replica (`node/store`) that sends this.';
const to = 'The replica (`node/store`) that this is for.';
const session = 'The session: `gen.seq` of the entry that opened it.';

const n = 'The operation’s number in its session.';
const first = 'Results of operations before this number are no longer needed.';
const tx = 'The transaction, `partition:session:n` of its anchor.';
const anchor = 'The partition that coordinates the transaction and holds its outcome.';
const asking = 'The epoch of the anchor’s primary that sends this.';
const participant = 'The partition whose primary sends this.';
const at =
  'When the transaction was first attempted, in ms on its client’s clock. The older transaction waits, the younger gives way.';
const items =
  '`{type: "check", key, equals}` (text, number or null for nothing), `{type: "version", key, version}`, ' +
  '`{type: "get", key}`, `{type: "put", key, value}`, `{type: "delete", key}` or `{type: "incr", key, by}`';

/** The registry of all methods. docs/METHODS.md is generated from it. */
export const methods: Methods = {
  append: {
    kind: 'notification',
    from: 'node',
    summary: 'Sends log entries from primaries to replicas; without entries, the commit point.',
    params: peer.decodeAppend,
    fields: {
      to,
      incarnation: 'The start of that replica’s store that this is for. Any other start ignores it.',
      appends:
        'A list, for each partition, of `[p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit, counted, digest, entries]`: the ' +
        'partition’s number and generation (which rises only by unclean recovery); the epoch of its primary; the stream; number and epoch ' +
        'of the entry before the first of `entries`, and the running checksum of the log up to it; the number up to which entries are ' +
        'committed; 1 if the primary counts this replica as in sync, else 0; the digest of the state at the commit point, or an empty ' +
        'string; the entries as pairs `[epoch, command]`, numbered from `prevSeq + 1`.',
    },
  },
  ack: {
    kind: 'notification',
    from: 'node',
    summary: 'Acknowledges log entries that are durable on the sender.',
    params: peer.decodeAck,
    fields: {
      from,
      acks:
        'A flat list of partition, epoch, stream, match, partition, …: the epoch and stream that it answers, and the number of the last ' +
        'durable entry that agrees with the primary’s log.',
    },
  },
  reject: {
    kind: 'notification',
    from: 'node',
    summary: 'Reports that an append did not match the replica’s log.',
    params: peer.decodeReject,
    fields: {
      p,
      epoch,
      stream,
      from,
      hintSeq: 'The number of an entry where the logs may still agree.',
      hintEpoch: 'The epoch of the replica’s entry with that number.',
      tailSeq: 'The number of the replica’s last entry.',
      tailEpoch: 'The epoch of the replica’s last entry.',
    },
  },
  'tail-ask': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks where another replica’s log ends. Sent after a start, before the replica leads.',
    params: peer.decodeTailAsk,
    fields: { p, to, question: 'The number of the question. The answer has the same number.' },
  },
  tail: {
    kind: 'notification',
    from: 'node',
    summary: 'Answers `tail-ask`: where the sender’s log ends.',
    params: peer.decodeTail,
    fields: {
      p,
      from,
      question: 'The number of the question.',
      epoch: 'The epoch of the last entry.',
      seq: 'The number of the last entry.',
    },
  },
  stale: {
    kind: 'notification',
    from: 'node',
    summary: 'Tells the receiver that its epoch has ended.',
    params: peer.decodeStale,
    fields: { p, promised: 'The newer epoch that the sender has promised.' },
  },
  snapshot: {
    kind: 'notification',
    from: 'node',
    summary: 'Sends a chunk of the whole state of a partition to a replica that the log no longer reaches.',
    params: peer.decodeSnapshot,
    fields: {
      p,
      gen: 'Generation of the partition.',
      epoch,
      stream,
      to,
      index: 'The number of the chunk, from 0.',
      last: 'Whether this is the last chunk.',
      chunk: `A part of the snapshot’s lines, at most ${limits.snapshotChunk} UTF-16 code units. Each line is the JSON of one item.`,
    },
  },
  'snapshot-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'Acknowledges a chunk of a snapshot.',
    params: peer.decodeSnapshotAck,
    fields: { p, epoch, stream, from, index: 'The number of the chunk, from 0.' },
  },
  beacon: {
    kind: 'notification',
    from: 'node',
    summary: 'A heartbeat: tells that the sender is alive, and asks for leases for all of its partitions.',
    params: peer.decodeBeacon,
    fields: {
      incarnation: 'The number of the sender’s start.',
      sentAt: 'The time on the sender’s clock, in ms. The ack returns it.',
      revision: 'The revision of the sender’s map.',
      claims: 'A flat list of partition, epoch, partition, epoch, …: those the sender is primary of.',
      silent: 'Members that it has not heard for `--repair-after`, so that their replicas should be rebuilt.',
      back: 'Members in state `out` or `joining` that it has heard for long enough.',
    },
  },
  'beacon-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'Grants the leases that a heartbeat asked for, except those denied.',
    params: peer.decodeBeaconAck,
    fields: {
      incarnation: 'The number of the sender’s start.',
      sentAt: 'As in the heartbeat.',
      revision: 'The revision of the sender’s map.',
      denied: 'The partitions of the heartbeat that are not granted.',
    },
  },
  'tx-prepare': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks a participant to prepare its part of a transaction. Sent by the anchor.',
    params: peerTx.decodeTxPrepare,
    fields: { p, tx, anchor, epoch: asking, at, items: `The items of that partition, each one of ${items}.` },
  },
  'tx-ask': {
    kind: 'notification',
    from: 'node',
    summary:
      'Asks whether a participant has prepared its part of a transaction. Sent by a new primary of the anchor.',
    params: peerTx.decodeTxAsk,
    fields: { p, tx, anchor, epoch: asking },
  },
  'tx-vote': {
    kind: 'notification',
    from: 'node',
    summary: 'Tells the anchor that a participant has prepared its part of a transaction, or refuses to.',
    params: peerTx.decodeTxVote,
    fields: {
      p: 'Partition number of the anchor.',
      tx,
      from: participant,
      epoch:
        'In a refusal, the epoch of the primary that asked; refusals to older ones do not count. Otherwise 0.',
      seq: 'The number of the entry that prepared; 0 in a refusal.',
      yes: 'Whether it has prepared. If so, it can both commit and abort from now on.',
      reads: 'The values read, each as `[key, value, version]`.',
      reason:
        'In a refusal, why: `check`, `stale`, `conflict`, `wrong-type`, `overflow`, `unavailable`, …. Otherwise without meaning.',
      message: 'The reason as text.',
    },
  },
  'tx-finish': {
    kind: 'notification',
    from: 'node',
    summary: 'Tells a participant the decision. Sent by the anchor.',
    params: peerTx.decodeTxFinish,
    fields: {
      p,
      tx,
      anchor,
      commit: 'Whether the transaction is committed.',
      seq: 'The number of the entry that prepared; a prepare by another entry is dropped. 0: any entry.',
    },
  },
  'tx-finished': {
    kind: 'notification',
    from: 'node',
    summary:
      'Tells the anchor that a participant has applied the decision and keeps nothing of the transaction.',
    params: peerTx.decodeTxFinished,
    fields: { p: 'Partition number of the anchor.', tx, from: participant },
  },
  'tx-query': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks the anchor for the decision. Sent by a participant that has prepared.',
    params: peerTx.decodeTxQuery,
    fields: {
      p: 'Partition number of the anchor.',
      tx,
      from: participant,
      seq: 'The number of the entry that prepared.',
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
    summary: 'Closes a session.',
    params: requests.decodeClose,
    fields: { p, session },
    result: '`{}`',
  },
  write: {
    kind: 'request',
    from: 'client',
    summary:
      'Executes an operation exactly once, however often it is sent under the same session and number.',
    params: requests.decodeWrite,
    fields: {
      session,
      n,
      first,
      op:
        '`{type: "incr", key, by}`, `{type: "reset", key, value}`, ' +
        '`{type: "put", key, value, ifVersion?, fence?: {name, token}}`, `{type: "delete", key, ifVersion?}`, ' +
        '`{type: "resolve", key}`, `{type: "tx", key, items}` (all of one partition), ' +
        `\`{type: "acquire", key, ttl, wait, permits}\` (ttl in ms: ${limits.lockTtlLeastMs} to ${limits.lockTtlMostMs}, or 24 h; ` +
        `permits: 1 to ${limits.lockPermits}), ` +
        '`{type: "renew", key, token}`, `{type: "release", key, token}` or `{type: "leave", key, ticket}`.',
    },
    result:
      '`{ok: true, value, version?}`, or `{ok: false, code, message}` for a definite failure, which is remembered like a success',
  },
  tx: {
    kind: 'request',
    from: 'client',
    summary: 'Executes a transaction over several partitions: all or nothing, and exactly once like a write.',
    params: requests.decodeTx,
    fields: {
      session: 'Session on the anchor, the partition of `op.key`.',
      n,
      first,
      op: `\`{type: "tx", key, items}\`: 1 to ${limits.txItems} items, at most ${limits.txBytes} bytes as JSON, each one of ${items}.`,
      at,
      pauseAt:
        'Optional, for inspection: `prepared` or `decided`. The transaction stops there until it is aborted, its primary dies, ' +
        `or ${limits.txPauseMs / 1000} s have passed.`,
    },
    result:
      'as for `write`; `value` is the JSON of `{outcome: "committed", reads}` or `{outcome: "aborted", reason, message}`',
  },
  abort: {
    kind: 'request',
    from: 'client',
    summary: 'Asks the anchor of a transaction to abort it. A decision that was already made stays.',
    params: requests.decodeAbort,
    fields: { p: 'Partition number of the anchor.', tx },
    result: '`{state}`: `committed`, `aborting` or `unknown`',
  },
  read: {
    kind: 'request',
    from: 'client',
    summary: 'Reads committed state.',
    params: requests.decodeRead,
    fields: {
      p,
      query:
        '`{type: "get", key}`, ' +
        `\`{type: "scan", kind: "text"|"counter", after: key|null, prefix, limit}\` (limit: 1 to ${limits.scanPage}), ` +
        '`{type: "lock", key}`, `{type: "await", key, ticket}` (answered when the ticket holds the lock, has lost its ' +
        `place, or after ${limits.lockAwaitMs} ms), \`{type: "rows", kind: "lock"|"tx", after: name|null}\` or ` +
        '`{type: "trace", tx}` (of the transaction’s anchor).',
    },
    result:
      '`{type: "get", cell: {kind, value, version}|null}`, `{type: "scan", rows: [[key, cell], …], more}`, ' +
      '`{type: "rows", rows: [[name, row], …], more}` for locks and transactions, or ' +
      '`{type: "trace", events: [{at, what, p, seq|null, yes|null}, …]}`, the steps that the primary remembers. ' +
      'If `more` is true, ask for the next page with `after` set to the last name',
  },
  status: {
    kind: 'request',
    from: 'client',
    summary: 'Returns the status of the node.',
    params: requests.decodeBare('status'),
    fields: {},
    result:
      'the node’s identity, its replicas, its storage, and its counts since it started: `requests: {reads, writes, failed, inflight, ' +
      'latency}`, where `latency` is a histogram with two buckets for each doubling from 0.1 ms, and `calls: {finished, failed, inflight, ' +
      'queued}` for services',
  },
  map: {
    kind: 'request',
    from: 'client',
    summary: 'Returns the cluster map that the node has.',
    params: requests.decodeBare('map'),
    fields: {},
    result: 'the cluster map',
  },
  quiesce: {
    kind: 'request',
    from: 'client',
    summary: 'Asks the node to change nothing for some time: no new writes, no change of the map.',
    params: requests.decodeQuiesce,
    fields: { ms: `For how long, in ms, at most ${requests.quiesceLimitMs} (10 min). 0 ends it.` },
    result: '`{}`',
  },
  services: {
    kind: 'request',
    from: 'client',
    summary: 'Returns the services that the node runs.',
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
      params: 'The parameters of the handler: any JSON value.',
      timeoutMs: `How long the caller waits, in ms, at most ${limits.serviceCallMs} (1 h). Then the handler’s signal is aborted.`,
    },
    result:
      '`{ok: true, value, load}`, or `{ok: false, code, message, ran, own?, load}`: `ran` says whether the handler began, `own` is the code of its own error; ' +
      '`load` is the list `[inflight, queued, maxInflight, loop, cpu, waitedMs]` of the node',
  },
  ping: {
    kind: 'request',
    from: 'client',
    summary: 'Answers immediately.',
    params: requests.decodeBare('ping'),
    fields: {},
    result: '`{}`',
  },
};

const byName: ReadonlyMap<string, Method<Call>> = new Map(
  Object.entries(methods) as [string, Method<Call>][],
);

/** Decodes a notification from another node. Throws `bad-message` and the like if it is not in the registry. */
export function decodePeerMessage(method: string, params: unknown): PeerMessage {
  return find(method, 'notification').params(params) as PeerMessage;
}

/** Decodes a client's request. Throws the error to answer with: `bad-message`, `key-invalid` or `value-too-large`. */
export function decodeRequest(method: string, params: unknown): requests.AnyRequest {
  return find(method, 'request').params(params) as requests.AnyRequest;
}

function find(name: string, kind: Method<Call>['kind']): Method<Call> {
  const method = byName.get(name);
  if (method === undefined) throw badMessage(`unknown method ${shown(name)}`, rpcCodes.methodNotFound);
  if (method.kind !== kind)
    throw badMessage(`${name} is a ${method.kind}, not a ${kind}`, rpcCodes.invalidRequest);
  return method;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
