import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerMessage } from '../../src/core/messages.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { encodeCall, encodePeerMessage } from '../../src/wire/calls.js';
import { type Call, decodePeerMessage, decodeRequest, methods } from '../../src/wire/methods.js';
import { classify } from '../../src/wire/rpc.js';
import { call, operation, peerMessage, request } from './arbitraries.js';

const isPeer = (message: Call): message is PeerMessage => methods[message.type].kind === 'notification';
const encode = (message: Call): string =>
  isPeer(message) ? encodePeerMessage(message) : encodeCall(7, message);

function decode(text: string): Call {
  const incoming = classify(JSON.parse(text));
  if (incoming.kind === 'notification') return decodePeerMessage(incoming.method, incoming.params);
  if (incoming.kind === 'request') return decodeRequest(incoming.method, incoming.params);
  throw new Error(`not a call: ${incoming.kind}`);
}

/** The code a message's params are refused with; null when they are taken. */
function refused(type: Call['type'], params: unknown): string | null {
  try {
    methods[type].params(params);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError);
    return (error as MusterError).code;
  }
}

const paramsOf = ({ type: _, ...params }: Call): Record<string, unknown> =>
  structuredClone(params) as Record<string, unknown>;
const [example] = fc.sample(fc.record({ ...peerMessage, ...request }), { numRuns: 1, seed: 1 });
const examples = Object.values(example!) as Call[];

