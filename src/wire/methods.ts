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

const p = 'Partition number.';
const epoch = 'Epoch of the partition’s primary.';
const stream = 'Identifies the replication stream from this primary to this replica.';
const from = 'Sending replica (`node/store`).';
const to = 'Receiving replica (`node/store`).';
const session = 'Session ID: `gen.seq` of the log entry that opened it.';

const n = 'Number of the operation in its session.';
const first = 'First operation whose result is still needed; earlier results may be discarded.';
const tx = 'Transaction ID: `partition:session:n` of its anchor.';
const anchor = 'Partition that coordinates the transaction and stores its outcome.';
const asking = 'Epoch of the anchor’s primary that sends the request.';
const participant = 'Partition whose primary sends this.';
const at =
  'Time of the first attempt, on the client’s clock in ms: on a conflict the older transaction waits, the younger aborts.';
const items =
  '`{type: "check", key, equals}` (text, number or null for nothing), `{type: "version", key, version}`, ' +
  '`{type: "get", key}`, `{type: "put", key, value}`, `{type: "delete", key}` or `{type: "incr", key, by}`';

/** The registry of methods; docs/METHODS.md is generated from it. */
export const methods: Methods = {
  append: {
    kind: 'notification',
    from: 'node',
    summary: 'Sends log entries, or only the commit point, from primaries to a replica.',
    params: peer.decodeAppend,
    fields: {
      to,
      incarnation:
        'Start number of the receiving store; a store with another start number ignores the message.',
      appends:
        'For each partition `[p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit, counted, digest, entries]`: its number and generation (incremented ' +
        'only by unclean recovery), the epoch of its primary, the replication stream; number and epoch of the entry ' +
        'before the first of `entries`, and the running checksum of the log up to it; the commit point; 1 if the primary counts this replica as in sync; the digest of the state there, or nothing; pairs `[epoch, command]`, numbered from `prevSeq + 1`.',
    },
  },
  ack: {
    kind: 'notification',
    from: 'node',
    summary: 'Acknowledges the log entries that a node’s replicas have made durable.',
    params: peer.decodeAck,
    fields: {
      from,
      acks:
        'Partition, epoch, stream, match, partition, …: the epoch and stream it acknowledges, and the number of the last durable entry ' +
        'that agrees with the primary’s log.',
    },
  },
  reject: {
    kind: 'notification',
    from: 'node',
    summary: 'Rejects an append whose previous entry does not match the replica’s log.',
    params: peer.decodeReject,
    fields: {
      p,
      epoch,
      stream,
      from,
      hintSeq: 'Last entry where the logs may agree.',
      hintEpoch: 'Epoch of the replica’s entry at that point.',
      tailSeq: 'Number of the replica’s last entry.',
      tailEpoch: 'Epoch of the replica’s last entry.',
    },
  },
  'tail-ask': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks another replica for the end of its log; sent after a start, before becoming primary.',
    params: peer.decodeTailAsk,
    fields: { p, to, question: 'Request number; the response repeats it.' },
  },
  tail: {
    kind: 'notification',
    from: 'node',
    summary: 'Reports the end of a replica’s log.',
    params: peer.decodeTail,
    fields: {
      p,
      from,
      question: 'Number of the request.',
      epoch: 'Epoch of the last entry.',
      seq: 'Number of the last entry.',
    },
  },
  stale: {
    kind: 'notification',
    from: 'node',
    summary: 'Tells a primary that a newer epoch exists.',
    params: peer.decodeStale,
    fields: { p, promised: 'The newer epoch that the sender promised.' },
  },
  snapshot: {
    kind: 'notification',
    from: 'node',
    summary: 'Sends a chunk of a partition’s snapshot to a replica that is too far behind for the log.',
    params: peer.decodeSnapshot,
    fields: {
      p,
      gen: 'Generation of the partition.',
      epoch,
      stream,
      to,
      index: 'Chunk number, from 0.',
      last: 'True for the last chunk.',
      chunk: `Chunk of the snapshot’s lines, each the JSON of one item, at most ${limits.snapshotChunk} UTF-16 units.`,
    },
  },
  'snapshot-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'Acknowledges a snapshot chunk.',
    params: peer.decodeSnapshotAck,
    fields: { p, epoch, stream, from, index: 'Chunk number, from 0.' },
  },
  beacon: {
    kind: 'notification',
    from: 'node',
    summary: 'Heartbeat of a node that also requests its leases, for all partitions in one message.',
    params: peer.decodeBeacon,
    fields: {
      incarnation: 'Start number of the sender.',
      sentAt: 'Sender’s clock in ms; the ack repeats it.',
      revision: 'Revision of the cluster map that the sender has.',
      claims: 'Partition, epoch, partition, epoch, …: the partitions the sender is primary of.',
      silent: 'Members silent for so long that their replicas should be rebuilt elsewhere.',
      back: 'Evicted or joining members that have been reachable for long enough.',
    },
  },
  'beacon-ack': {
    kind: 'notification',
    from: 'node',
    summary: 'Grants the leases that a heartbeat requested, except those denied.',
    params: peer.decodeBeaconAck,
    fields: {
      incarnation: 'Start number of the sender.',
      sentAt: 'Clock value from the heartbeat.',
      revision: 'Revision of the cluster map that the sender has.',
      denied: 'Partitions of the heartbeat whose lease is not granted.',
    },
  },
  'tx-prepare': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks a participant to prepare its part of a transaction; sent by the anchor.',
    params: peerTx.decodeTxPrepare,
    fields: { p, tx, anchor, epoch: asking, at, items: `Items of that partition, each ${items}.` },
  },
  'tx-ask': {
    kind: 'notification',
    from: 'node',
    summary:
      'Asks whether a participant has prepared its part of a transaction; sent by a new primary of the anchor.',
    params: peerTx.decodeTxAsk,
    fields: { p, tx, anchor, epoch: asking },
  },
  'tx-vote': {
    kind: 'notification',
    from: 'node',
    summary: 'Participant’s vote: it has prepared its part of the transaction, or refuses to.',
    params: peerTx.decodeTxVote,
    fields: {
      p: 'Partition number of the anchor.',
      tx,
      from: participant,
      epoch: 'For a no: epoch of the primary that asked; a no for an older epoch is ignored. 0 for a yes.',
      seq: 'Number of the prepare entry in its log; 0 when not prepared.',
      yes: 'True: prepared, able to commit or abort.',
      reads: 'Values read, as `[key, value, version]`.',
      reason:
        'Reason for a no: `check`, `stale`, `conflict`, `wrong-type`, `overflow`, `unavailable`, …; ignored for a yes.',
      message: 'Reason as text.',
    },
  },
  'tx-finish': {
    kind: 'notification',
    from: 'node',
    summary: 'Tells a participant the decision; sent by the anchor.',
    params: peerTx.decodeTxFinish,
    fields: {
      p,
      tx,
      anchor,
      commit: 'True: commit; false: abort.',
      seq: 'Number of the participant’s prepare entry: a prepare with another number is dropped; 0 matches any.',
    },
  },
  'tx-finished': {
    kind: 'notification',
    from: 'node',
    summary: 'Confirms that a participant has applied the decision and released the transaction.',
    params: peerTx.decodeTxFinished,
    fields: { p: 'Partition number of the anchor.', tx, from: participant },
  },
  'tx-query': {
    kind: 'notification',
    from: 'node',
    summary: 'Asks the anchor for the decision; sent by a prepared participant.',
    params: peerTx.decodeTxQuery,
    fields: {
      p: 'Partition number of the anchor.',
      tx,
      from: participant,
      seq: 'Number of the participant’s prepare entry.',
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
      'Executes an operation exactly once, even when it is sent repeatedly with the same session and number.',
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
      '`{ok: true, value, version?}`, or `{ok: false, code, message}`: a definite failure, stored like a success',
  },
  tx: {
    kind: 'request',
    from: 'client',
    summary: 'Executes a transaction over several partitions atomically, exactly once like a write.',
    params: requests.decodeTx,
    fields: {
      session: 'Session on the anchor, the partition of `op.key`.',
      n,
      first,
      op: `\`{type: "tx", key, items}\`: 1 to ${limits.txItems} items, at most ${limits.txBytes} bytes as JSON, each ${items}.`,
      at,
      pauseAt:
        'Optional, for inspection: `prepared` or `decided`, the state in which it pauses until it is aborted, its primary fails, ' +
        `or ${limits.txPauseMs} ms have passed.`,
    },
    result:
      'as for `write`; `value` is the JSON of `{outcome: "committed", reads}` or `{outcome: "aborted", reason, message}`',
  },
  abort: {
    kind: 'request',
    from: 'client',
    summary: 'Asks the anchor of a transaction to abort it; has no effect after the decision.',
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
        '`{type: "lock", key}`, `{type: "await", key, ticket}` (answered when the ticket holds the lock or is no longer queued, ' +
        `or after ${limits.lockAwaitMs} ms), \`{type: "rows", kind: "lock"|"tx", after: name|null}\` or ` +
        '`{type: "trace", tx}` (of the transaction’s anchor).',
    },
    result:
      '`{type: "get", cell: {kind, value, version}|null}`, `{type: "scan", rows: [[key, cell], …], more}` or, of locks and ' +
      'transactions, `{type: "rows", rows: [[name, row], …], more}`; `more`: request the next page with the last name as `after`; ' +
      'or `{type: "trace", events: [{at, what, p, seq|null, yes|null}, …]}`, the steps recorded by the primary',
  },
  status: {
    kind: 'request',
    from: 'client',
    summary: 'Returns the status of the node.',
    params: requests.decodeBare('status'),
    fields: {},
    result:
      'the node’s identity, replicas, storage, and counters since its start: `requests: {reads, writes, failed, ' +
      'inflight, latency}`, with `latency` as a histogram (two buckets per doubling, from 0.1 ms), and `calls: {finished, ' +
      'failed, inflight, queued}` of services',
  },
  map: {
    kind: 'request',
    from: 'client',
    summary: 'Returns the node’s copy of the cluster map.',
    params: requests.decodeBare('map'),
    fields: {},
    result: 'the cluster map',
  },
  quiesce: {
    kind: 'request',
    from: 'client',
    summary: 'Quiesces the node for a while: no new writes, no changes of the cluster map.',
    params: requests.decodeQuiesce,
    fields: { ms: `Duration in ms, at most ${requests.quiesceLimitMs}; 0 ends it.` },
    result: '`{}`',
  },
  services: {
    kind: 'request',
    from: 'client',
    summary: 'Lists the services that the node runs.',
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
      service: 'Service name.',
      method: 'Method name.',
      params: 'Parameters of the handler: any JSON value.',
      timeoutMs: `Timeout in ms, at most ${limits.serviceCallMs}; then the handler’s signal is aborted.`,
    },
    result:
      '`{ok: true, value, load}`, or `{ok: false, code, message, ran, own?, load}`: `ran` is true when the handler started, `own` is the error code set by the handler; ' +
      '`load` is the list `[inflight, queued, maxInflight, loop, cpu, waitedMs]` of the node',
  },
  ping: {
    kind: 'request',
    from: 'client',
    summary: 'Returns immediately; measures whether the node responds.',
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
  if (method === undefined) throw badMessage(`unknown method ${shown(name)}`, rpcCodes.methodNotFound);
  if (method.kind !== kind)
    throw badMessage(`${name} is a ${method.kind}, not a ${kind}`, rpcCodes.invalidRequest);
  return method;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
