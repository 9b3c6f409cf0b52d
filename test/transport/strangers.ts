import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';
import type { Server } from '../../src/transport/contract.js';
import { introduction } from '../../src/transport/handshake.js';
import type { Tuning } from '../../src/transport/tuning.js';
import { createWsTransport } from '../../src/transport/ws.js';
import { Doorman, self, serverOptions, token } from './helpers.js';

/** What is to be ended after each test, last first. */
export const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server over `ws`, closed after the test. */
export async function start(
  tuning: Partial<Tuning> = {},
): Promise<{ server: Server; doorman: Doorman; port: number }> {
  const doorman = new Doorman();
  const server = await createWsTransport({ closeMs: 100, ...tuning }).listen(serverOptions(doorman));
  ends.push(() => server.close());
  return { server, doorman, port: Number(new URL(server.url).port) };
}

/** What a well-behaved client introduces itself with. */
export const goodHeaders = introduction({
  token,
  hello: { role: 'client', cluster: self.cluster },
  expect: null,
});

/** A WebSocket client that is not ours. */
export async function stranger(url: string, options: { autoPong?: boolean } = {}): Promise<WebSocket> {
  const ws = new WebSocket(url, { headers: goodHeaders, perMessageDeflate: false, ...options });
  ends.push(() => ws.terminate());
  ws.on('error', () => {});
  await once(ws, 'open');
  return ws;
}

export async function closeCode(ws: WebSocket): Promise<number> {
  const [code] = (await once(ws, 'close')) as [number];
  return code;
}

/** A bare TCP connection, and all it hears until it is closed. */
export async function tcp(port: number): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connectTcp(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (data) => {
    heard += data.toString('latin1');
  });
  socket.on('error', () => {});
  return { socket, ended: once(socket, 'close').then(() => heard) };
}
