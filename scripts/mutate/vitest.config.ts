/** The tests of the mutated areas with one source replaced: `MUTANT_FILE` by the text in `MUTANT_TEXT`. Builds nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const { MUTANT_FILE, MUTANT_TEXT } = process.env;
const root = join(import.meta.dirname, '../..');

export default defineConfig({
  root,
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      load(id) {
        if (MUTANT_FILE === undefined || MUTANT_TEXT === undefined) return null;
        return id.split('?')[0] === join(root, MUTANT_FILE) ? readFileSync(MUTANT_TEXT, 'utf8') : null;
      },
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    poolOptions: { forks: { singleFork: true } },
    // Files of one area do not disturb one another: what costs most is to load them.
    isolate: false,
    bail: 1,
    testTimeout: 60_000,
    reporters: ['json'],
    env: { NO_COLOR: '1' },
  },
});
