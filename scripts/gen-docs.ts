/** Writes all generated pages of docs/: `npm run docs`. A test fails when a page differs from what this generates. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandsMarkdown } from './gen-commands.js';
import { errorsMarkdown } from './gen-errors.js';
import { limitsMarkdown } from './gen-limits.js';
import { methodsMarkdown } from './gen-methods.js';
import { simulationMarkdown } from './gen-simulation.js';
import { variantsMarkdown } from './gen-variants.js';
import { wrapMarkdown } from './wrap.js';

const texts: Readonly<Record<string, () => string | Promise<string>>> = {
  'COMMANDS.md': commandsMarkdown,
  'ERRORS.md': errorsMarkdown,
  'LIMITS.md': limitsMarkdown,
  'METHODS.md': methodsMarkdown,
  'SIMULATION.md': simulationMarkdown,
  'VARIANTS.md': variantsMarkdown,
};

/** Page of docs/ → its generator. */
export const pages: Readonly<Record<string, () => Promise<string>>> = Object.fromEntries(
  Object.entries(texts).map(([page, make]) => [page, async () => wrapMarkdown(await make())]),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [page, make] of Object.entries(pages)) {
    writeFileSync(fileURLToPath(new URL(`../docs/${page}`, import.meta.url)), await make());
  }
  process.stdout.write(`wrote docs/: ${Object.keys(pages).join(', ')}\n`);
}
