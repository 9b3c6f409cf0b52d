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
      if (text === undefined) throw new Error(`src/limits.ts: ${name} has no comment`);
      return `| \`${name}\` | ${value.toLocaleString('en-US')}${readable(name, value, text)} | ${text} |`;
    })
    .join('\n');
}

/** The value again, in the largest unit that fits: ` (24 h)`, ` (8 MiB)`; empty if none does. */
function readable(name: string, value: number, text: string): string {
  const units: readonly (readonly [size: number, unit: string])[] = name.endsWith('Ms')
    ? [
        [86_400_000, 'd'],
        [3_600_000, 'h'],
        [60_000, 'min'],
        [1000, 's'],
      ]
    : /bytes|code units/.test(text)
      ? [
          [2 ** 20, 'Mi'],
          [2 ** 10, 'Ki'],
        ]
      : [];
  // One day is better known as 24 h.
  const found = units.find(([size, unit]) => value % size === 0 && (unit !== 'd' || value > size));
  if (found === undefined || value === 0) return '';
  const [size, unit] = found;
  return ` (${value / size} ${unit}${unit.endsWith('i') && /bytes/.test(text) ? 'B' : ''})`;
}

/** The whole text of docs/LIMITS.md. */
export function limitsMarkdown(): string {
  const about = comments();
  return `${[
    '# Limits',
    '<!-- Made by scripts/gen-limits.ts from src/limits.ts: change it there. -->',
    'Every limit of muster. Input beyond a limit is refused with an error that names it ([ERRORS.md](ERRORS.md)).',
    `| limit | value | meaning |\n| --- | --- | --- |\n${rows(limits, about)}`,
    '## Times',
    'These are the defaults of a new cluster, in ms on each node’s monotonic clock. They are part of its cluster map. A lease ' +
      'counts from the sending of a heartbeat, the grace from its receipt. The lease must end first on any two clocks: ' +
      '`lease × (1 + drift) < grace × (1 − drift)`.',
    `| time | value | meaning |\n| --- | --- | --- |\n${rows({ ...defaultTimings }, about)}`,
  ].join('\n\n')}\n`;
}
