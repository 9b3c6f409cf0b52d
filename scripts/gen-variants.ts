/** Renders docs/VARIANTS.md from the deliberately broken protocols. `npm run docs` writes it. */
import { type Rules, soundRules } from '../src/core/rules.js';
import { type Variant, variants } from '../src/simulator/variants.js';

/** The whole text of docs/VARIANTS.md. */
export function variantsMarkdown(): string {
  return `${[
    '# Broken variants',
    '<!-- Made by scripts/gen-variants.ts from src/simulator/variants.ts: change it there. -->',
    'A simulator that finds nothing proves little unless it is shown to find what is there. Each of these breaks one rule of ' +
      '[PROTOCOL.md](PROTOCOL.md) in the production core, by a switch of `src/core/rules.ts` that no flag, file or message can reach; ' +
      'the test suite runs each one and fails unless the simulator reports a violation within the stated number of seeds, from seed 1 on if nothing else is said.',
    `| variant | what it does wrong | rule broken | caught within |\n| --- | --- | --- | --- |\n${variants.map(row).join('\n')}`,
  ].join('\n\n')}\n`;
}

function row({ name, story, rules, within, from }: Variant): string {
  const broken = (Object.keys(soundRules) as (keyof Rules)[]).filter(
    (rule) => rules[rule] !== soundRules[rule],
  );
  return `| \`${name}\` | ${story} | ${broken.map((rule) => `\`${rule}\``).join(', ')} | ${within} seeds${from === undefined ? '' : ` from ${from}`} |`;
}
