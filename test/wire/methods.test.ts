import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkItems } from '../../src/client/transactions.js';
import { fitsBytes } from '../../src/core/machine/size.js';
import type { TxItem } from '../../src/core/machine/types.js';
import type { PeerMessage } from '../../src/core/messages.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { encodeCall, encodePeerMessage } from '../../src/wire/calls.js';
import { type Call, decodePeerMessage, decodeRequest, methods } from '../../src/wire/methods.js';
import { classify } from '../../src/wire/rpc.js';
import { call, operation, peerMessage, request } from './arbitraries.js';
import { places } from './places.js';

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

/** The params of a message as they are on the wire. */
const paramsOf = (message: Call): Record<string, unknown> =>
  (JSON.parse(encode(message)) as { params: Record<string, unknown> }).params;
const [example] = fc.sample(fc.record({ ...peerMessage, ...request }), { numRuns: 1, seed: 1 });
const examples = Object.values({ ...example!, tx: { ...example!.tx, pauseAt: 'decided' } }) as Call[];
/** Fields that may be left out, and those that take any number. */
const optional = new Set(['pauseAt']);
const times = new Set(['sentAt', 'at']);
/** Any JSON value is right. */
const anything = new Set(['params']);

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
      expect(refused(message.type, rest), `${field} missing`).toBe(
        optional.has(field) ? null : 'bad-message',
      );
      expect(refused(message.type, { ...rest, other: value }), `${field} renamed`).toBe('bad-message');
      for (const wrong of [null, true, {}, [[]], -1, 0.5, 2 ** 53, typeof value === 'string' ? 5 : 'text']) {
        if (anything.has(field)) continue;
        if (times.has(field) && typeof wrong === 'number') continue;
        if (typeof value === 'boolean' && typeof wrong === 'boolean') continue;
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
    // As JSON writes them: it makes 0 of −0.
    const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    const property = fc.property(call, fc.nat(), json, (message, where, wrong) => {
      const params = paramsOf(message);
      const spots = places(params);
      if (spots.length === 0) return;
      const [holder, name] = spots[where % spots.length]!;
      holder[name] = wrong;
      if (refused(message.type, params) === null) {
        const taken = methods[message.type].params(params) as Call;
        expect(paramsOf(taken)).toEqual(params);
        expect(decode(encode(taken))).toEqual(taken);
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
      '01.2',
      '1.00',
      '1.2\u0663',
      `${2 ** 53}.1`,
      `${'1'.repeat(40)}.1`,
    ]) {
      expect(close(session), session).toBe('bad-message');
    }
  });

  it('takes tickets of the form session.n and transactions of the form p:session:n only', () => {
    const leave = (ticket: unknown) => write({ type: 'leave', key: 'k', ticket });
    for (const ticket of ['0.0.0', '1.42.7', `1.1.${2 ** 53 - 1}`]) expect(leave(ticket)).toBeNull();
    for (const ticket of ['', '..', '1.42', '1.42.', '1..42', '1.2.3.4', '1.2:3', '1.2.03', `1.1.${2 ** 53}`])
      expect(leave(ticket), ticket).toBe('bad-message');
    const abort = (tx: unknown) => refused('abort', { p: 0, tx });
    for (const tx of ['0:0.0:0', '3:1.42:7', `${limits.partitions - 1}:1.1:${2 ** 53 - 1}`])
      expect(abort(tx)).toBeNull();
    for (const tx of [
      '3:1.42',
      '1.42:7',
      '3.1:42:7',
      '3:1.42:7:1',
      ':1.42:7',
      '03:1.42:7',
      `${limits.partitions}:1.42:7`,
      `3:1.42:${2 ** 53}`,
    ]) {
      expect(abort(tx), tx).toBe('bad-message');
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
    const rows = (kind: string, after: unknown) =>
      refused('read', { p: 0, query: { type: 'rows', kind, after } });
    for (const after of [null, 'l', 'x'.repeat(limits.keyBytes)]) expect(rows('lock', after)).toBeNull();
    for (const after of [null, '3:1.42:7']) expect(rows('tx', after)).toBeNull();
    expect(rows('lock', '')).toBe('key-invalid');
    expect(rows('lock', 'x'.repeat(limits.keyBytes + 1))).toBe('key-invalid');
    for (const after of ['1.42', '', 7]) expect(rows('tx', after)).toBe('bad-message');
    expect(rows('fence', null)).toBe('bad-message');
    expect(refused('read', { p: 0, query: { type: 'rows', kind: 'tx' } })).toBe('bad-message');
    const snapshot = (over: object) =>
      refused('snapshot', { ...paramsOf(example!.snapshot), index: 0, last: true, ...over });
    expect(snapshot({ chunk: 'x'.repeat(limits.snapshotChunk) })).toBeNull();
    expect(snapshot({ chunk: 'x'.repeat(limits.snapshotChunk + 1) })).toBe('bad-message');
    expect(snapshot({ index: -1 })).toBe('bad-message');
    expect(snapshot({ last: 1 })).toBe('bad-message');
    const beacon = (claims: unknown) =>
      refused('beacon', { incarnation: 1, sentAt: 0.5, revision: 1, claims, silent: [], back: [] });
    expect(beacon([1, 2, 3, 4])).toBeNull();
    expect(beacon([1, 2, 3])).toBe('bad-message');
    expect(beacon([limits.partitions, 1])).toBe('bad-message');
  });

  it('takes no operation number before the first that is still needed', () => {
    const op = fc.sample(operation, 1)[0]!;
    expect(refused('write', { session: '1.1', n: 1, first: 2, op })).toBe('bad-message');
  });

  it('keeps locks within their bounds', () => {
    const acquire = (over: object) =>
      write({ type: 'acquire', key: 'l', ttl: 1000, wait: true, permits: 1, ...over });
    expect(acquire({ ttl: limits.lockTtlLeastMs, permits: limits.lockPermits })).toBeNull();
    expect(acquire({ ttl: limits.lockTtlMostMs })).toBeNull();
    for (const ttl of [limits.lockTtlLeastMs - 1, limits.lockTtlMostMs + 1, 1000.5, Number.POSITIVE_INFINITY])
      expect(acquire({ ttl })).toBe('bad-message');
    for (const permits of [0, limits.lockPermits + 1, 1.5]) expect(acquire({ permits })).toBe('bad-message');
    for (const wait of [undefined, 0, 'yes']) expect(acquire({ wait })).toBe('bad-message');
    expect(acquire({ key: '' })).toBe('key-invalid');
    for (const type of ['renew', 'release']) {
      expect(write({ type, key: 'l', token: 0 })).toBeNull();
      expect(write({ type, key: 'l', token: -1 })).toBe('bad-message');
    }
  });

  it('takes a fence whole or not at all', () => {
    const fenced = (fence: unknown, more: object = {}) =>
      write({ type: 'put', key: 'k', value: 'v', fence, ...more });
    expect(fenced({ name: 'l', token: 1 })).toBeNull();
    expect(fenced({ name: 'l', token: 1 }, { ifVersion: 1 })).toBeNull();
    for (const fence of [null, 5, {}, { name: 'l' }, { token: 1 }, { name: 'l', token: 1, more: 1 }])
      expect(fenced(fence)).toBe('bad-message');
    expect(fenced({ name: '', token: 1 })).toBe('key-invalid');
    expect(write({ type: 'put', key: 'k', value: 'v', fences: { name: 'l', token: 1 } })).toBe('bad-message');
    expect(write({ type: 'delete', key: 'k', fence: { name: 'l', token: 1 } })).toBe('bad-message');
  });

  it('keeps the items of a transaction within their bounds', () => {
    const tx = (items: unknown) => write({ type: 'tx', key: 'k', items });
    const gets = (n: number) => Array.from({ length: n }, (_, i) => ({ type: 'get', key: `k${i}` }));
    expect(tx(gets(limits.txItems))).toBeNull();
    expect(tx(gets(limits.txItems + 1))).toBe('bad-message');
    expect(tx([])).toBe('bad-message');
    const check = (equals: unknown) => tx([{ type: 'check', key: 'k', equals }]);
    for (const equals of ['', 'v', 0, -5, null]) expect(check(equals)).toBeNull();
    for (const equals of [undefined, true, 0.5, {}, '\ud83d']) expect(check(equals)).toBe('bad-message');
    expect(check('x'.repeat(limits.valueBytes + 1))).toBe('value-too-large');
    expect(tx([{ type: 'put', key: '', value: 'v' }])).toBe('key-invalid');
    expect(tx([{ type: 'put', key: 'k', value: 'v', ifVersion: 1 }])).toBe('bad-message');
    expect(tx([{ type: 'reset', key: 'k', value: 1 }])).toBe('bad-message');
  });

  it('refuses a transaction whose one entry of the log would not fit a frame', () => {
    const tx = (values: readonly string[]) =>
      write({
        type: 'tx',
        key: 'k',
        items: values.map((value, i) => ({ type: 'put', key: `k${i}`, value })),
      });
    const value = (bytes: number, unit = 'x') => unit.repeat(bytes);
    expect(tx(Array(5).fill(value(limits.valueBytes)))).toBeNull();
    expect(tx(Array(6).fill(value(limits.valueBytes)))).toBe('value-too-large');
    // A control character takes six bytes in JSON.
    expect(tx([value(limits.valueBytes - 100, '\u0001')])).toBeNull();
    expect(tx([value(limits.valueBytes, '\u0001')])).toBe('value-too-large');
  });

  it('makes an entry and messages of every transaction that fit a frame', () => {
    const put = (key: string, value: string): TxItem => ({ type: 'put', key, value });
    // As near to the bound as it gets, over as many partitions as can be.
    const items = Array.from({ length: limits.txItems }, (_, i) => put(`k${i}`, 'x'.repeat(6000)));
    const room = limits.txBytes - Buffer.byteLength(JSON.stringify(items));
    items[0] = put('k0', 'x'.repeat(6000 + room));
    expect(Buffer.byteLength(JSON.stringify(items))).toBe(limits.txBytes);
    const over = [put('k0', 'x'.repeat(6001 + room)), ...items.slice(1)];
    const { pauseAt: _, ...params } = paramsOf(example!.tx);
    const askTx = (op: object) => refused('tx', { ...params, n: 2, first: 1, op });
    for (const ask of [write, askTx]) {
      expect(ask({ type: 'tx', key: 'k', items })).toBeNull();
      expect(ask({ type: 'tx', key: 'k', items: over })).toBe('value-too-large');
    }
    // The client library has the same bound, so that it never sends in vain.
    expect(() => checkItems(items)).not.toThrow();
    expect(() => checkItems(over)).toThrow(expect.objectContaining({ code: 'value-too-large' }));
    const longest = Number.MAX_SAFE_INTEGER;
    const session = `${longest}.${longest}` as const;
    const tx = `${limits.partitions - 1}:${session}:${longest}`;
    const prepared = items.map(() => [limits.partitions - 1, longest] as const);
    const others = items.map(() => limits.partitions - 1);
    const at = -Number.MAX_VALUE;
    const stage = { type: 'stage', tx, session, n: longest, first: longest, at, own: items, others } as const;
    const decide = { type: 'decide', tx, reads: [], prepared } as const;
    for (const command of [stage, decide]) expect(fitsBytes(command, limits.entryBytes)).toBe(true);
    // As much has been read as may share the entry: it goes by the bytes, whatever they are bytes of.
    const value = '\u0001'.repeat(100_000);
    const read = (units: number) =>
      Array.from(
        { length: Math.ceil(units / value.length) },
        (_, i) => [`k${i}`, value.slice(0, units - i * value.length), 1] as const,
      );
    let units = 0;
    for (let step = 2 ** 20; step >= 1; step /= 2)
      if (fitsBytes({ ...decide, reads: read(units + step) }, limits.entryBytes)) units += step;
    expect(units).toBeGreaterThan(100_000);
    const anchor = limits.partitions - 1;
    const prepare = { type: 'prepare', tx, anchor, at, items } as const;
    for (const command of [{ ...decide, reads: read(units) }, prepare, stage]) {
      const append = {
        ...example!.append,
        to: `${'n'.repeat(limits.nameLength)}/${'s'.repeat(128)}`,
        appends: [{ ...example!.append.appends[0]!, entries: [{ epoch: longest, command }] }],
      } as const;
      expect(decode(encode(append))).toEqual(append);
      expect(Buffer.byteLength(encode(append))).toBeLessThan(limits.frameBytes);
    }
  });

  it('takes nothing but a transaction as one, at a finite time', () => {
    const ask = (over: object) => refused('tx', { ...paramsOf(example!.tx), n: 2, first: 1, ...over });
    const { pauseAt: _, ...plain } = paramsOf(example!.tx);
    expect(refused('tx', plain)).toBeNull();
    for (const pauseAt of ['prepared', 'decided']) expect(ask({ pauseAt })).toBeNull();
    expect(ask({ pauseAt: 'begun' })).toBe('bad-message');
    expect(ask({ op: { type: 'incr', key: 'k', by: 1 } })).toBe('bad-message');
    expect(ask({ at: Number.POSITIVE_INFINITY })).toBe('bad-message');
    expect(ask({ first: 3 })).toBe('bad-message');
  });
});

it('has words for every query that it takes', () => {
  const listed = refusedMessage();
  const types = listed.replace(/^.* must be /, '').split(/, | or /);
  expect(types.length).toBeGreaterThan(4);
  for (const type of types) expect(methods.read.fields.query, type).toContain(`{type: "${type}"`);
});

/** What is said to a query of a type that there is not. */
function refusedMessage(): string {
  try {
    decodeRequest('read', { p: 0, query: { type: 'nothing' } });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was taken');
}
