import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { program, type Ran } from '../commands/run.js';
import { json, processesBelow } from '../commands/world.js';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'examples');
const files = readdirSync(folder);
const scenarios = files.filter((file) => file.endsWith('.muster'));
const scripts = files.filter((file) => file.endsWith('.sh'));

/** Two at a time; the others wait. What each may take is counted from its own begin. */
const runMs = 120_000;
const timeout = files.length * runMs;
let free = 2;
const queue: (() => void)[] = [];
async function turn<T>(task: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => queue.push(resolve));
  try {
    return await task();
  } finally {
    const next = queue.shift();
    if (next) next();
    else free++;
  }
}

function ran(home: string, command: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const { MUSTER: _, MUSTER_CLUSTER: __, MUSTER_TIMEOUT: ___, ...env } = process.env;
    mkdirSync(join(home, 'tmp'));
    const child = spawn(command, args, {
      cwd: home,
      env: { ...env, MUSTER_HOME: home, TMPDIR: join(home, 'tmp') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
    // It hangs: it may still clean up.
    const late = setTimeout(() => child.kill('SIGTERM'), runMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ code, stdout: out.join(''), stderr: err.join('') });
    });
  });
}

/** Runs it in a home of its own, and demands that nothing is left there: no process, no cluster, no file of a script. */
const inHome = (run: (home: string) => Promise<void>): Promise<void> =>
  turn(async () => {
    const home = mkdtempSync(join(tmpdir(), 'muster-example-'));
    try {
      await run(home);
      await vi.waitFor(() => expect(processesBelow(home)).toEqual([]), { timeout: 10_000 });
      const clusters = join(home, 'clusters');
      expect(existsSync(clusters) ? readdirSync(clusters) : []).toEqual([]);
      expect(readdirSync(join(home, 'tmp'))).toEqual([]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

const scenario = (home: string, file: string): Promise<Ran> =>
  ran(home, process.execPath, [program, 'run', file, '--json', '--quiet']);

/** A copy in which `from`, which stands there, is `to`. */
function broken(home: string, file: string, from: string, to: string): string {
  const text = readFileSync(join(folder, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(home, file), text.replace(from, to));
  return join(home, file);
}

describe('an example', () => {
  it('is there for each lesson, and begins with a title and its story', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(8);
    for (const file of [...scenarios, ...scripts]) {
      const lines = readFileSync(join(folder, file), 'utf8')
        .replace(/^#!.*\n/, '')
        .split('\n');
      expect(lines[0], file).toMatch(/^# [A-Z][^:]+: \S/);
      expect(
        lines.findIndex((line) => !line.startsWith('#')),
        file,
      ).toBeGreaterThanOrEqual(4);
    }
  });

  it('stands in the table of examples/README.md', () => {
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const file of [...scenarios, ...scripts]) expect(readme).toContain(`](${file})`);
  });

  it.concurrent.each(scenarios)('holds, and leaves nothing behind: %s', { timeout }, (file) =>
    inHome(async (home) => {
      const report = json(await scenario(home, join(folder, file)));
      expect(report).toMatchObject({ scenario: file, ok: true, exit: 0 });
      expect(report.steps.length).toBeGreaterThan(10);
    }),
  );

  it.concurrent.each(scripts)('holds, and leaves nothing behind: %s', { timeout }, (file) =>
    inHome(async (home) => {
      const { code, stdout, stderr } = await ran(home, 'bash', [join(folder, file)]);
      expect(code, stdout + stderr).toBe(0);
    }),
  );

  it.concurrent('with an expectation that does not hold fails and cleans up', { timeout }, () =>
    inHome(async (home) => {
      const file = broken(home, 'failover.muster', 'expect = 41', 'expect = 40');
      const report = json(await scenario(home, file), 1);
      expect(report).toMatchObject({ ok: false, exit: 1 });
      const failed = report.steps.filter(({ ok }: { ok: boolean }) => !ok);
      expect(failed).toMatchObject([{ text: 'expect = 40', error: { code: 'expectation-missed' } }]);
      expect(report.steps.at(-1)).toMatchObject({ text: 'cluster destroy --yes', exit: 0 });
    }),
  );

  it.concurrent('as a script with a wrong value fails and cleans up', { timeout }, () =>
    inHome(async (home) => {
      const text = readFileSync(join(folder, 'common.bash'), 'utf8').replace('$here/../bin/run.js', program);
      writeFileSync(join(home, 'common.bash'), text);
      const { code, stderr } = await ran(home, 'bash', [broken(home, 'failover.sh', ' 41\n', ' 40\n')]);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('expected 40, got 41'),
      });
    }),
  );
});
