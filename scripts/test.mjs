// `npm test`: makes the clone ready, then checks types and style side by side, then runs the tests; all of them even when one
// fails, and one summary. Words after `--` go to vitest: `npm test -- test/core`.
//   --check-only   types and style alone (`npm run check`)
// MUSTER_TEST_REPORT names a file that gets the counts as JSON: {passed, failed, skipped}.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensure, root } from './ensure.mjs';

ensure();
const require = createRequire(import.meta.url);
const words = process.argv.slice(2).filter((word) => word !== '--check-only');
const checkOnly = process.argv.includes('--check-only');

/** The file that a package runs as `name`. */
function program(pkg, name) {
  const manifest = require.resolve(`${pkg}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[name]);
}

/** Runs a step; `quiet` keeps its output until it is known whether it failed. Resolves to {ok, seconds, output}. */
function run(args, { quiet }) {
  const begin = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    const end = (ok) => resolve({ ok, seconds: (performance.now() - begin) / 1000, output });
    child.once('error', (error) => {
      output += `${error.message}\n`;
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

const steps = [];
const note = (name, step, detail = step.ok ? 'ok' : 'FAILED') => {
  steps.push({ name, ...step, detail });
  if (step.output && !step.ok) process.stderr.write(`\n--- ${name}\n${step.output}\n`);
};

const [types, page, style] = await Promise.all([
  run([program('typescript', 'tsc'), '--noEmit', '-p', root], { quiet: true }),
  run([program('typescript', 'tsc'), '-p', join(root, 'src/dashboard/page')], { quiet: true }),
  run([program('@biomejs/biome', 'biome'), 'check', '--colors=off', '--max-diagnostics=200'], {
    quiet: true,
  }),
]);
note('types', types);
note('page', page);
note('style', style);

let counts = { passed: 0, failed: 0, skipped: 0 };
if (!checkOnly) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-test-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = [
      program('vitest', 'vitest'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const tests = await run([...vitest, ...words], { quiet: false });
    const found = read(report);
    counts = found ?? counts;
    // A run that ended without its report, or that found nothing to run, is no success.
    const ok = tests.ok && found !== null && found.passed > 0;
    note(
      'tests',
      { ...tests, ok },
      found === null
        ? 'FAILED: no report'
        : `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(path) {
  try {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests,
      numTodoTests,
    } = JSON.parse(readFileSync(path, 'utf8'));
    return { passed, failed, skipped: numPendingTests + numTodoTests };
  } catch {
    return null;
  }
}

process.stdout.write('\n');
for (const { name, ok, seconds, detail } of steps) {
  process.stdout.write(
    `${ok ? '✓' : '✗'} ${name.padEnd(6)} ${`${seconds.toFixed(1)} s`.padStart(8)}   ${detail}\n`,
  );
}
const failed = steps.filter((step) => !step.ok).map((step) => step.name);
process.stdout.write(failed.length === 0 ? 'All is well.\n' : `Failed: ${failed.join(', ')}.\n`);
if (process.env.MUSTER_TEST_REPORT) {
  // Types and style count as one check each, beside the tests.
  const checks = steps.filter((step) => step.name !== 'tests');
  const broken = checks.filter((step) => !step.ok).length;
  const lost = steps.some((step) => step.name === 'tests' && !step.ok) && counts.failed === 0 ? 1 : 0;
  const sum = {
    passed: counts.passed + checks.length - broken,
    failed: counts.failed + broken + lost,
    skipped: counts.skipped,
  };
  writeFileSync(process.env.MUSTER_TEST_REPORT, `${JSON.stringify(sum)}\n`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
