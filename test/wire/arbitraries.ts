import fc from 'fast-check';
import type { Cell, Command, Operation, OpResult, Query, QueryResult } from '../../src/core/machine/types.js';
import type { ClientResponse, PeerMessage, Refusal } from '../../src/core/messages.js';
import { limits } from '../../src/limits.js';
import type { Call } from '../../src/wire/methods.js';
import type { AnyRequest } from '../../src/wire/requests.js';
import { lockOperation, row, txCommand, txMessage, txOperation } from './arbitraries-tx.js';
import { count, integer, key, partition, session, text, ticket, time, tx } from './scalars.js';

/** Valid messages of every kind, for round trips. */
const replica = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/), fc.uuid())
  .map(([node, store]) => `${node}/${store}`);
/** An optional version, as in JSON: there or not there. */
const version = { ifVersion: count };

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record(
    {
      type: fc.constant('put' as const),
      key,
      value: text,
      ...version,
      fence: fc.record({ name: key, token: count }),
    },
    { requiredKeys: ['type', 'key', 'value'] },
  ),
  fc.record({ type: fc.constant('delete' as const), key, ...version }, { requiredKeys: ['type', 'key'] }),
  fc.record({ type: fc.constant('incr' as const), key, by: integer }),
  fc.record({ type: fc.constant('reset' as const), key, value: integer }),
  fc.record({ type: fc.constant('resolve' as const), key }),
  txOperation,
  lockOperation,
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('barrier' as const) }),
  fc.record({ type: fc.constant('open' as const), gen: count }),
  fc.record({ type: fc.constantFrom('close' as const, 'expire' as const), session }),
  fc.record({ type: fc.constant('op' as const), session, n: count, first: count, op: operation }),
  txCommand,
);

const query: fc.Arbitrary<Query> = fc.oneof(
  fc.record({ type: fc.constant('get' as const), key }),
  fc.record({
    type: fc.constant('scan' as const),
    kind: fc.constantFrom('text' as const, 'counter' as const),
    after: fc.option(text),
    prefix: text,
    limit: fc.integer({ min: 1, max: limits.scanPage }),
  }),
  fc.record({ type: fc.constant('lock' as const), key }),
  fc.record({ type: fc.constant('await' as const), key, ticket }),
  fc.record({
    type: fc.constant('rows' as const),
    kind: fc.constant('lock' as const),
    after: fc.option(key),
  }),
  fc.record({ type: fc.constant('rows' as const), kind: fc.constant('tx' as const), after: fc.option(tx) }),
);

const link = { p: partition, epoch: count, stream: count };
const beat = {
  incarnation: count,
  sentAt: time,
  revision: count,
};

