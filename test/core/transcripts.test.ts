/**
 * Scenarios of the core as transcripts: commands, and the lines that they print. `TRANSCRIPTS=rewrite npx vitest run
 * test/core/transcripts.test.ts` writes what they print now; read the difference before you commit it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { play } from './transcript.js';

const folder = join(import.meta.dirname, 'transcripts');
const rewrite = process.env.TRANSCRIPTS === 'rewrite';

describe('transcripts', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

  test('there are many, and each begins with its intent', () => {
    expect(names.length).toBeGreaterThanOrEqual(25);
    for (const name of names) {
      const [intent = ''] = readFileSync(join(folder, name), 'utf8').split('\n\n');
      expect(intent.split('\n').every((line) => line.startsWith('# '))).toBe(true);
      expect(intent.length).toBeGreaterThan(80);
    }
  });

  test.each(names)('%s', async (name) => {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    const played = await play(text);
    if (rewrite) writeFileSync(file, played);
    else expect(played).toBe(text);
  });
});
