import { createServer, type Server as HttpServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { MusterError } from '../errors.js';
import { createAdmission } from './admission.js';
import type { Hello, Server, ServerOptions } from './contract.js';
import { asciiJson, headerNames, statusOf } from './handshake.js';
import { localName } from './local.js';
import { defaultTuning, type Tuning } from './tuning.js';
import { closeCodes, WsConnection } from './ws-connection.js';

/** Sockets that may be in their handshake, or being refused, beyond the connections that are open. */
const spareSockets = 64;

/** `Transport.listen` over `ws`. */
export async function listen(options: ServerOptions, tuning: Tuning = defaultTuning): Promise<Server> {
  const admit = createAdmission(options);
  const connections = new Set<WsConnection>();
  const http = createHttp(tuning);
  const sockets = createSockets(options, tuning);

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    let peer: Hello;
    try {
      peer = admit(request.headers);
      if (connections.size >= tuning.connections) {
        throw new MusterError('busy', `node is at capacity: ${connections.size} connections`);
      }
    } catch (error) {
      refuse(socket, error, tuning);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws: WebSocket) => {
      const connection = new WsConnection(ws, peer, tuning, { socket, zeroMask: false });
      connections.add(connection);
      ws.on('close', () => connections.delete(connection));
      connection.attach(options.accept(connection));
    });
  };

  http.on('upgrade', onUpgrade);
  await bind(http, options);
  const { port } = http.address() as AddressInfo;
  const listeners = [http];
  const local = localName(options.host, port, options.token);
  if (local !== null) {
    const beside = createHttp(tuning).on('upgrade', onUpgrade);
    if (await bindLocally(beside, local)) listeners.push(beside);
  }
  const probes = setInterval(() => {
    for (const connection of connections) connection.probe();
  }, tuning.pingMs);
  probes.unref();

  let closed: Promise<void> | null = null;
  return {
    url: urlOf(options.host, port),
    close: () => {
      closed ??= shut(listeners, connections, probes, tuning);
      return closed;
    },
  };
}

function createHttp(tuning: Tuning): HttpServer {
  const http = createServer({
    // Together they end a peer that connects and then says too little, or nothing at all.
    headersTimeout: tuning.handshakeMs,
    requestTimeout: tuning.handshakeMs,
    connectionsCheckingInterval: Math.max(10, Math.min(1000, tuning.handshakeMs / 4)),
    noDelay: true,
  });
  http.maxConnections = tuning.connections + spareSockets;
  http.on('request', (_request: IncomingMessage, response) => {
    response.writeHead(426, {
      'content-type': 'text/plain; charset=utf-8',
      connection: 'close',
      upgrade: 'websocket',
    });
    response.end(
      'This is a muster node. It accepts WebSocket connections only: use the muster program or library.\n',
    );
  });
  return http;
}

function createSockets(options: ServerOptions, tuning: Tuning): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: tuning.frameBytes,
    autoPong: false,
    closeTimeout: tuning.closeMs,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  const hello = `${headerNames.hello}: ${asciiJson(options.self)}`;
  sockets.on('headers', (headers) => headers.push(hello));
  return sockets;
}

/** Answers an upgrade with an HTTP error whose body says why, then hangs up. */
function refuse(socket: Duplex, error: unknown, tuning: Tuning): void {
  const known =
    error instanceof MusterError ? error : new MusterError('internal', 'internal error in the node');
  const status = Object.hasOwn(statusOf, known.code) ? statusOf[known.code as keyof typeof statusOf] : 500;
  const body = JSON.stringify({ error: known });
  const patience = setTimeout(() => socket.destroy(), tuning.handshakeMs);
  socket.once('close', () => clearTimeout(patience));
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      (status === 426 ? 'Upgrade: websocket\r\n' : '') +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function bind(http: HttpServer, { host, port }: ServerOptions): Promise<void> {
  return listenAt(http, { host, port }).catch((cause: NodeJS.ErrnoException) => {
    const taken = cause.code === 'EADDRINUSE';
    const message = taken
      ? `port ${port} of ${host} is in use`
      : `cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`;
    throw new MusterError(taken ? 'port-taken' : 'usage', message, { details: { host, port }, cause });
  });
}

/** False: the name cannot be had, and TCP has to do. */
const bindLocally = (http: HttpServer, path: string): Promise<boolean> =>
  listenAt(http, { path }).then(
    () => true,
    () => false,
  );

/** Rejects with the system's error. A later one, say too many open files, is that of a connection that is not accepted: it is passed over. */
function listenAt(http: HttpServer, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.on('error', reject);
    http.listen({ ...where, backlog: 1024 }, resolve);
  });
}

function urlOf(host: string, port: number): string {
  return `ws://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The listeners close first: from then on the operating system refuses new connections. */
async function shut(
  listeners: readonly HttpServer[],
  connections: ReadonlySet<WsConnection>,
  probes: NodeJS.Timeout,
  tuning: Tuning,
): Promise<void> {
  clearInterval(probes);
  const gone = listeners.map((http) => new Promise<void>((resolve) => http.close(() => resolve())));
  for (const http of listeners) http.closeAllConnections();
  for (const connection of connections) connection.close(closeCodes.goingAway, 'node is stopping');
  const patience = setTimeout(() => {
    for (const connection of connections) connection.terminate();
  }, tuning.closeMs);
  await Promise.all([...gone, ...[...connections].map(({ ended }) => ended)]);
  clearTimeout(patience);
}
