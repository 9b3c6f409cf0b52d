import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { muster, type Ran } from '../commands/run.js';
import { processesBelow } from '../commands/world.js';

const folder = join(import.meta.dirname, '../../examples');
const of = (ending: string): string[] => readdirSync(folder).filter((file) => file.endsWith(ending));

/** Runs a shell script with `home` as its only world. */
const bash = (home: string, file: string): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const { MUSTER: _, MUSTER_CLUSTER: __, ...env } = process.env;
    const child = spawn('bash', [join(folder, file)], {
      cwd: home,
      env: { ...env, MUSTER_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (data) => {
        said[name] += data;
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });

describe('the examples', { timeout: 120_000 }, () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'muster-example-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  /** Nothing of it is left. */
  const isClean = (): void => {
    expect(processesBelow(home)).toEqual([]);
    expect(readdirSync(join(home, 'clusters')).filter((name) => !name.startsWith('.'))).toEqual([]);
  };

  it('are at least eight lessons, each with its story before its first step', () => {
    const scenarios = of('.muster');
    expect(scenarios.length).toBeGreaterThanOrEqual(8);
    for (const file of scenarios) {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n');
      const story = lines.slice(
        0,
        lines.findIndex((line) => !line.startsWith('#')),
      );
      expect(story.length, file).toBeGreaterThanOrEqual(4);
      expect(readFileSync(join(folder, 'README.md'), 'utf8'), file).toContain(`](${file})`);
    }
  });

  it.each(of('.muster'))('%s holds, and leaves nothing behind', async (file) => {
    const ran = await muster(home, ['run', join(folder, file), '--json']);
    const report = JSON.parse(ran.stdout);
    expect(report.steps.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
    expect(ran.code).toBe(0);
    isClean();
  });

  it.each(of('.sh'))('%s holds, and leaves nothing behind', async (file) => {
    const ran = await bash(home, file);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    isClean();
  });

  it('fail where what is expected is not so, and clean up all the same', async () => {
    const text = readFileSync(join(folder, 'failover.muster'), 'utf8');
    const broken = join(home, 'broken.muster');
    const wrong = text.replace('expect = 42', 'expect = 43');
    expect(wrong).not.toBe(text);
    writeFileSync(broken, wrong);
    const junit = join(home, 'report.xml');
    const ran = await muster(home, ['run', broken, '--junit', junit]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('expected it = 43, and it is "42"');
    expect(ran.stdout).toContain('failed (1 step)');
    expect(readFileSync(junit, 'utf8')).toContain('<failure type="expectation-missed"');
    isClean();
  });
});
