import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { hostsOf, isOwnHost, newToken, protocol, refusalOf } from './guard.js';
import type { DashboardOptions } from './options.js';
import { type Page, policyOf } from './page.js';
import { Session } from './session.js';

export interface Dashboard {
  /** With the token, behind a `#`: so no server, no log and no other page gets to see it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** How often pages are asked whether they are still there, in ms. */
const PROBE_MS = 10_000;

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const message = taken
        ? `port ${port} of ${HOST} is in use`
        : `cannot listen on ${HOST}:${port}: ${cause.message}`;
      reject(
        new MusterError(taken ? 'port-taken' : 'usage', message, { details: { host: HOST, port }, cause }),
      );
    });
    server.listen({ host: HOST, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

const headers = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const plain = (status: number, text: string, more: Record<string, string> = {}): Answer => ({
  status,
  text,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...more },
});

/** The page. It holds no secret; the data comes over the WebSocket, which requires the token. */
function answerTo({ headers: given, method, url }: IncomingMessage, port: number, page: Page): Answer {
  if (!isOwnHost(given, port))
    return plain(403, 'Unknown host: open the address that `muster dashboard` printed.\n');
  if (method !== 'GET' && method !== 'HEAD')
    return plain(405, 'Method not allowed: use GET.\n', { allow: 'GET, HEAD' });
  if (url?.split('?')[0] !== '/') return plain(404, 'Not found: the dashboard is at /.\n');
  return {
    status: 200,
    text: page.html,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyOf(page, hostsOf(port)),
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, port: number, page: Page): void {
  const { status, text, headers: own } = answerTo(request, port, page);
  response.writeHead(status, { ...headers, ...own });
  response.end(request.method === 'HEAD' ? '' : text);
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Opens the dashboard on the loopback. Rejects with `port-taken`, or `usage` when it cannot listen there at all. */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const token = newToken();
  const sessions = new Set<Session>();
  let port = 0;
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) =>
    answer(request, response, port, options.page),
  );
  server.maxConnections = limits.dashboardPages * 4;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.dashboardMessageBytes,
    perMessageDeflate: false,
    handleProtocols: () => protocol,
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request.headers, port, token);
    const full = sessions.size >= limits.dashboardPages;
    if (refusal !== null || full) {
      refuse(socket, refusal ?? 503);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const session = new Session(ws, options);
      sessions.add(session);
      ws.on('close', () => sessions.delete(session));
    });
  });
  port = await listen(server, options.port);
  const unsubscribe = options.observer.subscribe((look) => {
    for (const session of sessions) session.show(look);
  });
  const probes = setInterval(() => {
    for (const session of sessions) session.probe();
  }, PROBE_MS);
  return {
    url: `http://${HOST}:${port}/#token=${token}`,
    port,
    async close() {
      unsubscribe();
      clearInterval(probes);
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await closed;
    },
  };
}
