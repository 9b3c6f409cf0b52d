import type { ErrorCode } from '../errors.js';
import type { ConnectOptions, Hello, NodeHello } from './contract.js';

/** The version of the protocol: of the handshake, the methods and their meaning. Unequal versions do not talk. */
export const protocolVersion = 4;

/** The headers of the handshake, besides `Authorization: Bearer <token>`. */
export const headerNames = {
  cluster: 'x-muster-cluster',
  protocol: 'x-muster-protocol',
  /** JSON of a `Hello`, in both directions. */
  hello: 'x-muster-hello',
  /** JSON of the node that is expected, if any. */
  expect: 'x-muster-expect',
} as const;

/** The cluster that a client names which knows only an address and the token: it is told where it is. */
export const anyCluster = '*';

/** The HTTP status of each refusal. */
export const statusOf = {
  'bad-message': 400,
  unauthorized: 401,
  'origin-refused': 403,
  'wrong-cluster': 409,
  /** Another node than the one expected listens here (Misdirected Request). */
  unreachable: 421,
  'wrong-version': 426,
  busy: 503,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** Longest id of a cluster, node or store in a handshake, in characters. */
const nameLength = 128;

/** What a connecting end sends along. */
export function introduction(
  options: Pick<ConnectOptions, 'token' | 'hello' | 'expect'>,
): Record<string, string> {
  const { token, hello, expect } = options;
  return {
    authorization: `Bearer ${token}`,
    [headerNames.cluster]: encodeURIComponent(hello.cluster),
    [headerNames.protocol]: String(protocolVersion),
    [headerNames.hello]: asciiJson(hello),
    ...(expect === null ? {} : { [headerNames.expect]: asciiJson(expect) }),
  };
}

/** JSON that fits a header: what is not ASCII is escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A `Hello` from a header, or null when it is none. */
export function parseHello(text: unknown): Hello | null {
  const value = parseFields(text);
  if (value === null || !isName(value.cluster)) return null;
  const { role, cluster } = value;
  if (role === 'client') return { role, cluster };
  if (role !== 'node') return null;
  const node = parseExpected(text);
  return node === null ? null : { role, cluster, ...node };
}

/** Which process of which node: of a `Hello`, or of what is expected. */
export function parseExpected(text: unknown): Pick<NodeHello, 'id' | 'store' | 'incarnation'> | null {
  const value = parseFields(text);
  if (value === null) return null;
  const { id, store, incarnation } = value;
  if (!isName(id) || !isName(store) || !Number.isSafeInteger(incarnation) || (incarnation as number) < 0)
    return null;
  return { id, store, incarnation: incarnation as number };
}

/** Is this the very process that is expected? */
export function isExpected(
  self: NodeHello,
  expect: Pick<NodeHello, 'id' | 'store' | 'incarnation'>,
): boolean {
  return self.id === expect.id && self.store === expect.store && self.incarnation === expect.incarnation;
}

function parseFields(text: unknown): Record<string, unknown> | null {
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= nameLength;
}
