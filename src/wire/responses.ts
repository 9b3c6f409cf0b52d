import {
  type Cell,
  type OpFailure,
  type OpResult,
  type QueryResult,
  type TraceEvent,
  traceSteps,
} from '../core/machine/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../core/messages.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { asFields, bad, type Fields, fits, isArray, isCount, isSession, onlyFields, want } from './check.js';
import { checkRow } from './rows.js';
import { encodeError, encodeResult, type Incoming, type RpcId } from './rpc.js';
import { fromRpcError } from './rpc-errors.js';

/** Room left in a frame for the envelope around a result, in bytes. */
const envelopeBytes = 256;

/**
 * The core's answer as a JSON-RPC response. The result is the answer without `ok` and `type`: `{session}` for
 * open, `{}` for close, the `OpResult` for write and tx, `{state}` for abort, the `QueryResult` for read; a refusal is a
 * JSON-RPC error.
 */
export function encodeClientResponse(id: RpcId, response: ClientResponse): string {
  if (!response.ok) return encodeError(id, refusalToError(response));
  switch (response.type) {
    case 'open':
      return encodeResult(id, `{"session":"${response.session}"}`);
    case 'close':
      return encodeResult(id, '{}');
    case 'write':
      return encodeResult(id, JSON.stringify(response.result));
    case 'abort':
      return encodeResult(id, `{"state":"${response.state}"}`);
    case 'read': {
      const result = JSON.stringify(response.result);
      // Control characters grow sixfold in JSON, so a page within its bound may still be too long for a frame.
      if (fits(result, limits.frameBytes - envelopeBytes)) return encodeResult(id, result);
      return encodeError(
        id,
        new MusterError('value-too-large', 'response exceeds the frame limit: request a smaller page'),
      );
    }
  }
}

/**
 * The response to a request of the given type, as the core's client understands it. Throws `MusterError` for an
 * error that is no refusal, and for an answer that is none (then the outcome of anything but a read is unknown).
 */
export function decodeClientResponse(
  type: ClientRequest['type'],
  incoming: Extract<Incoming, { kind: 'result' | 'error' }>,
): ClientResponse {
  if (incoming.kind === 'error') {
    const error = fromRpcError(incoming.error);
    const refusal = errorToRefusal(error);
    if (refusal === null) throw error;
    return refusal;
  }
  try {
    return decoders[type](incoming.result);
  } catch (cause) {
    const tookEffect = type === 'read' ? 'no' : 'unknown';
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new MusterError('bad-message', `invalid response from the node: ${what}`, {
      tookEffect,
      cause,
    });
  }
}

const decoders: { readonly [T in ClientRequest['type']]: (result: unknown) => ClientResponse } = {
  open: (value) => {
    const result = asFields(value, 'result') as Fields & { session: unknown };
    if (!isSession(result.session)) bad('result.session', want.session);
    onlyFields(result, 1, 'result');
    return { ok: true, type: 'open', session: result.session };
  },
  close: (value) => {
    onlyFields(asFields(value, 'result'), 0, 'result');
    return { ok: true, type: 'close' };
  },
  write: decodeWritten,
  tx: decodeWritten,
  abort: (value) => {
    const { state } = asFields(value, 'result');
    if (state !== 'committed' && state !== 'aborting' && state !== 'unknown')
      bad('result.state', 'committed, aborting or unknown');
    onlyFields(value as Fields, 1, 'result');
    return { ok: true, type: 'abort', state };
  },
  read: (value) => ({ ok: true, type: 'read', result: checkQueryResult(value) }),
};

/** A transaction over several partitions is answered as an operation is. */
function decodeWritten(value: unknown): ClientResponse {
  return { ok: true, type: 'write', result: checkOpResult(value) };
}

const failures: Readonly<Record<OpFailure, true>> = {
  overflow: true,
  'wrong-type': true,
  conflict: true,
  'session-expired': true,
  'outcome-unknown': true,
  'not-applied': true,
  busy: true,
  'lock-held': true,
  'lock-lost': true,
  fenced: true,
};

function checkOpResult(value: unknown): OpResult {
  const result = asFields(value, 'result') as Fields & OpResult;
  if (result.ok === true) {
    const type = typeof result.value;
    if (type !== 'number' && type !== 'string' && type !== 'boolean' && result.value !== null) {
      bad('result.value', 'a number, text, true, false or null');
    }
    if (result.version !== undefined && !isCount(result.version)) bad('result.version', want.count);
    onlyFields(result, result.version === undefined ? 2 : 3, 'result');
    return result;
  }
  if (result.ok !== false) bad('result.ok', 'true or false');
  if (typeof result.code !== 'string' || !Object.hasOwn(failures, result.code)) {
    bad('result.code', Object.keys(failures).join(', '));
  }
  if (typeof result.message !== 'string') bad('result.message', 'a string');
  onlyFields(result, 3, 'result');
  return result;
}

