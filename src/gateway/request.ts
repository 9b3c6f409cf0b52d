import { randomUUID } from 'node:crypto';
import { invalid } from '../errors.js';
import { limits } from '../limits.js';
import type { Json } from '../service/definition.js';
import { Refusal } from './problem.js';

/** The caller's id of the request when it is one, else a fresh one. */
export function requestIdOf(given: string | null | undefined): string {
  const fit = given?.length && given.length <= limits.gatewayIdChars && /^[\x20-\x7e]+$/.test(given);
  return fit ? given : randomUUID();
}

/** `2s`, `1500ms`, or seconds; in ms, `otherwise` when nothing is given. Throws a refusal (400). */
export function timeoutOf(given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const found = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(given.trim());
  const ms = found ? Math.round(Number(found[1]) * (found[2] === 'ms' ? 1 : 1000)) : Number.NaN;
  if (ms >= 1 && ms <= limits.serviceCallMs) return ms;
  const most = limits.serviceCallMs / 1000;
  const expected = `a duration such as 2s or 1500ms, or a number of seconds, from 1ms to ${most}s`;
  throw new Refusal(400, 'usage', invalid('X-Request-Timeout', given, expected).message);
}

const tooLarge = (): Refusal =>
  new Refusal(
    413,
    'value-too-large',
    `request body too large: at most ${limits.serviceBytes} bytes allowed`,
    // What is left of it is not worth waiting for.
    { Connection: 'close' },
  );

const brokenOff = (error: unknown): Refusal =>
  new Refusal(400, 'usage', `request body incomplete: ${(error as Error).message}`);

/** The body's bytes, of which no more than the limit is ever held. Throws a refusal (413, or 400 when it breaks off). */
async function bytesOf(request: Request): Promise<Uint8Array> {
  const told = request.headers.get('content-length');
  if (Number(told ?? 0) > limits.serviceBytes) throw tooLarge();
  // More than it told cannot come. Read at once it needs no stream, which costs more than all else here.
  if (told !== null) {
    try {
      return new Uint8Array(await request.arrayBuffer());
    } catch (error) {
      throw brokenOff(error);
    }
  }
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.byteLength;
      // Not cancelled: that would cut the connection before the answer is written.
      if (length > limits.serviceBytes) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw brokenOff(error);
  } finally {
    reader.releaseLock();
  }
  return Buffer.concat(chunks, length);
}

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?$/i;

/** What the handler is given: the body's JSON, null without a body. Throws a refusal: 400, 413 or 415. */
export async function paramsOf(request: Request): Promise<Json> {
  const bytes = await bytesOf(request);
  if (bytes.byteLength === 0) return null;
  const { headers } = request;
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new Refusal(415, 'usage', invalid('Content-Encoding', encoding, 'identity').message, {
      'Accept-Encoding': 'identity',
    });
  const type = headers.get('content-type');
  if (type !== null && !jsonType.test(type.trim()))
    throw new Refusal(415, 'usage', invalid('Content-Type', type, 'application/json in UTF-8').message, {
      'Accept-Post': 'application/json',
    });
  let params: Json;
  try {
    params = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    throw new Refusal(400, 'usage', `request body is not valid JSON: ${(error as Error).message}`);
  }
  if (isTooDeep(bytes)) {
    const message = `request body nested too deeply: at most ${limits.gatewayDepth} levels of arrays and objects allowed`;
    throw new Refusal(400, 'usage', message);
  }
  return params;
}

/** Of bytes that are known to be JSON. */
function isTooDeep(bytes: Uint8Array): boolean {
  const [quote, backslash, open, close] = [0x22, 0x5c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === backslash) i++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === open[0] || byte === open[1]) {
      depth++;
      if (depth > limits.gatewayDepth) return true;
    } else if (byte === close[0] || byte === close[1]) depth--;
  }
  return false;
}
