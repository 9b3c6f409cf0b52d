import { once } from 'node:events';
import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/limits.js';
import { headerNames } from '../../src/transport/handshake.js';
import { createWsTransport } from '../../src/transport/ws.js';
import { connectOptions, numbers, Recorder, text, token } from './helpers.js';
import { ends, goodHeaders, start } from './strangers.js';

/** The HTTP answer to an upgrade with these headers (undefined: left out). */
async function refusal(
  url: string,
  over: Record<string, string | undefined>,
): Promise<{ status: number; error: Record<string, unknown> }> {
  const headers = Object.fromEntries(
    Object.entries({ ...goodHeaders, ...over }).filter(([, value]) => value !== undefined),
  );
  const ws = new WebSocket(url, { headers: headers as Record<string, string> });
  ws.on('error', () => {});
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  const body = (await response.setEncoding('utf8').toArray()).join('');
  return {
    status: response.statusCode!,
    error: (JSON.parse(body) as { error: Record<string, unknown> }).error,
  };
}

async function listening(server: TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the handshake over ws refuses', () => {
  it.each([
    ['a missing token', { authorization: undefined }, 401, 'unauthorized'],
    ['a wrong token', { authorization: 'Bearer nearly' }, 401, 'unauthorized'],
    ['the token under another scheme', { authorization: `Basic ${token}` }, 401, 'unauthorized'],
    ['any Origin', { origin: 'http://127.0.0.1:3000' }, 403, 'origin-refused'],
    ['an Origin of null', { origin: 'null' }, 403, 'origin-refused'],
    ['another protocol version', { [headerNames.protocol]: '1' }, 426, 'wrong-version'],
    ['a missing protocol version', { [headerNames.protocol]: undefined }, 426, 'wrong-version'],
    ['another cluster', { [headerNames.cluster]: 'other' }, 409, 'wrong-cluster'],
    [
      'a hello of another cluster',
      { [headerNames.hello]: '{"role":"client","cluster":"other"}' },
      409,
      'wrong-cluster',
    ],
    ['a hello that is not JSON', { [headerNames.hello]: '{' }, 400, 'bad-message'],
    ['a missing hello', { [headerNames.hello]: undefined }, 400, 'bad-message'],
    [
      'a node without a name',
      { [headerNames.hello]: '{"role":"node","cluster":"caf\\u00e9-1"}' },
      400,
      'bad-message',
    ],
    ['an expectation that is not understood', { [headerNames.expect]: '{"id":1}' }, 400, 'bad-message'],
  ])('%s', async (_what, headers, status, code) => {
    const { server, doorman } = await start();
    const answer = await refusal(server.url, headers);
    expect(answer).toMatchObject({ status, error: { code, tookEffect: 'no' } });
    expect(Object.keys(answer.error)).toEqual(expect.arrayContaining(['message', 'hint']));
    expect(doorman.connections).toEqual([]);
  });

  it('the 1,025th connection', async () => {
    const { server, doorman } = await start();
    const transport = createWsTransport();
    for (let i = 0; i < limits.connections; i += 64) {
      await Promise.all(
        Array.from({ length: 64 }, () => transport.connect(connectOptions(server.url, new Recorder()))),
      );
    }
    expect(doorman.connections).toHaveLength(1024);
    await expect(transport.connect(connectOptions(server.url, new Recorder()))).rejects.toMatchObject({
      code: 'busy',
    });
    expect(await refusal(server.url, {})).toMatchObject({ status: 503, error: { code: 'busy' } });
  }, 20_000);

  it('plain HTTP, with a word of explanation', async () => {
    const { port } = await start();
    const [response] = (await once(get(`http://127.0.0.1:${port}/`), 'response')) as [IncomingMessage];
    const body = (await response.setEncoding('utf8').toArray()).join('');
    expect([response.statusCode, body]).toEqual([426, expect.stringContaining('muster node')]);
  });
});

describe('connecting over ws', () => {
  const attempt = (url: string, timeoutMs = 5000) =>
    createWsTransport().connect(connectOptions(url, new Recorder(), { timeoutMs }));

  it('tells a refused connection from anything else that goes wrong', async () => {
    const refused = createTcpServer();
    const url = await listening(refused);
    refused.close();
    await expect(attempt(url)).rejects.toMatchObject({ code: 'unreachable', details: { refused: true } });

    const hangsUp = createTcpServer((socket) => socket.destroy());
    ends.push(() => hangsUp.close());
    await expect(attempt(await listening(hangsUp))).rejects.toMatchObject({
      code: 'unreachable',
      details: { refused: false },
    });

    const garbage = createTcpServer((socket) => socket.on('error', () => {}).end('-ERR unknown command\r\n'));
    ends.push(() => garbage.close());
    await expect(attempt(await listening(garbage))).rejects.toMatchObject({
      code: 'unreachable',
      details: { refused: false },
    });
  });

  it('gives up on one who accepts and says nothing', async () => {
    const silent = createTcpServer((socket) => ends.push(() => socket.destroy()));
    ends.push(() => silent.close());
    await expect(attempt(await listening(silent), 50)).rejects.toMatchObject({
      code: 'timeout',
      tookEffect: 'no',
    });
  });

  it('says so when it is no node that answers', async () => {
    const other = createHttpServer((_request, response) => response.writeHead(404).end('not here'));
    ends.push(() => other.close());
    const error = { code: 'unreachable', details: { refused: false, status: 404 } };
    await expect(attempt(await listening(other))).rejects.toMatchObject(error);
    await expect(attempt('nonsense')).rejects.toMatchObject({
      code: 'unreachable',
      details: { refused: false },
    });
  });

  it('goes on with text of every alphabet through both ends', async () => {
    const { server, doorman } = await start();
    const client = await attempt(server.url);
    const extra = 'ß漢字😀\u0000\ud800';
    client.send(text(1, extra));
    await doorman.recorders[0]!.received(1);
    expect(doorman.recorders[0]!.messages).toEqual([JSON.parse(text(1, extra))]);
    expect(numbers(doorman.recorders[0]!.messages)).toEqual([1]);
  });
});
