import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ClientOptions, WebSocket } from 'ws';
import { isErrorCode, MusterError } from '../errors.js';
import { isLoopback } from '../os/loopback.js';
import type { Connection, ConnectOptions, Hello } from './contract.js';
import { anyCluster, headerNames, introduction, isExpected, parseHello } from './handshake.js';
import { connectLocally, localName } from './local.js';
import { defaultTuning, type Tuning } from './tuning.js';
import { WsConnection } from './ws-connection.js';

/** Longest body of a refusal that is read, in bytes. */
const refusalBytes = 16 * 1024;

/** `Transport.connect` over `ws`. Loads nothing of the server side. */
export async function connect(options: ConnectOptions, tuning: Tuning = defaultTuning): Promise<Connection> {
  const { url, token } = options;
  const address = URL.canParse(url) ? new URL(url) : null;
  const plain = address !== null && isLoopback(address.hostname);
  const local = address?.protocol !== 'ws:' ? null : localName(address.hostname, address.port, token);
  if (local !== null) {
    try {
      return await dial(options, tuning, plain, local);
    } catch (error) {
      // No listener, or no abstract sockets on this system: TCP decides whether the node exists.
      if (!isSystemError((error as MusterError).cause)) throw error;
    }
  }
  return dial(options, tuning, plain, null);
}

const isSystemError = (cause: unknown): boolean =>
  (cause as NodeJS.ErrnoException | undefined)?.syscall === 'connect';

/**
 * Over the Unix socket of that name, or over TCP. `plain`: to the loopback.
 * RFC 6455 has clients mask what they send, so that no web page can make an intermediary take its bytes for
 * another protocol. On the loopback there is no intermediary: there the mask is zero, which neither side need apply
 * (1.3 times the messages a second at 64 in flight). Any receiver accepts it.
 */
function dial(
  options: ConnectOptions,
  tuning: Tuning,
  plain: boolean,
  local: string | null,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const { url } = options;
    let peer: Hello | null = null;
    let socket: Duplex | null = null;
    let ws: WebSocket;
    try {
      ws = new WebSocket(url, clientOptions(options, tuning, plain, local));
    } catch (cause) {
      reject(
        new MusterError(
          'unreachable',
          `invalid node address "${url}": expected a URL such as ws://127.0.0.1:4711`,
          {
            details: { url, refused: false },
            cause,
          },
        ),
      );
      return;
    }
    const fail = (error: MusterError) => {
      clearTimeout(timer);
      reject(error);
      ws.on('error', () => {});
      ws.terminate();
    };
    const timer = setTimeout(() => {
      fail(
        new MusterError('timeout', `timed out after ${options.timeoutMs} ms waiting for ${url}`, {
          details: { url },
        }),
      );
    }, options.timeoutMs);
    const failed = (cause: Error) => fail(unreachable(url, cause));
    ws.on('error', failed);
    ws.on('unexpected-response', (_request, response) => {
      readRefusal(response).then((body) => fail(refusalOf(url, response.statusCode ?? 0, body)), failed);
    });
    ws.on('upgrade', (response) => {
      peer = parseHello(response.headers[headerNames.hello]);
      socket = response.socket;
    });
    ws.on('open', () => {
      if (peer === null || !isWanted(peer, options)) {
        fail(
          new MusterError('unreachable', `server at ${url} is not the expected node`, {
            details: { url, refused: false },
          }),
        );
        return;
      }
      clearTimeout(timer);
      ws.off('error', failed);
      const unmasked = socket !== null && plain ? { socket, zeroMask: true } : null;
      const connection = new WsConnection(ws, peer, tuning, unmasked);
      connection.attach(options.handler);
      resolve(connection);
    });
  });
}

function clientOptions(
  options: ConnectOptions,
  tuning: Tuning,
  plain: boolean,
  local: string | null,
): ClientOptions {
  return {
    ...(plain ? { generateMask: (mask) => mask.fill(0) } : {}),
    ...(local === null ? {} : { createConnection: connectLocally(local) }),
    headers: introduction(options),
    perMessageDeflate: false,
    maxPayload: tuning.frameBytes,
    autoPong: false,
    closeTimeout: tuning.closeMs,
  } as ClientOptions;
}

function isWanted(peer: Hello, { expect, hello }: ConnectOptions): boolean {
  if (peer.role !== 'node' || (peer.cluster !== hello.cluster && hello.cluster !== anyCluster)) return false;
  return expect === null || isExpected(peer, expect);
}

/** `refused` is true only if every address refused the connection: it is the proof that no process listens. */
function unreachable(
  url: string,
  cause: Error & { code?: string; errors?: readonly { code?: string }[] },
): MusterError {
  const attempts = cause.errors ?? [cause];
  const refused = attempts.length > 0 && attempts.every(({ code }) => code === 'ECONNREFUSED');
  const why = refused ? 'connection refused' : (cause.code ?? cause.message);
  return new MusterError('unreachable', `cannot connect to ${url}: ${why}`, {
    details: { url, refused },
    cause,
  });
}

async function readRefusal(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('utf8');
  for await (const piece of response as AsyncIterable<string>) {
    body += piece;
    if (body.length > refusalBytes) break;
  }
  return body;
}

/** The error that a node refused the handshake with; `unreachable` when it was no node that answered. */
function refusalOf(url: string, status: number, body: string): MusterError {
  let error: { code?: unknown; message?: unknown; details?: unknown } | undefined;
  try {
    error = (JSON.parse(body) as { error?: typeof error } | null)?.error;
  } catch {
    // Not one of ours: answered below.
  }
  const code = error?.code;
  if (!isErrorCode(code)) {
    return new MusterError('unreachable', `server at ${url} is not a muster node (HTTP ${status})`, {
      details: { url, refused: false, status },
    });
  }
  const given = Object.entries(error?.details ?? {}).filter(
    ([, value]) => value === null || typeof value !== 'object',
  );
  const message = typeof error?.message === 'string' ? error.message : `refused with HTTP ${status}`;
  return new MusterError(code, message, {
    details: { ...Object.fromEntries(given), url, ...(code === 'unreachable' ? { refused: false } : {}) },
  });
}
