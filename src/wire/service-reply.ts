import type { NodeLoad } from '../core/messages.js';
import { asFields, bad, type Fields, onlyFields } from './check.js';

const codes = ['busy', 'timeout', 'unknown-service', 'handler-failed', 'value-too-large'] as const;

const measure = 'a number from 0';

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
  const load = `{"inflight":${inflight},"queued":${queued},"maxInflight":${maxInflight},"loop":${loop},"cpu":${cpu},"waitedMs":${waitedMs}}`;
  if (reply.ok) return `{"ok":true,"value":${reply.value},"load":${load}}`;
  return JSON.stringify(reply);
}

/** What came as the result of a `call`. Throws `bad-message` when it is none. */
export function decodeServiceReply(value: unknown): ServiceReply {
  const reply = asFields(value, 'result') as Fields & ServiceReply;
  checkLoad(reply.load);
  if (reply.ok === true) {
    if (reply.value === undefined) bad('result.value', 'a JSON value');
    onlyFields(reply, 3, 'result');
    return reply;
  }
  if (reply.ok !== false) bad('result.ok', 'true or false');
  if (!codes.includes(reply.code)) bad('result.code', codes.join(', '));
  if (typeof reply.message !== 'string') bad('result.message', 'a string');
  if (typeof reply.ran !== 'boolean') bad('result.ran', 'true or false');
  if (reply.own !== undefined && typeof reply.own !== 'string') bad('result.own', 'a string');
  onlyFields(reply, reply.own === undefined ? 5 : 6, 'result');
  return reply;
}

const isMeasure = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= 0;

function checkLoad(value: unknown): void {
  const load = asFields(value, 'result.load') as Fields & NodeLoad;
  const { inflight, queued, maxInflight, loop, cpu, waitedMs } = load;
  if (!isMeasure(inflight)) bad('result.load.inflight', measure);
  if (!isMeasure(queued)) bad('result.load.queued', measure);
  if (!isMeasure(maxInflight)) bad('result.load.maxInflight', measure);
  if (!isMeasure(loop)) bad('result.load.loop', measure);
  if (!isMeasure(cpu)) bad('result.load.cpu', measure);
  if (!isMeasure(waitedMs)) bad('result.load.waitedMs', measure);
  onlyFields(load, 6, 'result.load');
}
