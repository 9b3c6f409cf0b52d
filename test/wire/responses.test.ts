import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientRequest, ClientResponse } from '../../src/core/messages.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import {
  decodeClientResponse,
  encodeClientResponse,
  errorToRefusal,
  refusalToError,
} from '../../src/wire/responses.js';
import { classify, encodeError, encodeResult, type Incoming } from '../../src/wire/rpc.js';
import { refusal, response } from './arbitraries.js';
import { places } from './places.js';

type Answer = Extract<Incoming, { kind: 'result' | 'error' }>;
const read = (text: string): Answer => classify(JSON.parse(text)) as Answer;
const types: ClientRequest['type'][] = ['open', 'close', 'write', 'tx', 'abort', 'read'];

function failure(type: ClientRequest['type'], text: string): MusterError {
  try {
    decodeClientResponse(type, read(text));
  } catch (error) {
    return error as MusterError;
  }
  throw new Error('it was taken');
}

describe('the answers to a client', () => {
  it('come back as the core gave them', () => {
    fc.assert(
      fc.property(response, fc.constantFrom(...types), (answer, any) => {
        const type = answer.ok ? answer.type : any;
        expect(decodeClientResponse(type, read(encodeClientResponse(5, answer)))).toEqual(answer);
      }),
    );
  });

  it('to a transaction over several partitions are those to an operation', () => {
    const result = { ok: true, value: '{"outcome":"committed","reads":[]}' } as const;
    const answer: ClientResponse = { ok: true, type: 'write', result };
    expect(decodeClientResponse('tx', read(encodeClientResponse(5, answer)))).toEqual(answer);
  });

  it('in which any one part was replaced are refused, or taken as valid', () => {
    const property = fc.property(response, fc.nat(), fc.jsonValue(), (answer, where, wrong) => {
      if (!answer.ok) return;
      const envelope = JSON.parse(encodeClientResponse(5, answer));
      const spots = places(envelope.result);
      if (spots.length === 0) return;
      const [holder, name] = spots[where % spots.length]!;
      holder[name] = wrong;
      let taken: ClientResponse;
      try {
        taken = decodeClientResponse(answer.type, read(JSON.stringify(envelope)));
      } catch (error) {
        const code = answer.type === 'read' ? /^(bad-message|key-invalid|value-too-large)$/ : /^bad-message$/;
        expect((error as MusterError).code).toMatch(code);
        return;
      }
      expect(JSON.parse(encodeClientResponse(5, taken))).toEqual(JSON.parse(JSON.stringify(envelope)));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('are JSON-RPC errors when they refuse, with the revision of the map', () => {
    const moved = { ok: false, code: 'moved', message: 'n2 has it', revision: 8 } as const;
    expect(JSON.parse(encodeClientResponse(5, moved))).toMatchObject({
      id: 5,
      error: {
        code: 1023,
        message: 'n2 has it',
        data: { code: 'moved', tookEffect: 'no', details: { revision: 8 } },
      },
    });
    expect(JSON.parse(encodeClientResponse(5, { ...moved, mayHaveRun: true }))).toMatchObject({
      error: { data: { tookEffect: 'unknown' } },
    });
  });

  it('become refusals again, also those that the edge of a node gave without a revision', () => {
    fc.assert(
      fc.property(refusal, (answer) => void expect(errorToRefusal(refusalToError(answer))).toEqual(answer)),
    );
    const text = encodeError(1, new MusterError('key-invalid', 'invalid key ""'));
    const expected = { ok: false, code: 'key-invalid', message: 'invalid key ""', revision: 0 };
    expect(decodeClientResponse('write', read(text))).toEqual(expected);
  });

  it('are thrown when they are errors of another kind', () => {
    expect(failure('write', encodeError(1, new Error('boom')))).toMatchObject({
      code: 'internal',
      tookEffect: 'unknown',
    });
    expect(failure('read', encodeError(1, new MusterError('storage-failed', 'x')))).toMatchObject({
      code: 'storage-failed',
    });
  });

  it('that cannot be understood leave the outcome of a write unknown', () => {
    const wrong = [
      'null',
      '5',
      '[]',
      '{"ok":1}',
      '{"ok":true}',
      '{"ok":true,"value":{}}',
      '{"ok":true,"value":1,"more":1}',
    ];
    for (const result of [
      ...wrong,
      '{"ok":false,"code":"toString","message":""}',
      '{"ok":false,"code":"conflict"}',
    ]) {
      expect(failure('write', encodeResult(1, result))).toMatchObject({
        code: 'bad-message',
        tookEffect: 'unknown',
      });
    }
    for (const result of ['{}', '{"state":"done"}', '{"state":"unknown","more":1}']) {
      expect(failure('abort', encodeResult(1, result))).toMatchObject({
        code: 'bad-message',
        tookEffect: 'unknown',
      });
    }
    for (const result of ['{}', '{"session":5}', '{"session":"1.2","more":1}']) {
      expect(failure('open', encodeResult(1, result))).toMatchObject({
        code: 'bad-message',
        tookEffect: 'unknown',
      });
    }
    const cell = '{"kind":"text","value":5,"version":1}';
    for (const result of [
      '{"type":"get"}',
      `{"type":"get","cell":${cell}}`,
      `{"type":"scan","rows":[["k",${cell}]],"more":false}`,
      '{"type":"rows"}',
      '{"type":"rows","rows":[]}',
      '{"type":"rows","rows":[],"more":1}',
      '{"type":"rows","rows":[],"more":true}',
      '{"type":"rows","rows":[],"more":false,"next":null}',
      '{"type":"rows","rows":[["l"]],"more":false}',
      '{"type":"rows","rows":[["l",{"kind":"fence","token":-1}]],"more":false}',
      '{"type":"rows","rows":[["l",{"kind":"lock","permits":1,"holders":[],"queue":[{"ticket":"1.2","ttl":1000}]}]],"more":false}',
    ]) {
      expect(failure('read', encodeResult(1, result))).toMatchObject({
        code: 'bad-message',
        tookEffect: 'no',
      });
    }
  });

  it('are a clear error when they would not fit a frame', () => {
    const rows = Array.from({ length: 4 }, (_, i) => {
      return [`k${i}`, { kind: 'text', value: '\u0001'.repeat(limits.valueBytes / 2), version: 1 }] as const;
    });
    const page: ClientResponse = { ok: true, type: 'read', result: { type: 'scan', rows, more: false } };
    const text = encodeClientResponse(1, page);
    expect(Buffer.byteLength(text)).toBeLessThan(limits.frameBytes);
    expect(decodeClientResponse('read', read(text))).toMatchObject({ ok: false, code: 'value-too-large' });
  });
});
