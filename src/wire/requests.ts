import type { Query } from '../core/machine/types.js';
import type { ClientRequest } from '../core/messages.js';
import { limits } from '../limits.js';
import {
  asFields,
  bad,
  checkKey,
  checkKeyPart,
  type Fields,
  isCount,
  isPartition,
  isSession,
  onlyFields,
} from './check.js';
import { checkOperation } from './commands.js';

/** What a client asks of a node besides reads and writes; the host answers these itself. */
export type AdminRequest =
  /** What the node says of itself. */
  | { readonly type: 'status' }
  /** The cluster map as the node knows it. */
  | { readonly type: 'map' }
  /** Change nothing for `ms`: no new writes, no change of the map. */
  | { readonly type: 'quiesce'; readonly ms: number }
  | { readonly type: 'ping' };

/** Any request a connection may make. */
export type AnyRequest = ClientRequest | AdminRequest;

/** The request of one type. */
export type Request<T extends AnyRequest['type']> = Extract<AnyRequest, { type: T }>;

/** The longest a node may be asked to keep quiet, in ms. */
export const quiesceLimitMs = 10 * 60_000;

const wantCount = 'a whole number from 0';
const wantPartition = `a partition, 0 to ${limits.partitions - 1}`;
const wantSession = 'a session such as "1.42"';

export function decodeOpen(params: unknown): Request<'open'> {
  const m = asFields(params, 'open') as Fields & Request<'open'>;
  if (!isPartition(m.p)) bad('open.p', wantPartition);
  onlyFields(m, 1, 'open');
  return { type: 'open', p: m.p };
}

export function decodeClose(params: unknown): Request<'close'> {
  const m = asFields(params, 'close') as Fields & Request<'close'>;
  if (!isPartition(m.p)) bad('close.p', wantPartition);
  if (!isSession(m.session)) bad('close.session', wantSession);
  onlyFields(m, 2, 'close');
  return { type: 'close', p: m.p, session: m.session };
}

export function decodeWrite(params: unknown): Request<'write'> {
  const m = asFields(params, 'write') as Fields & Request<'write'>;
  if (!isSession(m.session)) bad('write.session', wantSession);
  if (!isCount(m.n)) bad('write.n', wantCount);
  if (!isCount(m.first) || m.first > m.n) bad('write.first', 'a whole number from 0 to n');
  const op = checkOperation(m.op, 'write.op');
  onlyFields(m, 4, 'write');
  return { type: 'write', session: m.session, n: m.n, first: m.first, op };
}

export function decodeRead(params: unknown): Request<'read'> {
  const m = asFields(params, 'read') as Fields & Request<'read'>;
  if (!isPartition(m.p)) bad('read.p', wantPartition);
  const query = checkQuery(m.query);
  onlyFields(m, 2, 'read');
  return { type: 'read', p: m.p, query };
}

function checkQuery(value: unknown): Query {
  const query = asFields(value, 'read.query') as Fields & Query;
  switch (query.type) {
    case 'get':
      checkKey(query.key, 'read.query.key');
      onlyFields(query, 2, 'read.query');
      break;
    case 'scan':
      if (query.kind !== 'text' && query.kind !== 'counter') bad('read.query.kind', 'text or counter');
      if (query.after !== null) checkKeyPart(query.after, 'read.query.after');
      checkKeyPart(query.prefix, 'read.query.prefix');
      if (!isCount(query.limit) || query.limit < 1 || query.limit > limits.scanPage) {
        bad('read.query.limit', `1 to ${limits.scanPage}`);
      }
      onlyFields(query, 5, 'read.query');
      break;
    default:
      bad('read.query.type', 'get or scan');
  }
  return query;
}

export function decodeQuiesce(params: unknown): Request<'quiesce'> {
  const m = asFields(params, 'quiesce') as Fields & Request<'quiesce'>;
  if (!isCount(m.ms) || m.ms > quiesceLimitMs) bad('quiesce.ms', `0 to ${quiesceLimitMs}`);
  onlyFields(m, 1, 'quiesce');
  return { type: 'quiesce', ms: m.ms };
}

/** A request without parameters: they may be left out or empty. */
export function decodeBare<T extends 'status' | 'map' | 'ping'>(
  type: T,
): (params: unknown) => { readonly type: T } {
  return (params) => {
    if (params !== undefined) onlyFields(asFields(params, type), 0, type);
    return { type };
  };
}
