import { MusterError } from '../errors.js';
import { limits } from '../limits.js';

/** All of a stream, byte for byte, as UTF-8 text. Rejects with `value-too-large` as soon as it exceeds the limit, and with `usage` if it is not text. */
export async function readAll(
  input: AsyncIterable<Uint8Array | string>,
  mostBytes: number = limits.valueBytes,
  name = 'standard input',
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > mostBytes) {
      throw new MusterError('value-too-large', `${name} is too large: expected at most ${mostBytes} bytes`);
    }
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new MusterError('usage', `${name} is not valid UTF-8`, { cause });
  }
}
