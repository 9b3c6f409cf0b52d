import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Program } from '../../src/cli/dispatch.js';

const folder = join(import.meta.dirname, '../../commands');

/** Every command from its source, by its id, as the program has them. */
export const allCommands: Program['commands'] = Object.fromEntries(
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => [
      file.slice(0, -3).replaceAll('/', ':'),
      () => import(pathToFileURL(join(folder, file)).href),
    ]),
);

/** What a command's class says of itself. */
export interface CommandClass {
  readonly summary?: string;
  readonly examples?: readonly unknown[];
  readonly strict?: boolean;
  readonly args?: object;
  readonly flags?: object;
  readonly complete?: Readonly<Record<string, string>>;
}

export const loadCommand = async (id: string): Promise<CommandClass> =>
  ((await allCommands[id]!()) as { default: CommandClass }).default;
