import type { NodeLoad } from '../core/messages.js';
import { asFields, bad, type Fields, isArray, onlyFields } from './check.js';

const codes = ['busy', 'timeout', 'unknown-service', 'handler-failed', 'value-too-large'] as const;

/** What a node answers to `call`. `value` of a reply that was not decoded yet is JSON text. */
export type ServiceReply<Value = unknown> =
  | { readonly ok: true; readonly value: Value; readonly load: NodeLoad }
  | ({ readonly ok: false; readonly load: NodeLoad } & ServiceFailure);

export interface ServiceFailure {
  readonly code: (typeof codes)[number];
  readonly message: string;
  /** Did the handler begin? If not, nothing has happened. */
  readonly ran: boolean;
  /** The `code` of the handler's own error, if it had one. */
  readonly own?: string;
}

/** The result of a `call` as JSON text. */
export function encodeServiceReply(reply: ServiceReply<string>): string {
  const { inflight, queued, maxInflight, loop, cpu, waitedMs } = reply.load;
  // A list, for it goes with each reply: names would be most of it.
  if (!reply.ok)
    return JSON.stringify({ ...reply, load: [inflight, queued, maxInflight, loop, cpu, waitedMs] });
  const load = `[${inflight},${queued},${maxInflight},${loop},${cpu},${waitedMs}]`;
  return `{"ok":true,"value":${reply.value},"load":${load}}`;
}

/** What came as the result of a `call`. Throws `bad-message` when it is none. */
export function decodeServiceReply(value: unknown): ServiceReply {
  const reply = asFields(value, 'result') as Fields & ServiceReply;
  const load = decodeLoad(reply.load);
  if (reply.ok === true) {
    if (reply.value === undefined) bad('result.value', 'a JSON value');
    onlyFields(reply, 3, 'result');
    return { ok: true, value: reply.value, load };
  }
  if (reply.ok !== false) bad('result.ok', 'true or false');
  if (!codes.includes(reply.code)) bad('result.code', codes.join(', '));
  if (typeof reply.message !== 'string') bad('result.message', 'a string');
  if (typeof reply.ran !== 'boolean') bad('result.ran', 'true or false');
  if (reply.own !== undefined && typeof reply.own !== 'string') bad('result.own', 'a string');
  onlyFields(reply, reply.own === undefined ? 5 : 6, 'result');
  return { ...reply, load };
}

function decodeLoad(value: unknown): NodeLoad {
  if (!isArray(value) || value.length !== 6) bad('result.load', 'a list of six numbers');
  for (let i = 0; i < 6; i++)
    if (!(Number.isFinite(value[i]) && (value[i] as number) >= 0)) bad('result.load[]', 'a number from 0');
  const [inflight = 0, queued = 0, maxInflight = 0, loop = 0, cpu = 0, waitedMs = 0] = value as number[];
  return { inflight, queued, maxInflight, loop, cpu, waitedMs };
}