describe('the registry of methods', () => {
  it('gives back every message that was encoded', () => {
    fc.assert(
      fc.property(call, (message) => void expect(decode(encode(message))).toEqual(message)),
      { numRuns: 500 },
    );
  });

  it('names every field of params', () => {
    for (const message of examples) {
      expect(Object.keys(methods[message.type].fields).sort()).toEqual(Object.keys(paramsOf(message)).sort());
    }
  });

  it.each(examples)('refuses $type with a field missing, added, or of another type', (message) => {
    expect(refused(message.type, paramsOf(message))).toBeNull();
    expect(refused(message.type, { ...paramsOf(message), more: 1 })).toBe('bad-message');
    for (const field of Object.keys(paramsOf(message))) {
      const { [field]: value, ...rest } = paramsOf(message);
      expect(refused(message.type, rest), `${field} missing`).toBe('bad-message');
      expect(refused(message.type, { ...rest, other: value }), `${field} renamed`).toBe('bad-message');
      for (const wrong of [null, true, {}, [[]], -1, 0.5, 2 ** 53, typeof value === 'string' ? 5 : 'text']) {
        if (field === 'sentAt' && typeof wrong === 'number') continue;
        expect(
          refused(message.type, { ...rest, [field]: wrong }),
          `${field} = ${JSON.stringify(wrong)}`,
        ).toBe('bad-message');
      }
    }
    for (const params of [null, 5, 'text', [], [1, 2]])
      expect(refused(message.type, params)).toBe('bad-message');
  });

  it('refuses anything at all with a MusterError, and nothing else', () => {
    const names = fc.constantFrom(...(Object.keys(methods) as Call['type'][]));
    fc.assert(fc.property(names, fc.jsonValue(), (type, params) => void refused(type, params)));
  });

  it('refuses a valid message in which any one part was replaced, or takes it as valid', () => {
    const property = fc.property(call, fc.nat(), fc.jsonValue(), (message, where, wrong) => {
      const params = paramsOf(message);
      const spots = places(params);
      if (spots.length === 0) return;
      const [holder, name] = spots[where % spots.length]!;
      holder[name] = wrong;
      if (refused(message.type, params) === null) {
        expect(decode(encode({ type: message.type, ...params } as Call))).toEqual({
          type: message.type,
          ...params,
        });
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('says of an unknown method and of one called in the wrong way what is wrong', () => {
    for (const name of ['nothing', 'toString', '__proto__', '', 'x'.repeat(1000)]) {
      expect(() => decodeRequest(name, {})).toThrow(
        expect.objectContaining({ details: { rpcCode: -32601 } }),
      );
    }
    expect(() => decodeRequest('ack', paramsOf(example!.ack))).toThrow(
      'ack is a notification, not a request',
    );
    expect(() => decodePeerMessage('write', paramsOf(example!.write))).toThrow(
      'write is a request, not a notification',
    );
  });

  it('takes a request without params when it has none', () => {
    for (const type of ['status', 'map', 'ping'] as const) {
      expect(decodeRequest(type, undefined)).toEqual({ type });
      expect(decodeRequest(type, {})).toEqual({ type });
    }
  });
});

describe('the bounds of a message', () => {
  const write = (op: unknown) => refused('write', { session: '1.1', n: 2, first: 1, op });
  const put = (value: unknown, key = 'k') => write({ type: 'put', key, value });
  const incr = (key: unknown, by: unknown = 1) => write({ type: 'incr', key, by });

  it('counts a key in bytes, not in characters', () => {
    expect(incr('x'.repeat(limits.keyBytes))).toBeNull();
    expect(incr('é'.repeat(limits.keyBytes / 2))).toBeNull();
    expect(incr('😀'.repeat(limits.keyBytes / 4))).toBeNull();
    expect(incr('x'.repeat(limits.keyBytes + 1))).toBe('key-invalid');
    expect(incr('é'.repeat(limits.keyBytes / 2 + 1))).toBe('key-invalid');
    expect(incr('€'.repeat(limits.keyBytes / 3 + 1))).toBe('key-invalid');
  });

  it('refuses an empty key and half a surrogate pair', () => {
    expect(incr('')).toBe('key-invalid');
    expect(incr('a\ud83d')).toBe('key-invalid');
    expect(put('a\ude00')).toBe('bad-message');
  });

  it('counts a value in bytes, and takes an empty one', () => {
    expect(put('')).toBeNull();
    expect(put('x'.repeat(limits.valueBytes))).toBeNull();
    expect(put('x'.repeat(limits.valueBytes + 1))).toBe('value-too-large');
    expect(put('€'.repeat(limits.valueBytes / 3 + 1))).toBe('value-too-large');
  });

  it('takes integers that a counter can hold, and no others', () => {
    for (const by of [0, 1, -1, limits.counterMax, limits.counterMin]) expect(incr('k', by)).toBeNull();
    for (const by of [-0, 0.1, 2 ** 53, -(2 ** 53), 1e300, '1', null])
      expect(incr('k', by)).toBe('bad-message');
  });

  it('refuses a misspelt condition instead of leaving it out', () => {
    expect(write({ type: 'put', key: 'k', value: 'v', ifVersion: 0 })).toBeNull();
    expect(write({ type: 'put', key: 'k', value: 'v', ifversion: 0 })).toBe('bad-message');
    expect(write({ type: 'delete', key: 'k', ifVersion: -1 })).toBe('bad-message');
    expect(write({ type: 'incr', key: 'k', by: 1, ifVersion: 1 })).toBe('bad-message');
  });

  it('takes sessions of the form gen.seq only', () => {
    const close = (session: unknown) => refused('close', { p: 0, session });
    for (const session of ['0.0', '1.42', `${2 ** 53 - 1}.${2 ** 53 - 1}`]) expect(close(session)).toBeNull();
    for (const session of [
      '',
      '.',
      '1.',
      '.1',
      '1',
      '1.2.3',
      '1,2',
      '-1.2',
      '1.2 ',
      'a.b',
      `${'1'.repeat(40)}.1`,
    ]) {
      expect(close(session), session).toBe('bad-message');
    }
  });

  it('keeps partitions, pages, snapshots and beacons within their bounds', () => {
    expect(refused('open', { p: limits.partitions - 1 })).toBeNull();
    expect(refused('open', { p: limits.partitions })).toBe('bad-message');
    const scan = (over: object) =>
      refused('read', {
        p: 0,
        query: { type: 'scan', kind: 'text', after: null, prefix: '', limit: 1000, ...over },
      });
    expect(scan({})).toBeNull();
    expect(scan({ limit: 0 })).toBe('bad-message');
    expect(scan({ limit: limits.scanPage + 1 })).toBe('bad-message');
    expect(scan({ prefix: 'x'.repeat(limits.keyBytes + 1) })).toBe('key-invalid');
    const snapshot = (over: object) =>
      refused('snapshot', { ...paramsOf(example!.snapshot), index: 0, count: 1, ...over });
    expect(snapshot({ chunk: 'x'.repeat(limits.snapshotChunk) })).toBeNull();
    expect(snapshot({ chunk: 'x'.repeat(limits.snapshotChunk + 1) })).toBe('bad-message');
    expect(snapshot({ index: 1 })).toBe('bad-message');
    expect(snapshot({ count: 2049 })).toBe('bad-message');
    const beacon = (claims: unknown) =>
      refused('beacon', { incarnation: 1, sentAt: 0.5, revision: 1, claims });
    expect(beacon([1, 2, 3, 4])).toBeNull();
    expect(beacon([1, 2, 3])).toBe('bad-message');
    expect(beacon([limits.partitions, 1])).toBe('bad-message');
  });

  it('takes no operation number before the first that is still needed', () => {
    const op = fc.sample(operation, 1)[0]!;
    expect(refused('write', { session: '1.1', n: 1, first: 2, op })).toBe('bad-message');
  });
});

/** Every place of a JSON value that holds another value. */
function places(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap(
    (name) => [[holder, name], ...places(holder[name])] as [Record<string, unknown>, string][],
  );
}
