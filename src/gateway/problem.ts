import { STATUS_CODES } from 'node:http';
import { catalogue, type ErrorCode, MusterError, type TookEffect } from '../errors.js';

/** An error as RFC 9457 has it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The id of the request, as a URI reference. */
  readonly instance: string;
  /** Of the catalogue of errors. */
  readonly code: ErrorCode;
  readonly tookEffect: TookEffect;
  /** The code of the handler's own error. */
  readonly own?: string;
}

/** What the gateway says no to by itself: no node was asked. */
export class Refusal extends MusterError {
  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, { tookEffect: 'no' });
  }
}

/** In seconds. Refusals for being busy, and nodes that start again, are over about as soon. */
const retryAfter = 1;

const titles: Partial<Record<ErrorCode, string>> = {
  'unknown-service': 'Unknown service or method',
  'value-too-large': 'Payload too large',
  'handler-failed': 'Handler failed',
  busy: 'Busy',
  unavailable: 'No node available',
  unreachable: 'Node unreachable',
  timeout: 'Timed out',
  'outcome-unknown': 'Outcome unknown',
  'origin-refused': 'Cross-origin request refused',
  internal: 'Internal error',
};

function statusOf(error: MusterError): number {
  if (error instanceof Refusal) return error.status;
  switch (error.code) {
    case 'unknown-service':
      return 404;
    case 'handler-failed':
      // An error with a code is an answer that the handler chose to give; one without is an accident.
      return error.details.own === undefined ? 500 : 422;
    case 'value-too-large':
      // Either what came in, or what the handler returned.
      return error.tookEffect === 'no' ? 413 : 500;
    case 'timeout':
    case 'outcome-unknown':
      return 504;
    default:
      return catalogue[error.code].retryable ? 503 : 500;
  }
}

export const asMuster = (error: unknown): MusterError =>
  error instanceof MusterError
    ? error
    : new MusterError('internal', error instanceof Error ? error.message : String(error), { cause: error });

/** The response to a request that went wrong: its body, and the headers beside the content type. */
export function problemOf(
  error: MusterError,
  requestId: string,
): { problem: Problem; headers: Readonly<Record<string, string>> } {
  const { code, message, tookEffect, details } = error;
  const status = statusOf(error);
  const problem = {
    type: `urn:muster:problem:${code}`,
    title: titles[code] ?? STATUS_CODES[status] ?? code,
    status,
    detail: message,
    instance: encodeURIComponent(requestId),
    code,
    tookEffect,
    ...(typeof details.own === 'string' ? { own: details.own } : {}),
  };
  const headers: Record<string, string> = error instanceof Refusal ? { ...error.headers } : {};
  if (status === 503) headers['Retry-After'] = String(retryAfter);
  if (typeof details.node === 'string') headers['X-Muster-Node'] = details.node;
  if (typeof details.attempts === 'number') headers['X-Muster-Attempts'] = String(details.attempts);
  return { problem, headers };
}
