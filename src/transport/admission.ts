import { createHash, timingSafeEqual } from 'node:crypto';
import { MusterError } from '../errors.js';
import type { Hello, NodeHello, ServerOptions } from './contract.js';
import {
  anyCluster,
  headerNames,
  isExpected,
  parseExpected,
  parseHello,
  protocolVersion,
} from './handshake.js';

/** Headers as Node gives them: names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The judge at a server's door: from the headers of a handshake to who knocks. Throws the refusal: nothing about the
 * server is told to one who does not have the token, and no web page gets even that far.
 */
export function createAdmission(options: Pick<ServerOptions, 'token' | 'self'>): (headers: Headers) => Hello {
  const { token, self } = options;
  if (token === '') throw new MusterError('usage', 'missing token: a node cannot listen without one');
  const wanted = digest(`Bearer ${token}`);
  return (headers) => {
    if (headers.origin !== undefined) throw refuse('origin-refused', 'connection from a web page refused');
    const given = headers.authorization;
    // Hashes have one length and tell nothing of how much of the token was right.
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), wanted)) {
      throw refuse('unauthorized', given === undefined ? 'token missing' : 'invalid token');
    }
    const version = headers[headerNames.protocol];
    if (version !== String(protocolVersion)) {
      throw refuse('wrong-version', `this node speaks protocol ${protocolVersion}, not ${shown(version)}`);
    }
    const hello = parseHello(headers[headerNames.hello]);
    const cluster = headers[headerNames.cluster];
    if (hello?.role === 'client' && hello.cluster === anyCluster) return hello;
    if (cluster !== encodeURIComponent(self.cluster)) {
      throw refuse('wrong-cluster', `this node belongs to cluster ${self.cluster}, not ${shown(cluster)}`);
    }
    if (hello === null) throw refuse('bad-message', `missing or invalid ${headerNames.hello} header`);
    if (hello.cluster !== self.cluster) {
      throw refuse('wrong-cluster', `this node belongs to cluster ${self.cluster}, not ${hello.cluster}`);
    }
    checkExpected(headers[headerNames.expect], self);
    return hello;
  };
}

function checkExpected(text: unknown, self: NodeHello): void {
  if (text === undefined) return;
  const expect = parseExpected(text);
  if (expect === null) throw refuse('bad-message', `invalid ${headerNames.expect} header`);
  if (!isExpected(self, expect)) throw notExpected(self, expect);
}

/** `unreachable`: another node, another store or another start of the node listens where one was expected. */
export function notExpected(self: NodeHello, expect: Pick<NodeHello, 'id' | 'incarnation'>): MusterError {
  const { id, incarnation } = self;
  return new MusterError(
    'unreachable',
    `this node is ${id} (start ${incarnation}), not ${expect.id} (start ${expect.incarnation})`,
    {
      details: { refused: false, answered: id, answeredIncarnation: incarnation },
    },
  );
}

function refuse(
  code: 'origin-refused' | 'unauthorized' | 'wrong-version' | 'wrong-cluster' | 'bad-message',
  message: string,
): MusterError {
  return new MusterError(code, message);
}

function shown(header: unknown): string {
  return typeof header === 'string' ? header.slice(0, 64) : 'none';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
