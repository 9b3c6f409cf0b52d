/**
 * Encode, parse and validate: the hand-written validators of `src/wire` against the same shapes in valibot.
 * Run: `npx tsx benchmarks/wire.ts`. Figures are microseconds a message, median of five rounds.
 */
import * as v from 'valibot';
import type { PeerMessage } from '../src/core/messages.js';
import { limits } from '../src/limits.js';
import { encodeCall, encodePeerMessage } from '../src/wire/calls.js';
import { decodePeerMessage, decodeRequest } from '../src/wire/methods.js';
import { classify } from '../src/wire/rpc.js';

const append: PeerMessage = {
  type: 'append',
  to: 'n2/5b0c1f9e-7a33-4a0e-9a3e-0f3a1c2d4e5f',
  incarnation: 1,
  appends: [
    {
      p: 17,
      gen: 1,
      epoch: 12,
      stream: 43,
      prevSeq: 123456,
      prevEpoch: 12,
      prevChain: 3_141_592_653,
      commit: 123440,
      counted: true,
      digest: '0123456789abcdef',
      entries: Array.from({ length: 16 }, (_, i) => ({
        epoch: 12,
        command: {
          type: 'op',
          session: `1.${1000 + i}`,
          n: 500 + i,
          first: 490 + i,
          op: { type: 'incr', key: `counter-${i}`, by: 1 },
        },
      })),
    },
  ],
};
const write = {
  type: 'write',
  session: '1.1000',
  n: 500,
  first: 490,
  op: { type: 'incr', key: 'counter-1', by: 1 },
} as const;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const integer = v.pipe(v.number(), v.safeInteger());
const key = v.pipe(v.string(), v.minBytes(1), v.maxBytes(limits.keyBytes));
const value = v.pipe(v.string(), v.maxBytes(limits.valueBytes));
const session = v.pipe(v.string(), v.regex(/^\d{1,16}\.\d{1,16}$/));
const replica = v.pipe(v.string(), v.maxLength(180), v.regex(/^[^/]+\/.+$/));
const operation = v.variant('type', [
  v.strictObject({ type: v.literal('incr'), key, by: integer }),
  v.strictObject({ type: v.literal('reset'), key, value: integer }),
  v.strictObject({ type: v.literal('put'), key, value, ifVersion: v.optional(count) }),
  v.strictObject({ type: v.literal('delete'), key, ifVersion: v.optional(count) }),
  v.strictObject({ type: v.literal('resolve'), key }),
]);
const command = v.variant('type', [
  v.strictObject({ type: v.literal('op'), session, n: count, first: count, op: operation }),
  v.strictObject({ type: v.literal('barrier') }),
  v.strictObject({ type: v.literal('open') }),
  v.strictObject({ type: v.literal('close'), session }),
  v.strictObject({ type: v.literal('expire'), session }),
]);
const appendSchema = v.strictObject({
  to: replica,
  appends: v.array(
    v.strictTuple([
      v.pipe(count, v.maxValue(limits.partitions - 1)),
      count,
      count,
      count,
      count,
      count,
      count,
      v.array(v.strictTuple([count, command])),
    ]),
  ),
});
const writeSchema = v.strictObject({ session, n: count, first: count, op: operation });
const envelope = v.object({ jsonrpc: v.literal('2.0'), method: v.string(), params: v.unknown() });

function measure(name: string, rounds: number, run: () => unknown): void {
  const figures: number[] = [];
  for (let round = 0; round < 6; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run();
    if (round > 0) figures.push(Number(process.hrtime.bigint() - start) / 1000 / rounds);
  }
  figures.sort((a, b) => a - b);
  console.log(`${name.padEnd(52)} ${figures[2]!.toFixed(2).padStart(8)} µs`);
}

function call(text: string): { method: string; params: unknown } {
  const message = classify(JSON.parse(text));
  if (message.kind !== 'notification' && message.kind !== 'request') throw new Error('not a call');
  return message;
}

const appendText = encodePeerMessage(append);
const writeText = encodeCall(1, write);
console.log(`append of 16 incr: ${appendText.length} bytes; write: ${writeText.length} bytes`);
for (const [name, text, rounds, hand, schema] of [
  ['append of 16 incr', appendText, 10_000, decodePeerMessage, appendSchema],
  ['write of an incr', writeText, 100_000, decodeRequest, writeSchema],
] as const) {
  const { method, params } = call(text);
  measure(`${name}: JSON.parse`, rounds, () => JSON.parse(text));
  measure(`${name}: validate, hand`, rounds, () => hand(method, params));
  measure(`${name}: validate, valibot`, rounds, () => v.parse(schema as v.GenericSchema, params));
  measure(`${name}: parse + classify + validate, hand`, rounds, () => {
    const message = call(text);
    return hand(message.method, message.params);
  });
  measure(`${name}: parse + envelope + validate, valibot`, rounds, () => {
    const message = v.parse(envelope, JSON.parse(text));
    return v.parse(schema as v.GenericSchema, message.params);
  });
}
measure('append of 16 incr: encode', 10_000, () => encodePeerMessage(append));
measure('write of an incr: encode', 100_000, () => encodeCall(1, write));
