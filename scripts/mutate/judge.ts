/** Runs the simulator and the unit tests on one mutant, cheapest first, until something notices. The checkout is never touched. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { apply, type Mutant } from './operators.js';
import { root, textOf } from './sources.js';

export type Killer = 'simulator' | 'tests' | 'time limit';

export interface Verdict {
  /** Null: it survived. */
  readonly by: Killer | null;
  /** The seed, the test, or what took too long. */
  readonly how: string;
  readonly ms: number;
}

/** Seeds of the usual scenario in all, how many of them before the tests, and seeds of each biased scenario. */
export interface Effort {
  readonly seeds: number;
  readonly quick: number;
  readonly biased: number;
}

/** Whose tests speak of the mutated areas. */
const testFolders = ['core', 'storage', 'metastore', 'check', 'client'];

interface Run {
  readonly ok: boolean;
  readonly late: boolean;
  readonly output: string;
  readonly ms: number;
}

/** A step may use this many times the time that it takes without a mutant, and never less than so much, in ms: of the processor. */
const patience = 5;
const leastMs = 20_000;
/** By the clock it may take this many times more: the machine may have other work, and what waits for ever uses no processor. */
const slack = 4;

export class Judge {
  readonly #folder = mkdtempSync(join(tmpdir(), 'muster-mutate-'));
  readonly #effort: Effort;
  /** What each step takes without a mutant, in ms, by its arguments. */
  readonly #usual = new Map<string, number>();
  /** Of each test file, the sources that it reaches. */
  #reached = new Map<string, ReadonlySet<string>>();
  /** The sources that the simulator reaches. */
  #simulated: ReadonlySet<string> = new Set();

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  async start(): Promise<void> {
    this.#simulated = await this.#bundle(null);
    for (const folder of testFolders) {
      const inside = join(root, 'test', folder);
      for (const name of readdirSync(inside, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.test.ts')) continue;
        const { metafile } = await build({
          absWorkingDir: root,
          entryPoints: [join(inside, name)],
          bundle: true,
          write: false,
          metafile: true,
          platform: 'node',
          packages: 'external',
          logLevel: 'error',
        });
        this.#reached.set(`test/${folder}/${name}`, new Set(Object.keys(metafile.inputs)));
      }
    }
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async judge(mutant: Mutant): Promise<Verdict> {
    const began = Date.now();
    const verdict = await this.#firstToNotice(mutant);
    return { ...(verdict ?? { by: null, how: '' }), ms: Date.now() - began };
  }

  async #firstToNotice(mutant: Mutant): Promise<Omit<Verdict, 'ms'> | null> {
    const { seeds, quick, biased } = this.#effort;
    const simulated = this.#simulated.has(mutant.file);
    if (simulated) {
      const found = await this.#simulate(mutant, 1, quick, 0);
      if (found !== null) return found;
    }
    const files = [...this.#reached].filter(([, sources]) => sources.has(mutant.file)).map(([file]) => file);
    if (files.length > 0) {
      const found = await this.#test(mutant, files);
      if (found !== null) return found;
    }
    return simulated ? this.#simulate(mutant, quick + 1, seeds, biased) : null;
  }

  // ---- the simulator

  get #script(): string {
    return join(this.#folder, 'seeds.mjs');
  }

  /** Gives the sources that are in it. */
  async #bundle(mutant: Mutant | null): Promise<ReadonlySet<string>> {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [join(root, 'scripts/mutate/seeds.ts')],
      outfile: this.#script,
      bundle: true,
      metafile: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
      plugins: mutant === null ? [] : [replacing(mutant)],
    });
    return new Set(Object.keys(metafile.inputs));
  }

  async #simulate(
    mutant: Mutant,
    first: number,
    last: number,
    biased: number,
  ): Promise<Omit<Verdict, 'ms'> | null> {
    const args = [first, last, biased].map(String);
    const run = async (with_: Mutant | null, limitMs: number): Promise<Run> => {
      await this.#bundle(with_);
      return this.#run([this.#script, ...args], {}, limitMs);
    };
    return this.#compare('simulator', `seeds ${args.join(' ')}`, mutant, run, ({ output }) => output.trim());
  }

  // ---- the tests

  async #test(mutant: Mutant, files: readonly string[]): Promise<Omit<Verdict, 'ms'> | null> {
    const text = join(this.#folder, 'mutant.ts');
    const run = async (with_: Mutant | null, limitMs: number): Promise<Run> => {
      const env: Record<string, string> = {};
      if (with_ !== null) {
        writeFileSync(text, apply(textOf(with_.file), with_));
        Object.assign(env, { MUTANT_FILE: with_.file, MUTANT_TEXT: text });
      }
      const vitest = join(root, 'node_modules/vitest/vitest.mjs');
      const config = join(root, 'scripts/mutate/vitest.config.ts');
      return this.#run([vitest, 'run', '--config', config, ...files], env, limitMs);
    };
    return this.#compare('tests', files.join(' '), mutant, run, ({ output }) => firstFailure(output));
  }

  // ---- both

  async #compare(
    by: Killer,
    step: string,
    mutant: Mutant,
    run: (mutant: Mutant | null, limitMs: number) => Promise<Run>,
    how: (run: Run) => string,
  ): Promise<Omit<Verdict, 'ms'> | null> {
    let usual = this.#usual.get(step);
    if (usual === undefined) {
      const sound = await run(null, 1_800_000);
      if (!sound.ok) throw new Error(`${step} fails without a mutant: ${sound.output.slice(-2000)}`);
      usual = sound.ms;
      this.#usual.set(step, usual);
    }
    const found = await run(mutant, Math.max(leastMs, usual * patience));
    if (found.ok) return null;
    return found.late ? { by: 'time limit', how: by } : { by, how: how(found) };
  }

  #run(args: readonly string[], env: Record<string, string>, limitMs: number): Promise<Run> {
    const began = Date.now();
    // A group of its own, so that whatever it started ends with it.
    const seconds = `${Math.ceil(limitMs / 1000)}`;
    const child = spawn('/bin/sh', ['-c', 'ulimit -t "$0"; exec "$@"', seconds, process.execPath, ...args], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      if (output.length < 4_000_000) output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    let late = false;
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, limitMs * slack);
    process.once('exit', kill);
    return new Promise((resolve) => {
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        process.off('exit', kill);
        resolve({
          ok: code === 0,
          late: late || signal === 'SIGXCPU' || signal === 'SIGKILL',
          output,
          ms: Date.now() - began,
        });
      });
    });
  }
}

const replacing = (mutant: Mutant): Plugin => ({
  name: 'mutant',
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, ({ path }) =>
      path === join(root, mutant.file)
        ? { contents: apply(textOf(mutant.file), mutant), loader: 'ts' }
        : undefined,
    );
  },
});

/** The name of the first test that failed, from vitest's JSON report. */
function firstFailure(output: string): string {
  const start = output.indexOf('{"numTotalTestSuites"');
  try {
    const report = JSON.parse(output.slice(start, output.lastIndexOf('}') + 1)) as {
      testResults: { message: string; assertionResults: { fullName: string; status: string }[] }[];
    };
    for (const { message, assertionResults } of report.testResults) {
      const failed = assertionResults.find(({ status }) => status === 'failed');
      if (failed !== undefined) return failed.fullName;
      if (message !== '') return message.split('\n')[0] as string;
    }
  } catch {
    // It ended before it could report: how it ended is all there is to say.
  }
  return output.trim().split('\n').at(-1) ?? '';
}
