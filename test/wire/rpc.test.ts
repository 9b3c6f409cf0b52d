import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, type ErrorCode, MusterError } from '../../src/errors.js';
import {
  classify,
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  type Incoming,
} from '../../src/wire/rpc.js';
import { badMessage, fromRpcError, rpcCodeOf, toRpcError } from '../../src/wire/rpc-errors.js';

const read = (text: string): Incoming => classify(JSON.parse(text));

describe('the envelopes of JSON-RPC', () => {
  it('are told apart when they come back', () => {
    expect(read(encodeRequest(1, 'm', '{"a":1}'))).toEqual({
      kind: 'request',
      id: 1,
      method: 'm',
      params: { a: 1 },
    });
    expect(read(encodeRequest('a"b', 'm', '[]'))).toEqual({
      kind: 'request',
      id: 'a"b',
      method: 'm',
      params: [],
    });
    expect(read(encodeNotification('m', '{}'))).toEqual({ kind: 'notification', method: 'm', params: {} });
    expect(read(encodeResult(0, 'null'))).toEqual({ kind: 'result', id: 0, result: null });
    expect(read(encodeError(null, badMessage('why', -32700)))).toMatchObject({
      kind: 'error',
      id: null,
      error: { code: -32700, message: 'why', data: { code: 'bad-message', tookEffect: 'no' } },
    });
  });

  it.each([
    ['a string', '"x"', null],
    ['null', 'null', null],
    ['a list', '[]', null],
    ['no version', '{"id":1,"method":"m"}', 1],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"m"}', 1],
    ['nothing but a version', '{"jsonrpc":"2.0"}', null],
    ['a method that is a number', '{"jsonrpc":"2.0","id":2,"method":1}', 2],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"m"}', null],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"m"}', null],
    ['an id that is a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"m"}', null],
    ['an id too long', `{"jsonrpc":"2.0","id":"${'x'.repeat(65)}","method":"m"}`, null],
    ['a call that is an answer too', '{"jsonrpc":"2.0","id":1,"method":"m","result":1}', 1],
    ['a result and an error', '{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}', 1],
    ['a result without an id', '{"jsonrpc":"2.0","result":1}', null],
    ['an error without an id', '{"jsonrpc":"2.0","error":{"code":1,"message":""}}', null],
    ['an error without a code', '{"jsonrpc":"2.0","id":1,"error":{"message":""}}', 1],
    ['an error that is a string', '{"jsonrpc":"2.0","id":1,"error":"x"}', 1],
  ])('are refused as invalid requests: %s', (_what, text, id) => {
    expect(read(text)).toMatchObject({
      kind: 'invalid',
      id,
      error: { code: 'bad-message', details: { rpcCode: -32600 } },
    });
  });

  it('are told apart without a throw, whatever comes', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void classify(value)));
  });
});

describe('errors over the wire', () => {
  const codes = Object.keys(catalogue) as ErrorCode[];

  it('have a JSON-RPC integer each', () => {
    expect(new Set(codes.map((code) => rpcCodeOf[code])).size).toBe(codes.length);
  });

  it.each(codes)('%s comes back as it went, with what it says of the outcome', (code) => {
    for (const tookEffect of ['yes', 'no', 'unknown'] as const) {
      const error = new MusterError(code, 'what happened', {
        details: { revision: 7, path: '/x', gone: null },
        tookEffect,
      });
      const back = fromRpcError(JSON.parse(JSON.stringify(toRpcError(error))));
      expect(back).toMatchObject({ code, message: 'what happened', tookEffect, details: error.details });
      expect(back.hint).toBe(error.hint);
    }
  });

  it('keep the text of an unexpected failure at home', () => {
    expect(JSON.stringify(toRpcError(new TypeError('secret of the house')))).not.toContain('secret');
    expect(toRpcError('anything')).toMatchObject({
      code: -32603,
      data: { code: 'internal', tookEffect: 'unknown' },
    });
  });

  it('of an unknown kind leave the outcome unknown', () => {
    const data = { code: 'of-the-future', tookEffect: 'no' } as never;
    expect(fromRpcError({ code: 4711, message: 'x', data })).toMatchObject({
      code: 'internal',
      tookEffect: 'unknown',
    });
    expect(fromRpcError({ code: -32601, message: 'x' })).toMatchObject({
      code: 'bad-message',
      tookEffect: 'no',
    });
    expect(fromRpcError({ code: -32600, message: 'x' })).toMatchObject({ code: 'bad-message' });
  });

  it('keep only details that are plain', () => {
    const data = { code: 'busy', tookEffect: 'perhaps', details: { a: 1, b: {}, c: [1], d: 'x' } } as never;
    expect(fromRpcError({ code: 1020, message: 'x', data })).toMatchObject({
      code: 'busy',
      tookEffect: 'no',
      details: { a: 1, d: 'x' },
    });
    expect(Object.keys(fromRpcError({ code: 1020, message: 'x', data }).details)).toEqual(['a', 'd']);
  });
});