export const peerMessage: {
  readonly [T in PeerMessage['type']]: fc.Arbitrary<Extract<PeerMessage, { type: T }>>;
} = {
  append: fc.record({
    type: fc.constant('append'),
    to: replica,
    incarnation: count,
    appends: fc.array(
      fc.record({
        ...link,
        gen: count,
        prevSeq: count,
        prevEpoch: count,
        commit: count,
        prevChain: count,
        counted: fc.boolean(),
        digest: fc.constantFrom('', '0123456789abcdef'),
        entries: fc.array(fc.record({ epoch: count, command }), { maxLength: 5 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  ack: fc.record({
    type: fc.constant('ack'),
    from: replica,
    acks: fc.array(fc.tuple(partition, count, count, count), { maxLength: 3 }).map((fours) => fours.flat()),
  }),
  reject: fc.record({
    type: fc.constant('reject'),
    ...link,
    from: replica,
    hintSeq: count,
    hintEpoch: count,
    tailSeq: count,
    tailEpoch: count,
  }),
  'tail-ask': fc.record({ type: fc.constant('tail-ask'), p: partition, to: replica, question: count }),
  tail: fc.record({
    type: fc.constant('tail'),
    p: partition,
    from: replica,
    question: count,
    epoch: count,
    seq: count,
  }),
  stale: fc.record({ type: fc.constant('stale'), p: partition, promised: count }),
  snapshot: fc.record({
    type: fc.constant('snapshot'),
    ...link,
    gen: count,
    to: replica,
    index: fc.nat(6),
    last: fc.boolean(),
    chunk: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
  }),
  'snapshot-ack': fc.record({
    type: fc.constant('snapshot-ack'),
    ...link,
    from: replica,
    index: fc.nat(2047),
  }),
  beacon: fc.record({
    type: fc.constant('beacon'),
    ...beat,
    claims: fc.array(fc.tuple(partition, count)).map((pairs) => pairs.flat()),
    silent: fc.array(fc.constantFrom('n1', 'n2', 'a-node'), { maxLength: 3 }),
    back: fc.array(fc.constantFrom('n1', 'n2', 'a-node'), { maxLength: 3 }),
  }),
  'beacon-ack': fc.record({ type: fc.constant('beacon-ack'), ...beat, denied: fc.array(partition) }),
  ...txMessage,
};

const serviceName = fc.stringMatching(/^[a-zA-Z][\w-]{0,39}$/);

export const request: { readonly [T in AnyRequest['type']]: fc.Arbitrary<Extract<AnyRequest, { type: T }>> } =
  {
    open: fc.record({ type: fc.constant('open'), p: partition }),
    close: fc.record({ type: fc.constant('close'), p: partition, session }),
    write: fc
      .record({ type: fc.constant('write' as const), session, n: count, first: count, op: operation })
      .map((write) => ({ ...write, first: Math.min(write.first, write.n) })),
    tx: fc
      .record(
        {
          type: fc.constant('tx' as const),
          session,
          n: count,
          first: count,
          op: txOperation,
          at: time,
          pauseAt: fc.constantFrom('prepared' as const, 'decided' as const),
        },
        { requiredKeys: ['type', 'session', 'n', 'first', 'op', 'at'] },
      )
      .map((asked) => ({ ...asked, first: Math.min(asked.first, asked.n) })),
    abort: fc.record({ type: fc.constant('abort'), p: partition, tx }),
    read: fc.record({ type: fc.constant('read'), p: partition, query }),
    status: fc.constant({ type: 'status' }),
    map: fc.constant({ type: 'map' }),
    quiesce: fc.record({ type: fc.constant('quiesce'), ms: fc.nat(600_000) }),
    services: fc.constant({ type: 'services' }),
    call: fc.record({
      type: fc.constant('call'),
      service: serviceName,
      method: serviceName,
      params: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
      timeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
    }),
    ping: fc.constant({ type: 'ping' }),
  };

export const call: fc.Arbitrary<Call> = fc.oneof(...Object.values(peerMessage), ...Object.values(request));

const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), value: text, version: count }),
  fc.record({ kind: fc.constant('counter' as const), value: integer, version: count }),
);

const opResult: fc.Arbitrary<OpResult> = fc.oneof(
  fc.record(
    {
      ok: fc.constant(true as const),
      value: fc.oneof(integer, text, fc.boolean(), fc.constant(null)),
      version: count,
    },
    { requiredKeys: ['ok', 'value'] },
  ),
  fc.record({
    ok: fc.constant(false as const),
    code: fc.constantFrom(
      'overflow',
      'wrong-type',
      'conflict',
      'session-expired',
      'outcome-unknown',
      'not-applied',
      'busy',
      'lock-held',
      'lock-lost',
      'fenced',
    ),
    message: text,
  }),
);

const queryResult: fc.Arbitrary<QueryResult> = fc.oneof(
  fc.record({ type: fc.constant('get' as const), cell: fc.option(cell) }),
  fc.record({
    type: fc.constant('scan' as const),
    rows: fc.array(fc.tuple(key, cell), { maxLength: 5 }),
    more: fc.boolean(),
  }),
  fc.array(fc.tuple(text, row), { maxLength: 3 }).chain((rows) =>
    fc.record({
      type: fc.constant('rows' as const),
      rows: fc.constant(rows),
      more: rows.length === 0 ? fc.constant(false) : fc.boolean(),
    }),
  ),
);

export const refusal: fc.Arbitrary<Refusal> = fc.record(
  {
    ok: fc.constant(false as const),
    code: fc.constantFrom(
      'moved',
      'unavailable',
      'busy',
      'session-expired',
      'key-invalid',
      'value-too-large',
      'bad-message',
    ),
    message: text,
    revision: count,
    mayHaveRun: fc.constant(true),
  },
  { requiredKeys: ['ok', 'code', 'message', 'revision'] },
);

export const response: fc.Arbitrary<ClientResponse> = fc.oneof(
  fc.record({ ok: fc.constant(true as const), type: fc.constant('open' as const), session }),
  fc.record({ ok: fc.constant(true as const), type: fc.constant('close' as const) }),
  fc.record({ ok: fc.constant(true as const), type: fc.constant('write' as const), result: opResult }),
  fc.record({
    ok: fc.constant(true as const),
    type: fc.constant('abort' as const),
    state: fc.constantFrom('committed' as const, 'aborting' as const, 'unknown' as const),
  }),
  fc.record({ ok: fc.constant(true as const), type: fc.constant('read' as const), result: queryResult }),
  refusal,
);
