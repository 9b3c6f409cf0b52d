import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { limits } from '../../src/limits.js';
import { text } from './helpers.js';
import { closeCode, ends, goodHeaders, start, stranger, tcp } from './strangers.js';

describe('a server over ws', () => {
  it('answers a malformed frame with a parse error and closes with 1007', async () => {
    const { server } = await start();
    const ws = await stranger(server.url);
    const heard: string[] = [];
    ws.on('message', (data: RawData) => heard.push(data.toString()));
    ws.send('{"jsonrpc":"2.0",');
    expect(await closeCode(ws)).toBe(1007);
    expect(heard.map((frame) => JSON.parse(frame))).toMatchObject([{ id: null, error: { code: -32700 } }]);
  });

  it('closes on a binary frame with 1003', async () => {
    const { server, doorman } = await start();
    const ws = await stranger(server.url);
    ws.send(Buffer.from(text(1)));
    expect(await closeCode(ws)).toBe(1003);
    expect(doorman.recorders[0]!.messages).toEqual([]);
  });

  it('closes on text that is not UTF-8 with 1007', async () => {
    const { server } = await start();
    const ws = await stranger(server.url);
    ws.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false });
    expect(await closeCode(ws)).toBe(1007);
  });

  it('closes on a frame over the limit with 1009, and takes one at the limit', async () => {
    const { server, doorman } = await start();
    const ws = await stranger(server.url);
    ws.send(JSON.stringify('x'.repeat(limits.frameBytes - 2)));
    ws.send(JSON.stringify('x'.repeat(limits.frameBytes - 1)));
    expect(await closeCode(ws)).toBe(1009);
    await doorman.recorders[0]!.ended();
    expect(doorman.recorders[0]!.messages).toHaveLength(1);
  });

  it('shows one frame on the wire for the messages of a turn', async () => {
    const { server, doorman } = await start();
    doorman.onAccept = (connection) => {
      connection.send(text(1));
      connection.send(text(2));
      setImmediate(() => setImmediate(() => connection.send(text(3))));
    };
    const ws = new WebSocket(server.url, { headers: goodHeaders });
    ends.push(() => ws.terminate());
    const frames: string[] = [];
    await new Promise<void>((resolve) => {
      ws.on('message', (data: RawData) => frames.push(data.toString()) === 2 && resolve());
    });
    expect(frames).toEqual([`[${text(1)},${text(2)}]`, text(3)]);
  });

  it('cuts off a reader that does not read, its queue within the bound', async () => {
    const { server, doorman } = await start();
    const ws = await stranger(server.url);
    ws.pause();
    const [connection, recorder] = [doorman.connections[0]!, doorman.recorders[0]!];
    const message = text(1, 'x'.repeat(1024 * 1024));
    const before = process.memoryUsage().rss;
    let sent = 0;
    let most = 0;
    while (recorder.closedCount === 0 && sent < 500) {
      connection.send(message);
      sent++;
      most = Math.max(most, connection.queued);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(recorder.closedCount).toBe(1);
    expect(most).toBeGreaterThan(limits.connectionQueueBytes - 2 * message.length);
    expect(most).toBeLessThanOrEqual(limits.connectionQueueBytes);
    expect(process.memoryUsage().rss - before).toBeLessThan(4 * limits.connectionQueueBytes);
    expect(connection.queued).toBe(0);
    connection.send(message);
    expect(connection.queued).toBe(0);
  });

  it('cuts off a peer that pings and does not read the answers', async () => {
    const { server, doorman } = await start({ queueBytes: 64 * 1024 });
    const ws = await stranger(server.url);
    ws.pause();
    const recorder = doorman.recorders[0]!;
    let most = 0;
    while (recorder.closedCount === 0) {
      for (let i = 0; i < 1000 && ws.bufferedAmount < 1_000_000; i++) ws.ping('x'.repeat(125));
      most = Math.max(most, doorman.connections[0]!.queued);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBeLessThan(256 * 1024);
  });

  it('cuts off a connection that answers no ping, and keeps one that does', async () => {
    const { server, doorman } = await start({ pingMs: 30 });
    const lively = await stranger(server.url);
    const silent = await stranger(server.url, { autoPong: false });
    await once(silent, 'close');
    await once(lively, 'ping');
    await once(lively, 'ping');
    expect(lively.readyState).toBe(WebSocket.OPEN);
    expect(doorman.recorders.map((recorder) => recorder.closedCount)).toEqual([0, 1]);
  });

  it('stops in time although a peer does not answer its close', async () => {
    const { server, port } = await start({ closeMs: 50 });
    const ws = await stranger(server.url);
    ws.pause();
    await tcp(port);
    await server.close();
    await expect(once(connectTcp(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it('tells its peers with 1001 that it goes away', async () => {
    const { server } = await start();
    const ws = await stranger(server.url);
    const code = closeCode(ws);
    await server.close();
    expect(await code).toBe(1001);
  });

  it('hangs up on garbage, and goes on serving', async () => {
    const { server, port } = await start();
    for (const garbage of [
      '\0\x01\x02\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    ]) {
      const { socket, ended } = await tcp(port);
      socket.write(garbage);
      expect(await ended).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    await stranger(server.url);
  });

  it('hangs up on an upgrade that is no WebSocket handshake', async () => {
    const { port } = await start();
    const { socket, ended } = await tcp(port);
    const headers = Object.entries(goodHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${headers.join('')}\r\n`,
    );
    expect(await ended).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('hangs up on a peer that says nothing, or not enough, in time', async () => {
    const { port } = await start({ handshakeMs: 100 });
    const silent = await tcp(port);
    const slow = await tcp(port);
    slow.socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await Promise.all([silent.ended, slow.ended]);
  });

  it('hangs up on one who resets in the middle of its handshake, and goes on serving', async () => {
    const { server, port } = await start();
    const { socket } = await tcp(port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.resetAndDestroy();
    await stranger(server.url);
  });
});
