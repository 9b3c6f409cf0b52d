/** Renders docs/SIMULATION.md from the scenarios, rare states and points of failure of the simulator. `npm run docs` writes it. */
import { buggifyPoints } from '../src/os/runtime.js';
import { rareStates } from '../src/simulator/coverage.js';
import { scenarios } from '../src/simulator/scenarios.js';

const table = (head: string, rows: readonly (readonly [name: string, story: string])[]): string =>
  `| ${head} | |\n| --- | --- |\n${rows.map(([name, story]) => `| \`${name}\` | ${story} |`).join('\n')}`;

/** The whole text of docs/SIMULATION.md. */
export function simulationMarkdown(): string {
  const named = Object.entries(scenarios).map(([name, { story }]) => [name, story] as const);
  return `${[
    '# What the simulator runs and meets',
    '<!-- Made by scripts/gen-simulation.ts from src/simulator/ and src/os/runtime.ts: change it there. -->',
    'What is modelled and asserted: [PROTOCOL.md](PROTOCOL.md#9-the-simulator). What is covered, and what is not: [RELIABILITY.md](RELIABILITY.md).',
    '## Scenarios',
    '`muster simulate --scenario NAME`:',
    table('scenario', named),
    '## Rare states',
    'A simulation that never comes to a state proves nothing about it. `muster simulate --seeds N --coverage` counts these, the faults and the points below.',
    table('state', Object.entries(rareStates)),
    '## Points of failure',
    'At these points of production code the simulator takes a path that is correct, but rare. Outside the simulator they do nothing. Each is armed in every fourth process of the scenario `hosts`.',
    table('point', Object.entries(buggifyPoints)),
  ].join('\n\n')}\n`;
}
