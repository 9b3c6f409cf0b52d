import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Action } from '../../src/cluster/lifecycle/action.js';
import type { FeedEvent, Look } from '../../src/cluster/observe/observer.js';
import { decodeAsked, type Told } from '../../src/dashboard/messages.js';
import { pageOf } from '../../src/dashboard/page.js';
import { type Dashboard, openDashboard } from '../../src/dashboard/server.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';

const page = pageOf('<!doctype html><style>p{}</style><p>hi</p><script>1</script>');
const look: Look = { at: 5, state: 'running', problem: null, overview: null, events: [] };

/** An observer that looks when it is told to. */
class FakeObserver {
  last: Look | null = null;
  history = [];
  events: FeedEvent[] = [];
  readonly listeners = new Set<(look: Look) => void>();

  subscribe(listener: (look: Look) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  note(event: Omit<FeedEvent, 'at' | 'seq'>): void {
    this.events.push({ ...event, at: 1, seq: this.events.length + 1 });
  }

  hurry(): void {
    for (const listener of this.listeners) listener(look);
  }
}

let dashboard: Dashboard;
let observer: FakeObserver;
let acted: Action[] = [];
let blocked: Promise<void> | null = null;
beforeEach(async () => {
  observer = new FakeObserver();
  acted = [];
  blocked = null;
  dashboard = await openDashboard({
    observer,
    cluster: 'shop',
    named: false,
    everyMs: 1000,
    colors: ['#000000'],
    page,
    port: 0,
    act: async (action) => {
      acted.push(action);
      await blocked;
      if ('node' in action && action.node === 'n9')
        throw new MusterError('unknown-node', 'unknown node "n9"');
      return 'n1 killed';
    },
    trace: async () => ({ parts: [], trace: [{ at: 1, what: 'came', p: 0, seq: null, yes: null }] }),
  });
});
afterEach(() => dashboard.close());

const token = (): string => new URL(dashboard.url).hash.slice('#token='.length);

/** A GET with these headers; gives status, headers and body. */
const get = (headers: Record<string, string> = {}, path = '/', method = 'GET') =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const sent = request({ port: dashboard.port, host: '127.0.0.1', path, method, headers }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.once('error', reject);
    sent.end();
  });

