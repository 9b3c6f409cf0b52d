/** Renders docs/VARIANTS.md from the deliberately broken protocols. `npm run docs` writes it. */
import { type Rules, soundRules } from '../src/core/rules.js';
import { type Variant, variants } from '../src/simulator/variants.js';

/** The whole text of docs/VARIANTS.md. */
export function variantsMarkdown(): string {
  return `${[
    '# Broken variants',
    '<!-- Made by scripts/gen-variants.ts from src/simulator/variants.ts: change it there. -->',
    'A simulator that finds nothing proves little, unless it is shown to find known errors. Each variant breaks one rule of ' +
      '[PROTOCOL.md](PROTOCOL.md) in the production core, by a switch in `src/core/rules.ts`. No flag, file or message can set these switches. ' +
      'The test suite runs each variant, and fails unless the simulator reports a violation within the stated number of seeds. They start at seed 1 unless stated otherwise.',
    `| variant | error | switch | caught within |\n| --- | --- | --- | --- |\n${variants.map(row).join('\n')}`,
  ].join('\n\n')}\n`;
}

function row({ name, story, rules, within, from }: Variant): string {
  const broken = (Object.keys(soundRules) as (keyof Rules)[]).filter(
    (rule) => rules[rule] !== soundRules[rule],
  );
  return `| \`${name}\` | ${story} | ${broken.map((rule) => `\`${rule}\``).join(', ')} | ${within} seeds${from === undefined ? '' : ` from ${from}`} |`;
}
