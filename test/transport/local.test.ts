import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { localName } from '../../src/transport/local.js';
import { createWsTransport } from '../../src/transport/ws.js';
import { connectOptions, Doorman, Recorder, serverOptions, token } from './helpers.js';
import { ends, start, stranger } from './strangers.js';

const host = '127.0.0.1';

describe('the name of the socket beside a listener', () => {
  it('is there on the loopback of Linux only', () => {
    for (const loopback of ['127.0.0.1', '127.9.8.7', '::1', '[::1]', 'localhost'])
      expect(localName(loopback, 7401, token, 'linux')).toMatch(/^\0muster-ws-/);
    for (const other of ['10.0.0.1', '0.0.0.0', '::', '128.0.0.1', '127.0.0.1.example.org'])
      expect(localName(other, 7401, token, 'linux')).toBeNull();
    for (const platform of ['darwin', 'win32']) expect(localName(host, 7401, token, platform)).toBeNull();
  });

  it('is one for both spellings of an address, and another for another address or token', () => {
    expect(localName('[::1]', '7401', token, 'linux')).toBe(localName('::1', 7401, token, 'linux'));
    const names = [
      localName(host, 7401, token, 'linux'),
      localName(host, 7402, token, 'linux'),
      localName('127.0.0.2', 7401, token, 'linux'),
      localName(host, 7401, `${token}.`, 'linux'),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).not.toContain(token);
    expect(localName('127.255.255.255', 65535, token, 'linux')).not.toBeNull();
  });
});

/** Connections over TCP that a port of 127.0.0.1 has accepted and that are open, as the kernel lists them. */
function overTcp(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const established = '01';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local && fields[3] === established).length;
}

describe.runIf(process.platform === 'linux')('on one machine', () => {
  const connect = (url: string) => createWsTransport().connect(connectOptions(url, new Recorder()));

  /** A server that has ended. */
  const ended = async () => {
    const started = await start();
    await started.server.close();
    return started;
  };

  it('two of ours meet at the Unix socket; who knows nothing of it comes over TCP', async () => {
    const { server, doorman, port } = await start();
    await connect(server.url);
    expect(doorman.connections).toHaveLength(1);
    expect(overTcp(port)).toBe(0);
    await stranger(server.url);
    expect(doorman.connections).toHaveLength(2);
    expect(overTcp(port)).toBe(1);
  });

  it('a node whose name is taken serves over TCP', async () => {
    const { port } = await ended();
    const taken = createServer().listen({ path: localName(host, port, token)! });
    await once(taken, 'listening');
    const doorman = new Doorman();
    const server = await createWsTransport({ closeMs: 100 }).listen(serverOptions(doorman, { port }));
    ends.push(() => server.close());
    taken.close();
    await once(taken, 'close');
    await connect(server.url);
    expect(doorman.connections).toHaveLength(1);
    expect(overTcp(port)).toBe(1);
  });

  it('a node that has ended is at neither', async () => {
    const { server } = await ended();
    await expect(connect(server.url)).rejects.toMatchObject({
      code: 'unreachable',
      details: { refused: true },
    });
  });
});
