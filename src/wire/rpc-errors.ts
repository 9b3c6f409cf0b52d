import { type ErrorCode, type ErrorDetails, isErrorCode, MusterError, type TookEffect } from '../errors.js';

/** The `error` member of a JSON-RPC 2.0 response, as muster fills it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: {
    readonly code: ErrorCode;
    readonly tookEffect: TookEffect;
    readonly hint: string;
    readonly details?: ErrorDetails;
  };
}

/** Codes that JSON-RPC 2.0 itself defines. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
} as const;

/**
 * Our codes as JSON-RPC integers: stable for good, a new code takes the next free number. Those above zero are
 * the application's own; JSON-RPC reserves −32768 to −32000.
 */
export const rpcCodeOf: Readonly<Record<ErrorCode, number>> = {
  'bad-message': rpcCodes.invalidParams,
  internal: rpcCodes.internal,
  usage: 1001,
  'unknown-cluster': 1002,
  'name-taken': 1003,
  'already-running': 1004,
  'not-running': 1005,
  'unknown-node': 1006,
  'node-state': 1007,
  'cluster-busy': 1008,
  'port-taken': 1009,
  'not-found': 1010,
  'not-safe': 1011,
  overflow: 1012,
  'wrong-type': 1013,
  conflict: 1014,
  'key-invalid': 1015,
  'value-too-large': 1016,
  unreachable: 1017,
  timeout: 1018,
  unavailable: 1019,
  busy: 1020,
  'session-expired': 1021,
  'outcome-unknown': 1022,
  moved: 1023,
  unauthorized: 1024,
  'wrong-cluster': 1025,
  'wrong-version': 1026,
  'origin-refused': 1027,
  'metastore-unavailable': 1028,
  'metastore-rolled-back': 1029,
  'storage-full': 1030,
  'storage-failed': 1031,
  'storage-corrupt': 1032,
  'storage-locked': 1033,
  'check-failed': 1034,
  'safety-violation': 1035,
  interrupted: 1036,
  'node-failed': 1037,
  'node-exists': 1038,
  'faults-corrupt': 1039,
  'lock-held': 1040,
  'lock-lost': 1041,
  fenced: 1042,
  'tx-aborted': 1043,
  'tx-committed': 1044,
  'unknown-tx': 1045,
  'unknown-service': 1046,
  'service-invalid': 1047,
  'handler-failed': 1048,
  'expectation-missed': 1049,
  'step-failed': 1050,
};

/** A message that the protocol does not define. `rpcCode` is the JSON-RPC error code of the response. */
export function badMessage(message: string, rpcCode: number = rpcCodes.invalidParams): MusterError {
  return new MusterError('bad-message', message, { details: { rpcCode } });
}

/** An error as it goes over the wire. Anything but a `MusterError` is `internal`, its text kept at home. */
export function toRpcError(error: unknown): RpcError {
  const known =
    error instanceof MusterError ? error : new MusterError('internal', 'internal error in the node');
  const { code, message, tookEffect, hint, details } = known.toJSON();
  const own = known.details.rpcCode;
  return {
    code: code === 'bad-message' && typeof own === 'number' ? own : rpcCodeOf[code],
    message,
    data: { code, tookEffect, hint, ...(details ? { details } : {}) },
  };
}

/**
 * A `MusterError` from what came over the wire. What the other side says of the outcome is kept when it is
 * one of the three words; an error of an unknown kind is `internal` with an unknown outcome, the safe reading.
 */
export function fromRpcError(error: RpcError): MusterError {
  const data: unknown = error.data;
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  if (!isErrorCode(fields.code)) {
    const code =
      error.code <= rpcCodes.invalidRequest && error.code >= rpcCodes.invalidParams
        ? 'bad-message'
        : 'internal';
    return new MusterError(code, error.message, { details: { rpcCode: error.code } });
  }
  const details = scalars(fields.details);
  return isTookEffect(fields.tookEffect)
    ? new MusterError(fields.code, error.message, { details, tookEffect: fields.tookEffect })
    : new MusterError(fields.code, error.message, { details });
}

function isTookEffect(value: unknown): value is TookEffect {
  return value === 'yes' || value === 'no' || value === 'unknown';
}

/** Only what `ErrorDetails` may hold; the rest is left out. */
function scalars(value: unknown): ErrorDetails {
  if (typeof value !== 'object' || value === null) return {};
  const kept = Object.entries(value).filter(
    ([, v]) => v === null || ['string', 'number', 'boolean'].includes(typeof v),
  );
  return Object.fromEntries(kept) as ErrorDetails;
}
