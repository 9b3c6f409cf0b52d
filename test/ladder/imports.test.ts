import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  allImports,
  brokenBy,
  circlesOf,
  importsOf,
  impurities,
  layers,
  modulesOf,
  root,
  sideways,
} from './ladder.js';

describe('the ladder of imports', () => {
  it('points down only, everywhere', () => {
    const imports = allImports();
    expect(imports.length).toBeGreaterThan(300);
    expect(imports.map(brokenBy).filter((why) => why !== null)).toEqual([]);
  });

  it('has no circles', () => {
    expect(circlesOf(allImports())).toEqual([]);
  });

  it('would find a circle of three, and one of a module with itself', () => {
    const imports = ['a b', 'b c', 'c a', 'd d', 'e a'].map((it) => {
      const [from, to] = it.split(' ');
      return { from: `src/core/${from}.ts`, specifier: `./${to}.js` };
    });
    expect(circlesOf(imports)).toEqual([
      ['src/core/a.ts', 'src/core/b.ts', 'src/core/c.ts'],
      ['src/core/d.ts'],
    ]);
  });

  it('has every room and every exception in ARCHITECTURE.md', () => {
    const text = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const exceptions = Object.keys(sideways).flatMap((it) => it.split(' -> '));
    const missing = [...Object.keys(layers), ...exceptions].filter(
      (room) => !text.includes(`\`${room}\``) && !text.includes(`\`${room}/\``),
    );
    expect(missing).toEqual([]);
  });

  it.each([
    ['src/core/node.ts', 'node:fs', 'is pure'],
    ['src/core/ring/ring.ts', 'lmdb', 'is pure'],
    ['src/core/node.ts', '../wire/rpc.js', 'may not reach up'],
    ['src/limits.ts', './errors.js', 'neighbours'],
    ['src/storage/open.ts', '../metastore/contract.js', 'neighbours'],
    ['src/transport/ws.ts', '../wire/rpc.js', 'neighbours'],
    ['src/host/main.ts', '../cluster/start.js', 'may not reach up'],
    ['src/client/client.ts', '../host/main.js', 'neighbours'],
    ['src/check/register.ts', '../core/machine/machine.js', 'the judge'],
    ['src/cluster/lifecycle/start.ts', '../../render/table.js', 'may not reach up'],
    ['src/cli/help.ts', '../../commands/wait.js', 'may not reach up'],
    ['src/core/node.ts', '../../test/core/helpers.js', 'in no room'],
    ['src/attic/old.ts', '../errors.js', 'stands in no room'],
  ])('is broken by %s importing %s', (from, specifier, why) => {
    expect(brokenBy({ from, specifier })).toContain(why);
  });

  it.each([
    ['src/core/node.ts', './random.js'],
    ['src/core/node.ts', '../limits.js'],
    ['src/host/main.ts', '../layout/paths.js'],
    ['src/cluster/chaos/torture.ts', '../check/counter.js'],
    ['commands/counter/incr.ts', '../../src/cli/base-command.js'],
    ['commands/counter/incr.ts', '@oclif/core/args'],
  ])('allows %s to import %s', (from, specifier) => {
    expect(brokenBy({ from, specifier })).toBeNull();
  });

  it('sees every kind of import', () => {
    const text = `
      import a from './a.js'; import type { B } from './b.js'; export * from './c.js'; export { d } from './d.js';
      import './e.js'; const f = await import('./f.js'); let g: import('./g.js').G; const h = require('./h.js');
      // import './not.js'
      const text = "import './nor.js'";`;
    expect(importsOf(text).sort()).toEqual('abcdefgh'.split('').map((x) => `./${x}.js`));
  });
});

describe('src/core', { timeout: 60_000 }, () => {
  it('knows no clock, no die, no process and no console', () => {
    const files = [...modulesOf(['src/core']), 'src/errors.ts', 'src/limits.ts'];
    expect(impurities(new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')])))).toEqual(
      [],
    );
  });

  it('would be found out by each of them, but not by names of its own', () => {
    const text = `
      export const a = Date.now();
      export const b = performance.now();
      export const c = Math.random();
      setTimeout(() => {}, 1);
      export const d = process.env.HOME;
      console.log('x');
      export const e = (globalThis as { Date?: unknown }).Date;
      export const own = (process: number, Date: number) => process + Date;`;
    const found = impurities(new Map([['src/core/bad.ts', text]]));
    expect(found.map((line) => line.split(':')[1])).toEqual(['3', '5', '6', '7', '2', '4', '8'].map(String));
  });
});
