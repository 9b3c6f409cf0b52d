/** Renders docs/SIMULATION.md from the scenarios, rare states and failure points of the simulator. `npm run docs` writes it. */
import { buggifyPoints } from '../src/os/runtime.js';
import { rareStates } from '../src/simulator/rare-states.js';
import { scenarios } from '../src/simulator/scenarios.js';

const table = (
  head: string,
  what: string,
  rows: readonly (readonly [name: string, story: string])[],
): string =>
  `| ${head} | ${what} |\n| --- | --- |\n${rows.map(([name, story]) => `| \`${name}\` | ${story} |`).join('\n')}`;

/** The whole text of docs/SIMULATION.md. */
export function simulationMarkdown(): string {
  const named = Object.entries(scenarios).map(([name, { story }]) => [name, story] as const);
  return `${[
    '# Simulation',
    '<!-- Made by scripts/gen-simulation.ts from src/simulator/ and src/os/runtime.ts: change it there. -->',
    'What the simulator runs, and which rare states it reaches. [PROTOCOL.md](PROTOCOL.md#9-the-simulator) describes what it models and checks, [RELIABILITY.md](RELIABILITY.md) which faults are covered.',
    '## Scenarios',
    'Select one with `muster simulate --scenario NAME`.',
    table('scenario', 'contents', named),
    '## Rare states',
    'A simulation that never reaches a state proves nothing about it. `muster simulate --seeds N --coverage` counts these states, the faults, and the failure points below.',
    table('state', 'meaning', Object.entries(rareStates)),
    '## Failure points',
    'At these points, the simulator makes production code take a path that is correct but rare. Outside the simulator they do nothing. In the scenario `hosts`, each is active in one process in four.',
    table('point', 'effect', Object.entries(buggifyPoints)),
  ].join('\n\n')}\n`;
}
