import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { Door } from './door.js';

let door: Door;
beforeEach(async () => {
  door = await new Door().open();
});
afterEach(async () => void (await door.gateway.close()));

const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe('POST /SERVICE/METHOD', () => {
  it('gives the body to the method, and its reply back, with who answered', async () => {
    door.attempts = 2;
    const answer = await door.post('/demo/echo', '{"hello":["ä",1]}');
    expect(answer).toMatchObject({ status: 200, text: '{"hello":["ä",1]}' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-muster-node': 'n1',
      'x-muster-attempts': '2',
      'x-request-id': expect.stringMatching(uuid),
    });
    expect(door.calls).toMatchObject([{ to: 'demo.echo', params: { hello: ['ä', 1] } }]);
  });

  it.each([
    ['no body', undefined, {}],
    ['an empty body of any type', '', { 'Content-Type': 'text/plain' }],
  ])('takes %s for null', async (_, body, headers) => {
    expect(await door.post('/demo/echo', body, headers)).toMatchObject({ status: 200, text: 'null' });
    expect(door.calls[0]).toMatchObject({ params: null });
  });

  it.each(['application/json; charset=utf-8', 'application/JSON', 'application/vnd.shop.v1+json'])(
    'takes the content type %s',
    async (type) => {
      const answer = await door.post('/demo/echo', '[1]', { 'Content-Type': type });
      expect(answer).toMatchObject({ status: 200, text: '[1]' });
    },
  );

  it('takes JSON of no type', async () => {
    expect(await door.ask('POST', '/demo/echo', { body: '7' })).toMatchObject({ status: 200, text: '7' });
  });

  it('says what the service declared of the method, also after it was deployed anew', async () => {
    await door.post('/demo/echo');
    await door.post('/demo/add');
    door.services = [...door.services, { name: 'late', methods: [{ name: 'go', idempotent: true }] }];
    expect(await door.post('/late/go')).toMatchObject({ status: 200 });
    expect(door.calls.map(({ options }) => options.idempotent)).toEqual([true, false, true]);
  });

  it('hands on the key', async () => {
    await door.post('/demo/echo', '1', { 'X-Muster-Key': 'cart-7' });
    await door.post('/demo/echo', '1');
    expect(door.calls[0]!.options.key).toBe('cart-7');
    expect(door.calls[1]!.options).not.toHaveProperty('key');
  });
});

describe('X-Request-Timeout', () => {
  it.each([
    ['2s', 2000],
    ['1500ms', 1500],
    ['3', 3000],
    ['0.5', 500],
    ['3600s', 3_600_000],
  ])('%s is the deadline', async (given, ms) => {
    expect((await door.post('/demo/echo', '1', { 'X-Request-Timeout': given })).status).toBe(200);
    // From the head of the request on: a little of it is over.
    expect(door.calls[0]!.options.timeoutMs).toBeLessThanOrEqual(ms);
    expect(door.calls[0]!.options.timeoutMs).toBeGreaterThan(ms - 400);
  });

  it('left out is the gateway’s own', async () => {
    await door.post('/demo/echo', '1');
    expect(door.calls[0]!.options.timeoutMs).toBeLessThanOrEqual(7000);
    expect(door.calls[0]!.options.timeoutMs).toBeGreaterThan(6600);
  });

  it.each(['soon', '', '0', '0ms', '-1s', '1m', '1e3', '3601s', '2 s', 'NaN'])(
    '"%s" is none',
    async (given) => {
      const answer = await door.post('/demo/echo', '1', { 'X-Request-Timeout': given });
      expect(answer).toMatchObject({
        status: 400,
        json: { code: 'usage', tookEffect: 'no', detail: expect.stringContaining('X-Request-Timeout') },
      });
      expect(door.calls).toEqual([]);
    },
  );
});

describe('X-Request-Id', () => {
  it.each(['a', 'order 7/#~', 'x'.repeat(limits.gatewayIdChars)])('"%s" is kept', async (given) => {
    const ok = await door.post('/demo/echo', '1', { 'X-Request-Id': given });
    expect(ok.headers['x-request-id']).toBe(given);
    const refused = await door.post('/demo/echo', '{', { 'X-Request-Id': given });
    expect(refused.headers['x-request-id']).toBe(given);
    expect(decodeURIComponent(refused.json.instance)).toBe(given);
  });

  it.each(['', 'x'.repeat(limits.gatewayIdChars + 1), 'caf\u00e9', 'a\tb'])(
    '"%s" is replaced',
    async (given) => {
      const answer = await door.post('/demo/echo', '{', { 'X-Request-Id': given });
      expect(answer.headers['x-request-id']).toMatch(uuid);
      expect(answer.json.instance).toBe(answer.headers['x-request-id']);
    },
  );
});

