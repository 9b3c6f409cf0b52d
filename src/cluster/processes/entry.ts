import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How to start a process of ours: arguments of `node` up to and including the program. */
export interface NodeEntry {
  readonly execArgv: readonly string[];
  readonly file: string;
}

/** The folder of the package this code was loaded from, built (`dist/…`) or as sources. */
export function packageRoot(from: string = import.meta.url): string {
  for (let dir = dirname(fileURLToPath(from)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'bin'))) return dir;
    if (dir === dirname(dir)) throw new Error(`no package.json above ${from}`);
  }
}

/** A program of ours, named by its module: the built one when this code is built, the source (through tsx) when this code runs from source. */
export function programEntry(module: string, from: string = import.meta.url): NodeEntry {
  const root = packageRoot(from);
  if (from.endsWith('.ts')) {
    const tsx = createRequire(from).resolve('tsx');
    return { execArgv: ['--import', tsx], file: join(root, `${module}.ts`) };
  }
  return { execArgv: [], file: join(root, 'dist', `${module}.js`) };
}

/** The program of a node process. */
export const nodeEntry = (from: string = import.meta.url): NodeEntry => programEntry('src/host/main', from);
