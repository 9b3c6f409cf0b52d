import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages } from '../../scripts/gen-docs.js';

const docs = join(import.meta.dirname, '../../docs');

describe('the pages made from the code', { timeout: 30_000 }, () => {
  for (const [page, make] of Object.entries(pages)) {
    it(`docs/${page} is what the code says; \`npm run docs\` regenerates it`, async () => {
      expect(readFileSync(join(docs, page), 'utf8')).toBe(await make());
    });
  }

  it('are all made by scripts/gen-docs.ts', () => {
    const made = readdirSync(docs).filter(
      (file) => file.endsWith('.md') && readFileSync(join(docs, file), 'utf8').includes('<!-- Made by '),
    );
    expect(made.sort()).toEqual(Object.keys(pages).sort());
  });
});
