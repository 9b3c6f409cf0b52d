import fc from 'fast-check';
import type { Command, Operation, SessionId, TxId, TxItem } from '../../../src/core/machine/types.js';

/** Names that have surprised programs before. */
const hostileTexts = [
  '',
  'a',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  'a\u0000b',
  'a/b',
  ':',
  '\ud800',
  '\udc00x',
  '\u2028',
  '\u0001'.repeat(300),
  'x'.repeat(2000),
];
export const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 12 }),
);
export const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, -1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 0.5, 1e308, -0),
  fc.integer({ min: -5, max: 2000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
/** The first commands of every run open these. */
export const opened: readonly SessionId[] = ['1.1', '1.2', '1.3'];
const session = fc.constantFrom(...opened, '9.9' as SessionId, '__proto__' as SessionId, '' as SessionId);
const n = fc.oneof(fc.integer({ min: 1, max: 30 }), number);
const tx: fc.Arbitrary<TxId> = fc.oneof(
  fc
    .tuple(fc.constantFrom(0, 3), fc.constantFrom(...opened), fc.integer({ min: 1, max: 12 }))
    .map(([p, id, at]) => `${p}:${id}:${at}`),
  text,
);
const content = fc.oneof(text, number, fc.constant(null));
const item: fc.Arbitrary<TxItem> = fc.oneof(
  fc.record({ type: fc.constant('check' as const), key: text, equals: content }),
  fc.record({ type: fc.constant('version' as const), key: text, version: number }),
  fc.record({ type: fc.constant('get' as const), key: text }),
  fc.record({ type: fc.constant('put' as const), key: text, value: text }),
  fc.record({ type: fc.constant('delete' as const), key: text }),
  fc.record({ type: fc.constant('incr' as const), key: text, by: number }),
);
const items = fc.array(item, { maxLength: 4 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record(
    {
      type: fc.constant('put' as const),
      key: text,
      value: text,
      ifVersion: number,
      fence: fc.record({ name: text, token: number }),
    },
    { requiredKeys: ['type', 'key', 'value'] },
  ),
  fc.record(
    { type: fc.constant('delete' as const), key: text, ifVersion: number },
    { requiredKeys: ['type', 'key'] },
  ),
  fc.record({ type: fc.constant('incr' as const), key: text, by: number }),
  fc.record({ type: fc.constant('reset' as const), key: text, value: number }),
  fc.record({ type: fc.constant('resolve' as const), key: text }),
  fc.record({ type: fc.constant('tx' as const), key: text, items }),
  fc.record({
    type: fc.constant('acquire' as const),
    key: text,
    ttl: number,
    wait: fc.boolean(),
    permits: fc.constantFrom(1, 1, 1, 2),
  }),
  fc.record({ type: fc.constant('renew' as const), key: text, token: number }),
  fc.record({ type: fc.constant('release' as const), key: text, token: number }),
  fc.record({ type: fc.constant('leave' as const), key: text, ticket: text }),
);
const reads = fc.array(fc.tuple(text, content, number), { maxLength: 3 });
const link = { tx, session, n, first: n };

/** Whatever a log may say, sensible or not. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('op' as const), session, n, first: n, op: operation }),
  },
  fc.record({ type: fc.constant('open' as const), gen: number }),
  fc.record({ type: fc.constant('close' as const), session }),
  fc.record({ type: fc.constant('expire' as const), session }),
  fc.constant({ type: 'barrier' as const }),
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('prepare' as const), tx, anchor: number, at: number, items }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('stage' as const),
      ...link,
      at: number,
      own: items,
      others: fc.array(number, { maxLength: 3 }),
    }),
  },
  fc.record({
    type: fc.constant('decide' as const),
    tx,
    reads,
    prepared: fc.array(fc.tuple(number, number), { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('abort' as const),
    ...link,
    reason: fc.constant('asked' as const),
    message: text,
  }),
  fc.record({
    type: fc.constant('finish' as const),
    ends: fc.array(fc.tuple(tx, fc.boolean(), number), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('forget' as const), txs: fc.array(tx, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('lapse' as const), lock: text, ticket: text, renewed: number }),
);
