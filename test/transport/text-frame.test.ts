import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textFrame } from '../../src/transport/text-frame.js';

/** Exported, and not in the types. */
const { Receiver } = createRequire(import.meta.url)('ws') as {
  Receiver: new (options: object) => NodeJS.WritableStream;
};

/** What `ws` makes of these bytes, as either end, in pieces of that many bytes. */
function heard(bytes: Buffer, isServer: boolean, piece: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer, maxPayload: 1 << 24, allowSynchronousEvents: true });
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      texts.push(isBinary ? 'binary' : data.toString());
    });
    receiver.on('error', reject);
    for (let at = 0; at < bytes.length; at += piece) receiver.write(bytes.subarray(at, at + piece) as never);
    receiver.end((error?: Error | null) => (error ? reject(error) : resolve(texts)));
  });
}

describe('a frame made in one piece', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 300_000])('holds a text of %i bytes', async (length) => {
    const text = 'x'.repeat(length);
    for (const zeroMask of [false, true])
      expect(await heard(textFrame(text, zeroMask), zeroMask, 70_000)).toEqual([text]);
  });

  it('is what `ws` reads, whatever the text and however it is cut', async () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(texts, fc.boolean(), fc.integer({ min: 1, max: 64 }), async (all, zeroMask, piece) => {
        const bytes = Buffer.concat(all.map((text) => textFrame(text, zeroMask)));
        expect(await heard(bytes, zeroMask, piece)).toEqual(all);
      }),
    );
  });

  it('is refused by the end that wants the other kind', async () => {
    await expect(heard(textFrame('x', true), false, 100)).rejects.toThrow(/MASK/);
    await expect(heard(textFrame('x', false), true, 100)).rejects.toThrow(/MASK/);
  });
});