/** How a handshake is answered: `open`, or the status of the refusal. */
const shake = (given: { origin?: string; host?: string; protocols?: string[] } = {}) =>
  new Promise<'open' | number>((resolve) => {
    const own = `127.0.0.1:${dashboard.port}`;
    const socket = new WebSocket(
      `ws://${own}/`,
      given.protocols ?? ['muster-dashboard', `token.${token()}`],
      { headers: { origin: given.origin ?? `http://${own}`, ...(given.host ? { host: given.host } : {}) } },
    );
    socket.on('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.on('unexpected-response', (_, response) => {
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', () => {});
  });

/** A page that is let in, with all that it was told. */
async function visit(): Promise<{ socket: WebSocket; told: Told[]; closed: Promise<number> }> {
  const own = `127.0.0.1:${dashboard.port}`;
  const socket = new WebSocket(`ws://${own}/`, ['muster-dashboard', `token.${token()}`], {
    headers: { origin: `http://${own}` },
  });
  const told: Told[] = [];
  socket.on('message', (data) => told.push(JSON.parse(data.toString())));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await expect.poll(() => told.length).toBe(1);
  return { socket, told, closed };
}

describe('the door of the dashboard', () => {
  it('gives the page, which may load nothing and be framed by nobody', async () => {
    const { status, headers, body } = await get();
    expect([status, body]).toEqual([200, page.html]);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src ${page.hashes.script};`);
    expect(policy).toContain(
      `connect-src ws://127.0.0.1:${dashboard.port} ws://localhost:${dashboard.port};`,
    );
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  it('holds no secret in the page, and has the token behind the # alone', async () => {
    expect(dashboard.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}$/);
    expect((await get()).body).not.toContain(token());
  });

  it('refuses other names (DNS rebinding), paths and methods', async () => {
    expect((await get({ host: 'evil.example' })).status).toBe(403);
    expect((await get({ host: `evil.example:${dashboard.port}` })).status).toBe(403);
    expect((await get({ host: '127.0.0.1' })).status).toBe(403);
    expect((await get({ host: `localhost:${dashboard.port}` })).status).toBe(200);
    expect((await get({}, '/etc/passwd')).status).toBe(404);
    expect((await get({}, '/', 'POST')).status).toBe(405);
  });

  it('lets only its own page in, with the token of this run', async () => {
    expect(await shake()).toBe('open');
    const own = `127.0.0.1:${dashboard.port}`;
    expect(await shake({ origin: 'http://evil.example' })).toBe(403);
    expect(await shake({ origin: `https://${own}` })).toBe(403);
    expect(await shake({ origin: 'http://127.0.0.1:1' })).toBe(403);
    expect(await shake({ origin: 'null' })).toBe(403);
    expect(await shake({ host: 'evil.example', origin: 'http://evil.example' })).toBe(403);
    expect(await shake({ protocols: ['muster-dashboard', `token.${token().slice(1)}x`] })).toBe(401);
    expect(await shake({ protocols: ['muster-dashboard'] })).toBe(401);
    expect(await shake({ protocols: [`token.${token()}`] })).toBe(401);
    expect(acted).toEqual([]);
  });

  it('lets in no more pages than it can serve', async () => {
    const pages = await Promise.all(Array.from({ length: limits.dashboardPages }, visit));
    expect(await shake()).toBe(503);
    pages[0]!.socket.close();
    await pages[0]!.closed;
    await expect.poll(() => shake()).toBe('open');
  });

  it('says that its port is taken', async () => {
    const { observer: _, ...rest } = { observer, cluster: 'x', named: false, everyMs: 1, colors: [], page };
    const again = openDashboard({
      ...rest,
      observer,
      port: dashboard.port,
      act: async () => '',
      trace: async () => ({ parts: [], trace: [] }),
    });
    await expect(again).rejects.toMatchObject({ code: 'port-taken' });
  });
});

describe('a page of the dashboard', () => {
  it('is told all there is, then every look with what happened since', async () => {
    observer.note({ kind: 'down', text: 'n2 is down' });
    const { told } = await visit();
    expect(told[0]).toMatchObject({ type: 'hello', cluster: 'shop', events: [{ text: 'n2 is down' }] });
    observer.note({ kind: 'up', text: 'n2 is up' });
    observer.hurry();
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]).toEqual({
      type: 'look',
      look: { at: 5, state: 'running', problem: null, overview: null },
      point: null,
      events: [{ at: 1, seq: 2, kind: 'up', text: 'n2 is up' }],
    });
  });

  it('does what is asked for, and tells it with the command that does the same', async () => {
    const { socket, told } = await visit();
    socket.send(JSON.stringify({ type: 'act', id: 1, action: { kind: 'kill', node: 'n1' } }));
    const done = (id: number) => told.find((one) => 'id' in one && one.id === id);
    await expect
      .poll(() => done(1))
      .toEqual({ type: 'done', id: 1, ok: true, text: 'n1 killed', command: 'muster node kill n1' });
    expect(observer.events.at(-1)).toMatchObject({
      kind: 'action',
      node: 'n1',
      text: 'muster node kill n1: n1 killed',
    });
    socket.send(JSON.stringify({ type: 'act', id: 2, action: { kind: 'kill', node: 'n9' } }));
    await expect.poll(() => done(2)).toMatchObject({ ok: false, text: 'unknown node "n9"' });
    expect(observer.events.at(-1)).toMatchObject({ kind: 'problem' });
    socket.send(JSON.stringify({ type: 'trace', id: 3, tx: '0:1.1:1' }));
    await expect
      .poll(() => done(3))
      .toMatchObject({ type: 'trace', tx: '0:1.1:1', trace: [{ what: 'came' }] });
  });

  it('that asks for too much at once is refused it', async () => {
    let release = (): void => {};
    blocked = new Promise((resolve) => {
      release = resolve;
    });
    const { socket, told } = await visit();
    for (let id = 0; id <= limits.dashboardAsked; id++)
      socket.send(JSON.stringify({ type: 'act', id, action: { kind: 'heal' } }));
    await expect
      .poll(() => told.find((one) => one.type === 'done'))
      .toMatchObject({ id: limits.dashboardAsked, ok: false });
    release();
    await expect.poll(() => told.filter((one) => one.type === 'done').length).toBe(limits.dashboardAsked + 1);
    expect(acted).toHaveLength(limits.dashboardAsked);
  });

  it.each([
    ['what is no JSON', 'hello'],
    ['an action that there is not', '{"type":"act","id":1,"action":{"kind":"erase","node":"n1"}}'],
    ['a node that is no text', '{"type":"act","id":1,"action":{"kind":"kill","node":["n1"]}}'],
    ['fields that nobody asked for', '{"type":"act","id":1,"action":{"kind":"heal","all":true}}'],
    ['a transaction that is none', '{"type":"trace","id":1,"tx":"../../x"}'],
  ])('that sends %s is cut off', async (_, text) => {
    expect(() => decodeAsked(text)).toThrow(expect.objectContaining({ code: 'bad-message' }));
    const { socket, closed } = await visit();
    socket.send(text);
    expect(await closed).toBe(1008);
    expect(acted).toEqual([]);
  });

  it('that sends too large a message is cut off', async () => {
    const { socket, closed } = await visit();
    socket.on('error', () => {});
    socket.send('x'.repeat(limits.dashboardMessageBytes + 1));
    expect(await closed).toBe(1009);
  });

  it('that reads slowly is spared pictures, and the dashboard’s memory', async () => {
    const own = `127.0.0.1:${dashboard.port}`;
    // A bare socket that shakes hands and never reads.
    const slow = connect(dashboard.port, '127.0.0.1');
    slow.write(
      `GET / HTTP/1.1\r\nHost: ${own}\r\nOrigin: http://${own}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        `Sec-WebSocket-Protocol: muster-dashboard, token.${token()}\r\n\r\n`,
    );
    await new Promise((done) => slow.once('readable', done));
    slow.pause();
    const text = 'x'.repeat(64 * 1024);
    for (let i = 1; i <= 1000; i++) {
      observer.events = [{ at: 1, seq: i, kind: 'up', text }];
      observer.hurry();
      if (i % 50 === 0) await new Promise((done) => setImmediate(done));
    }
    let bytes = 0;
    let told = false;
    slow.on('data', (data) => {
      bytes += data.length;
      told ||= data.includes('"seq":1000');
    });
    slow.resume();
    // When it reads again it is told what is so now, and not all that was.
    await expect
      .poll(() => {
        observer.hurry();
        return told;
      })
      .toBe(true);
    expect(bytes).toBeLessThan(32 * 1024 * 1024);
    slow.destroy();
  });
});