function checkQueryResult(value: unknown): QueryResult {
  const result = asFields(value, 'result') as Fields & QueryResult;
  switch (result.type) {
    case 'get':
      if (result.cell !== null) checkCell(result.cell, 'result.cell');
      onlyFields(result, 2, 'result');
      break;
    case 'scan':
      if (typeof result.more !== 'boolean') bad('result.more', want.flag);
      checkPairs(result.rows, checkCell);
      onlyFields(result, 3, 'result');
      break;
    case 'rows':
      if (typeof result.more !== 'boolean') bad('result.more', want.flag);
      checkPairs(result.rows, checkRow);
      // Where the next page begins, the last row says.
      if (result.more && result.rows.length === 0) bad('result.rows', 'a non-empty list when `more` is true');
      onlyFields(result, 3, 'result');
      break;
    case 'trace':
      checkTrace(result.events);
      onlyFields(result, 2, 'result');
      break;
    default:
      bad('result.type', 'get, scan, rows or trace');
  }
  return result;
}

const traced: ReadonlySet<unknown> = new Set(traceSteps);

function checkTrace(events: unknown): void {
  if (!isArray(events) || events.length > limits.txTraceEvents)
    bad('result.events', `a list of at most ${limits.txTraceEvents}`);
  for (const value of events) {
    const event = asFields(value, 'result.events[]') as Fields & TraceEvent;
    if (typeof event.at !== 'number' || !Number.isFinite(event.at)) bad('result.events[].at', 'a number');
    if (!traced.has(event.what)) bad('result.events[].what', 'a step of a transaction');
    if (!isCount(event.p)) bad('result.events[].p', 'a partition');
    if (event.seq !== null && !isCount(event.seq))
      bad('result.events[].seq', 'a whole number from 0, or null');
    if (event.yes !== null && typeof event.yes !== 'boolean')
      bad('result.events[].yes', 'true, false or null');
    onlyFields(event, 5, 'result.events[]');
  }
}

/** A page: pairs of a name and what it names. */
function checkPairs(rows: unknown, check: (value: unknown, where: string) => void): void {
  if (!isArray(rows) || rows.length > limits.scanPage)
    bad('result.rows', `a list of at most ${limits.scanPage}`);
  for (const row of rows) {
    if (!isArray(row) || row.length !== 2 || typeof row[0] !== 'string')
      bad('result.rows[]', 'a pair of a name and what it names');
    check(row[1], 'result.rows[][1]');
  }
}

function checkCell(value: unknown, where: string): void {
  const cell = asFields(value, where) as Fields & Cell;
  if (cell.kind === 'text') {
    if (typeof cell.value !== 'string') bad(`${where}.value`, 'a string');
  } else if (cell.kind === 'counter') {
    if (!Number.isSafeInteger(cell.value)) bad(`${where}.value`, 'a whole number');
  } else bad(`${where}.kind`, 'text or counter');
  if (!isCount(cell.version)) bad(`${where}.version`, want.count);
  onlyFields(cell, 3, where);
}

const refusals: Readonly<Record<Refusal['code'], true>> = {
  moved: true,
  unavailable: true,
  busy: true,
  'session-expired': true,
  'key-invalid': true,
  'value-too-large': true,
  'bad-message': true,
};

/** A refusal as an error: `details.revision` is the node's map revision; the outcome is unknown if it may have run. */
export function refusalToError(refusal: Refusal): MusterError {
  const { code, message, revision, mayHaveRun } = refusal;
  return mayHaveRun
    ? new MusterError(code, message, { details: { revision, mayHaveRun }, tookEffect: 'unknown' })
    : new MusterError(code, message, { details: { revision }, tookEffect: 'no' });
}

/** The way back; null when the error is no refusal. A revision that was not given is 0. */
export function errorToRefusal(error: MusterError): Refusal | null {
  if (!Object.hasOwn(refusals, error.code)) return null;
  const { revision } = error.details;
  return {
    ok: false,
    code: error.code as Refusal['code'],
    message: error.message,
    revision: isCount(revision) ? revision : 0,
    ...(error.tookEffect === 'no' ? {} : { mayHaveRun: true }),
  };
}
