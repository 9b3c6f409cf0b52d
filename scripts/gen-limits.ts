/** Renders docs/LIMITS.md from the bounds of src/limits.ts and the comments on them. `npm run docs` writes it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultTimings, limits } from '../src/limits.js';

/** The comment before each field of src/limits.ts, by the field's name. */
function comments(): Map<string, string> {
  const source = readFileSync(fileURLToPath(new URL('../src/limits.ts', import.meta.url)), 'utf8');
  const found = new Map<string, string>();
  for (const [, text, name] of source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:readonly )?(\w+):/g)) {
    found.set(name as string, (text as string).replace(/\s*\n\s*\*\s*/g, ' ').trim());
  }
  return found;
}

function rows(values: Readonly<Record<string, number>>, about: ReadonlyMap<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const text = about.get(name);
      if (text === undefined) throw new Error(`src/limits.ts says nothing of ${name}`);
      return `| \`${name}\` | ${value.toLocaleString('en-US')} | ${text} |`;
    })
    .join('\n');
}

/** The whole text of docs/LIMITS.md. */
export function limitsMarkdown(): string {
  const about = comments();
  return `${[
    '# Limits',
    '<!-- Made by scripts/gen-limits.ts from src/limits.ts: change it there. -->',
    'Every bound of muster. What goes past one is refused with an error that says so ([ERRORS.md](ERRORS.md)).',
    `| bound | value | what it bounds |\n| --- | --- | --- |\n${rows(limits, about)}`,
    '## Times',
    'In ms on each node’s monotonic clock, as a new cluster gets them; they are part of its cluster map. A lease, counted from ' +
      'the sending of the beacon that was acked, must end before the grace, counted from its receipt, on any two clocks: ' +
      '`lease × (1 + drift) < grace × (1 − drift)`.',
    `| time | value | meaning |\n| --- | --- | --- |\n${rows({ ...defaultTimings }, about)}`,
  ].join('\n\n')}\n`;
}
