/** The sources that are mutated, and every mutant of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutantsOf } from './operators.js';

export const root = join(import.meta.dirname, '../..');

export const areas = ['src/core', 'src/storage', 'src/metastore'];

/** Texts for people alone, the switches of the variants, and the model of a disk that only the simulator uses. */
const skipped: readonly string[] = ['src/core/describe.ts', 'src/core/rules.ts', 'src/storage/memory.ts'];

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

export function allMutants(only: string | null): Mutant[] {
  return areas
    .flatMap((area) =>
      readdirSync(join(root, area), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .sort()
        .map((name) => `${area}/${name}`),
    )
    .filter((file) => !skipped.includes(file) && (only === null || file.includes(only)))
    .flatMap((file) => mutantsOf(file, textOf(file)));
}
