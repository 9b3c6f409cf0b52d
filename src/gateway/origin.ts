import { isIP } from 'node:net';
import { isLoopback } from '../os/loopback.js';
import { Refusal } from './problem.js';

/** `[::1]:8080` → `::1`; null when it is not a host. */
function hostnameOf(host: string): string | null {
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
  return url === null || url.host === '' ? null : url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * Keeps web pages out. A page of another origin is known by its Origin; one whose own name was made to point here (DNS
 * rebinding) by that name: the gateway is called by address, as localhost, or as it was told to listen.
 * Throws a refusal (403).
 */
export function checkOrigin(
  bound: string,
  { host, origin }: { host: string | undefined; origin: string | undefined },
): void {
  const name = hostnameOf(host ?? '');
  const known = name !== null && (isIP(name) !== 0 || name === 'localhost' || name === bound);
  const refused = (what: string): Refusal => new Refusal(403, 'origin-refused', what);
  // A gateway open to other machines may have names that it does not know.
  if (!known && isLoopback(bound))
    throw refused(`unknown host ${host ?? '(none)'}: call this gateway by its address or localhost`);
  if (origin === undefined) return;
  const own = known && URL.canParse(origin) && new URL(origin).origin === new URL(`http://${host}`).origin;
  if (!own) throw refused(`cross-origin request from ${origin} refused`);
}
