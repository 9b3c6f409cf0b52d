import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The WebSocket subprotocol of a page; the token is another, behind `tokenPrefix`: a page cannot set any other header. */
export const protocol = 'muster-dashboard';
export const tokenPrefix = 'token.';

/** A token for one run of a dashboard. */
export const newToken = (): string => randomBytes(24).toString('base64url');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The names under which a page may call a dashboard on this port: never one that somebody else's DNS could give. */
export const hostsOf = (port: number): readonly string[] => [`127.0.0.1:${port}`, `localhost:${port}`];

/** Was the dashboard called by one of its own names? A page whose own name was made to point here (DNS rebinding) calls it by that. */
export const isOwnHost = (headers: IncomingHttpHeaders, port: number): boolean =>
  hostsOf(port).includes(headers.host ?? '');

/**
 * Why a handshake is refused, as an HTTP status; null: it may go on. Only the dashboard's own page, known by its Origin, and
 * only with the token of this run, compared in constant time.
 */
export function refusalOf(headers: IncomingHttpHeaders, port: number, token: string): 401 | 403 | null {
  if (!isOwnHost(headers, port) || headers.origin !== `http://${headers.host}`) return 403;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
  const given = offered.find((word) => word.startsWith(tokenPrefix))?.slice(tokenPrefix.length) ?? '';
  // Hashes have one length and tell nothing of how much of the token was right.
  return offered.includes(protocol) && timingSafeEqual(digest(given), digest(token)) ? null : 401;
}
