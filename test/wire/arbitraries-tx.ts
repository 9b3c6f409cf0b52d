import fc from 'fast-check';
import type {
  Command,
  Operation,
  PendingRow,
  Row,
  TxItem,
  TxRead,
  TxReason,
} from '../../src/core/machine/types.js';
import type { PeerMessage } from '../../src/core/messages.js';
import { count, integer, key, partition, permits, session, text, ticket, time, ttl, tx } from './scalars.js';

/** Everything of transactions and locks, for arbitraries.ts. */

/** What a key holds; null: nothing. */
const content = fc.oneof(text, integer, fc.constant(null));

const item: fc.Arbitrary<TxItem> = fc.oneof(
  fc.record({ type: fc.constant('check' as const), key, equals: content }),
  fc.record({ type: fc.constant('version' as const), key, version: count }),
  fc.record({ type: fc.constant('get' as const), key }),
  fc.record({ type: fc.constant('put' as const), key, value: text }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.record({ type: fc.constant('incr' as const), key, by: integer }),
);
const items = fc.array(item, { minLength: 1, maxLength: 4 });
const own = fc.array(item, { maxLength: 4 });
const reads: fc.Arbitrary<TxRead[]> = fc.array(fc.tuple(key, content, count), { maxLength: 4 });
const others = fc.array(partition, { maxLength: 3 });
const prepared = fc.array(fc.tuple(partition, count), { maxLength: 3 });
const reason = fc.constantFrom<TxReason>(
  'check',
  'stale',
  'conflict',
  'wrong-type',
  'overflow',
  'unavailable',
  'timeout',
  'asked',
  'lost',
);

export const txOperation = fc.record({ type: fc.constant('tx' as const), key, items });

export const lockOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ type: fc.constant('acquire' as const), key, ttl, wait: fc.boolean(), permits }),
  fc.record({ type: fc.constantFrom('renew' as const, 'release' as const), key, token: count }),
  fc.record({ type: fc.constant('leave' as const), key, ticket }),
);

export const txCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('prepare' as const), tx, anchor: partition, at: time, items }),
  fc.record({
    type: fc.constant('stage' as const),
    tx,
    session,
    n: count,
    first: count,
    at: time,
    own,
    others,
  }),
  fc.record({ type: fc.constant('decide' as const), tx, reads, prepared }),
  fc.record({
    type: fc.constant('abort' as const),
    tx,
    session,
    n: count,
    first: count,
    reason,
    message: text,
  }),
  fc.record({
    type: fc.constant('finish' as const),
    ends: fc.array(fc.tuple(tx, fc.boolean(), count), { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('forget' as const), txs: fc.array(tx, { maxLength: 4 }) }),
  fc.record({ type: fc.constant('lapse' as const), lock: key, ticket, renewed: count }),
);

type TxMessage = Extract<PeerMessage, { type: `tx-${string}` }>;

export const txMessage: {
  readonly [T in TxMessage['type']]: fc.Arbitrary<Extract<TxMessage, { type: T }>>;
} = {
  'tx-prepare': fc.record({
    type: fc.constant('tx-prepare'),
    p: partition,
    tx,
    anchor: partition,
    epoch: count,
    at: time,
    items,
  }),
  'tx-ask': fc.record({
    type: fc.constant('tx-ask'),
    p: partition,
    tx,
    anchor: partition,
    epoch: count,
  }),
  'tx-vote': fc.record({
    type: fc.constant('tx-vote'),
    p: partition,
    tx,
    from: partition,
    epoch: count,
    seq: count,
    yes: fc.boolean(),
    reads,
    reason,
    message: text,
  }),
  'tx-finish': fc.record({
    type: fc.constant('tx-finish'),
    p: partition,
    tx,
    anchor: partition,
    commit: fc.boolean(),
    seq: count,
  }),
  'tx-finished': fc.record({ type: fc.constant('tx-finished'), p: partition, tx, from: partition }),
  'tx-query': fc.record({ type: fc.constant('tx-query'), p: partition, tx, from: partition, seq: count }),
};

export const row: fc.Arbitrary<Row | PendingRow> = fc.oneof(
  fc.record({
    kind: fc.constant('lock' as const),
    permits,
    holders: fc.array(fc.record({ ticket, token: count, ttl, renewed: count }), { maxLength: 3 }),
    queue: fc.array(fc.record({ ticket, ttl }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('fence' as const), token: count }),
  fc.record({
    kind: fc.constant('record' as const),
    tx,
    keys: fc.array(key, { maxLength: 3 }),
    prepared,
  }),
  fc.record({
    kind: fc.constant('pending' as const),
    tx,
    keys: fc.array(key, { maxLength: 3 }),
    others,
  }),
  fc.record({ kind: fc.constant('staged' as const), tx, at: time, seq: count, items: own, reads, others }),
  fc.record({
    kind: fc.constant('prepared' as const),
    tx,
    anchor: partition,
    at: time,
    seq: count,
    items,
    reads,
  }),
);