describe('a body', () => {
  const most = limits.serviceBytes;
  /** A JSON string of so many bytes. */
  const ofBytes = (bytes: number): Buffer => Buffer.from(`"${'x'.repeat(bytes - 2)}"`);
  const inChunks = (bytes: number): Buffer[] => {
    const all = ofBytes(bytes);
    return [all.subarray(0, bytes / 2), all.subarray(bytes / 2)];
  };

  it('of the limit is taken, with its length told or not', async () => {
    expect((await door.post('/demo/echo', ofBytes(most))).status).toBe(200);
    expect((await door.post('/demo/echo', inChunks(most))).status).toBe(200);
    expect(door.calls.map(({ params }) => (params as string).length)).toEqual([most - 2, most - 2]);
  });

  it('over the limit is refused, with its length told or not', async () => {
    for (const body of [ofBytes(most + 1), inChunks(most + 1)])
      expect(await door.post('/demo/echo', body)).toMatchObject({
        status: 413,
        headers: { connection: 'close' },
        json: { code: 'value-too-large', tookEffect: 'no' },
      });
    expect(door.calls).toEqual([]);
  });

  it('is refused by the length it tells, before it comes', async () => {
    const headers = { 'Content-Length': String(most + 1), Expect: '100-continue' };
    expect((await door.ask('POST', '/demo/echo', { headers })).status).toBe(413);
  });

  it.each([
    ['{"a":', 'not valid JSON'],
    ['hello', 'not valid JSON'],
    [Buffer.from([0x22, 0xff, 0x22]), 'not valid JSON'],
  ])('that is no JSON in UTF-8 is refused', async (body, said) => {
    expect(await door.post('/demo/echo', body)).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
      json: { status: 400, code: 'usage', tookEffect: 'no', detail: expect.stringContaining(said) },
    });
    expect(door.calls).toEqual([]);
  });

  it('may be nested as deep as it can be written out again', async () => {
    const nested = (depth: number) => `${'[{"[":'.repeat(depth / 2)}"\\"[{"${'}]'.repeat(depth / 2)}`;
    expect((await door.post('/demo/echo', nested(limits.gatewayDepth))).status).toBe(200);
    for (const depth of [limits.gatewayDepth + 2, 500_000])
      expect(await door.post('/demo/echo', nested(depth))).toMatchObject({
        status: 400,
        json: { code: 'usage', detail: expect.stringContaining('nested too deeply') },
      });
  });

  it.each<Record<string, string>>([
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/json; charset=latin1' },
    { 'Content-Type': 'application/jsonp' },
    { 'Content-Encoding': 'gzip' },
  ])('of another kind is refused: %o', async (headers) => {
    const answer = await door.post('/demo/echo', '1', headers);
    expect(answer).toMatchObject({ status: 415, json: { code: 'usage', tookEffect: 'no' } });
    expect(door.calls).toEqual([]);
  });
});

describe('an error', () => {
  const details = { node: 'n2', service: 'demo', method: 'echo', attempts: 3 };

  it.each([
    [404, new MusterError('unknown-service', 'no more there', { details })],
    [413, new MusterError('value-too-large', 'too much')],
    [500, new MusterError('value-too-large', 'returned too much', { tookEffect: 'unknown' })],
    [500, new MusterError('handler-failed', 'it broke', { details })],
    [422, new MusterError('handler-failed', 'not in stock', { details: { ...details, own: 'sold-out' } })],
    [503, new MusterError('busy', 'later', { details })],
    [503, new MusterError('unavailable', 'nobody')],
    [503, new MusterError('unreachable', 'lost', { details, tookEffect: 'unknown' })],
    [504, new MusterError('timeout', 'too long', { details, tookEffect: 'unknown' })],
    [504, new MusterError('outcome-unknown', 'who knows', { details })],
    [500, new MusterError('unauthorized', 'wrong token')],
    [500, new MusterError('usage', 'the strategy given threw')],
  ])('is a problem of status %i: %s', async (status, error) => {
    door.answer = () => Promise.reject(error);
    const { headers, json, ...answer } = await door.post('/demo/echo', '1');
    expect(answer.status).toBe(status);
    const { own } = error.details;
    expect(json).toEqual({
      type: `urn:muster:problem:${error.code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: error.message,
      instance: headers['x-request-id'],
      code: error.code,
      tookEffect: error.tookEffect,
      ...(own === undefined ? {} : { own }),
    });
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(headers['x-muster-node']).toBe(error.details.node);
    expect(headers['x-muster-attempts']).toBe(error.details.attempts?.toString());
  });

  it('of the gateway itself is told of', async () => {
    door.answer = () => Promise.reject(new TypeError('a slip'));
    expect(await door.post('/demo/echo', '1')).toMatchObject({
      status: 500,
      json: { code: 'internal', tookEffect: 'unknown' },
    });
    expect(door.failed).toEqual(['a slip']);
  });

  it.each(['/nope/echo', '/demo/nope', '/demo/echo.more', '/de%6do/nope', '/demo/%ff'])(
    'is that there is no %s: 404',
    async (path) => {
      const answer = await door.post(path, '1');
      expect(answer).toMatchObject({ status: 404, json: { code: 'unknown-service', tookEffect: 'no' } });
      expect(door.calls).toEqual([]);
    },
  );

  it('is that no node says what there is: 503', async () => {
    door.asked = () => {
      throw new MusterError('unreachable', 'nobody answers');
    };
    expect(await door.post('/demo/echo', '1')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      json: { code: 'unreachable' },
    });
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('is to %s a method: 405', async (method) => {
    expect(await door.ask(method, '/demo/echo')).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      json: { code: 'usage', tookEffect: 'no' },
    });
  });
});
