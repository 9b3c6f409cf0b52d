import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { importsOf, impurities, modulesOf, root } from '../ladder/ladder.js';

const files = modulesOf(['src/router']);
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

it('src/router knows no clock, no die, no process and no console', { timeout: 60_000 }, () => {
  const below = ['src/core/random.ts', 'src/core/ring/ring.ts', 'src/core/ring/hash.ts', 'src/errors.ts'];
  expect(impurities(new Map([...files, ...below].map((file) => [file, textOf(file)])))).toEqual([]);
});

it('src/router imports only itself, the core and layer 0', () => {
  expect(files.length).toBeGreaterThan(10);
  for (const file of files)
    for (const specifier of importsOf(textOf(file))) {
      const target = join(file, '..', specifier);
      expect(target, file).toMatch(/^src\/(router\/|core\/|errors\.js$|limits\.js$|text\/|util\/)/);
    }
});
