/**
 * The Unix socket beside a listener on the loopback. It takes the loopback's place where both ends are Linux: the same bytes cost
 * half of what they cost over TCP, which has acknowledgements, checksums and timers for a wire that is not there (decision 0030).
 *
 * It is an abstract one (unix(7)): no file to be left behind, and visible to whoever sees this loopback, neither more nor less, for
 * both belong to a network namespace. Its name is made with the cluster's token, so nobody who does not have that can take the
 * name before a node does, and be sent the token by those who look for the node.
 */
import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { abstractName } from '../os/abstract-socket.js';
import { isLoopback } from '../os/loopback.js';

/** The name to listen at or connect to beside `host:port`; null: there is none, so it is TCP. */
export function localName(
  host: string,
  port: number | string,
  token: string,
  platform: string = process.platform,
): string | null {
  if (platform !== 'linux' || !isLoopback(host)) return null;
  const address = `${host.replace(/^\[|\]$/g, '')}:${port}`;
  const proof = createHmac('sha256', token).update(address).digest('hex').slice(0, 32);
  return abstractName(`muster-ws-${address}-${proof}`);
}

/** For `ws` and `http`, which make a connection's socket by this. */
export const connectLocally = (name: string) => (): Socket => connect({ path: name });
