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
  isServiceName,
  isSession,
  isTicket,
  isTime,
  isTxId,
  onlyFields,
  want,
} from './check.js';
import { checkOperation } from './operations.js';

/** What a client asks of a node besides reads and writes; the host answers these itself. */
export type AdminRequest =
  /** What the node says of itself. */
  | { readonly type: 'status' }
  /** The cluster map as the node knows it. */
  | { readonly type: 'map' }
  /** Change nothing for `ms`: no new writes, no change of the map. */
  | { readonly type: 'quiesce'; readonly ms: number }
  /** The services that the node runs. */
  | { readonly type: 'services' }
  /** Run a handler. */
  | {
      readonly type: 'call';
      readonly service: string;
      readonly method: string;
      readonly params: unknown;
      /** How long the caller goes on waiting, in ms. */
      readonly timeoutMs: number;
    }
  | { readonly type: 'ping' };

/** Any request a connection may make. */
export type AnyRequest = ClientRequest | AdminRequest;

/** The request of one type. */
export type Request<T extends AnyRequest['type']> = Extract<AnyRequest, { type: T }>;

/** The longest a node may be asked to keep quiet, in ms. */
export const quiesceLimitMs = 10 * 60_000;

export function decodeOpen(params: unknown): Request<'open'> {
  const m = asFields(params, 'open') as Fields & Request<'open'>;
  if (!isPartition(m.p)) bad('open.p', want.partition);
  onlyFields(m, 1, 'open');
  return { type: 'open', p: m.p };
}

export function decodeClose(params: unknown): Request<'close'> {
  const m = asFields(params, 'close') as Fields & Request<'close'>;
  if (!isPartition(m.p)) bad('close.p', want.partition);
  if (!isSession(m.session)) bad('close.session', want.session);
  onlyFields(m, 2, 'close');
  return { type: 'close', p: m.p, session: m.session };
}

export function decodeWrite(params: unknown): Request<'write'> {
  const m = numbered(params, 'write') as Fields & Request<'write'>;
  const op = checkOperation(m.op, 'write.op');
  onlyFields(m, 4, 'write');
  return { type: 'write', session: m.session, n: m.n, first: m.first, op };
}

export function decodeTx(params: unknown): Request<'tx'> {
  const m = numbered(params, 'tx') as Fields & Request<'tx'>;
  const { session, n, first, at, pauseAt } = m;
  const op = checkOperation(m.op, 'tx.op');
  if (op.type !== 'tx') bad('tx.op.type', 'tx');
  if (!isTime(at)) bad('tx.at', want.time);
  if (pauseAt === undefined) {
    onlyFields(m, 5, 'tx');
    return { type: 'tx', session, n, first, op, at };
  }
  if (pauseAt !== 'prepared' && pauseAt !== 'decided') bad('tx.pauseAt', 'prepared or decided');
  onlyFields(m, 6, 'tx');
  return { type: 'tx', session, n, first, op, at, pauseAt };
}

/** Checks what every operation of a session has: whose it is, its number, and what was acknowledged before. */
function numbered(params: unknown, type: string): Fields {
  const m = asFields(params, type) as Fields & { n: unknown };
  if (!isSession(m.session)) bad(`${type}.session`, want.session);
  if (!isCount(m.n)) bad(`${type}.n`, want.count);
  if (!isCount(m.first) || m.first > m.n) bad(`${type}.first`, 'a whole number from 0 to n');
  return m;
}

export function decodeAbort(params: unknown): Request<'abort'> {
  const m = asFields(params, 'abort') as Fields & Request<'abort'>;
  if (!isPartition(m.p)) bad('abort.p', want.partition);
  if (!isTxId(m.tx)) bad('abort.tx', want.tx);
  onlyFields(m, 2, 'abort');
  return { type: 'abort', p: m.p, tx: m.tx };
}

export function decodeRead(params: unknown): Request<'read'> {
  const m = asFields(params, 'read') as Fields & Request<'read'>;
  if (!isPartition(m.p)) bad('read.p', want.partition);
  const query = checkQuery(m.query);
  onlyFields(m, 2, 'read');
  return { type: 'read', p: m.p, query };
}

function checkQuery(value: unknown): Query {
  const query = asFields(value, 'read.query') as Fields & Query;
  switch (query.type) {
    case 'get':
    case 'lock':
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
    case 'await':
      checkKey(query.key, 'read.query.key');
      if (!isTicket(query.ticket)) bad('read.query.ticket', want.ticket);
      onlyFields(query, 3, 'read.query');
      break;
    case 'rows':
      if (query.kind !== 'lock' && query.kind !== 'tx') bad('read.query.kind', 'lock or tx');
      if (query.after !== null) {
        if (query.kind === 'lock') checkKey(query.after, 'read.query.after');
        else if (!isTxId(query.after)) bad('read.query.after', want.tx);
      }
      onlyFields(query, 3, 'read.query');
      break;
    case 'trace':
      if (!isTxId(query.tx)) bad('read.query.tx', want.tx);
      onlyFields(query, 2, 'read.query');
      break;
    default:
      bad('read.query.type', 'get, scan, lock, await, rows or trace');
  }
  return query;
}

export function decodeCall(params: unknown): Request<'call'> {
  const m = asFields(params, 'call') as Fields & Request<'call'>;
  const { service, method, timeoutMs } = m;
  if (!isServiceName(service)) bad('call.service', want.serviceName);
  if (!isServiceName(method)) bad('call.method', want.serviceName);
  if (!isCount(timeoutMs) || timeoutMs < 1 || timeoutMs > limits.serviceCallMs)
    bad('call.timeoutMs', `1 to ${limits.serviceCallMs}`);
  if (m.params === undefined) bad('call.params', 'a JSON value');
  onlyFields(m, 4, 'call');
  return { type: 'call', service, method, params: m.params, timeoutMs };
}

export function decodeQuiesce(params: unknown): Request<'quiesce'> {
  const m = asFields(params, 'quiesce') as Fields & Request<'quiesce'>;
  if (!isCount(m.ms) || m.ms > quiesceLimitMs) bad('quiesce.ms', `0 to ${quiesceLimitMs}`);
  onlyFields(m, 1, 'quiesce');
  return { type: 'quiesce', ms: m.ms };
}

/** A request without parameters: they may be left out or empty. */
export function decodeBare<T extends 'status' | 'map' | 'services' | 'ping'>(
  type: T,
): (params: unknown) => { readonly type: T } {
  return (params) => {
    if (params !== undefined) onlyFields(asFields(params, type), 0, type);
    return { type };
  };
}
