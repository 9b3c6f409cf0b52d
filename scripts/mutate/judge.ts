/**
 * Runs the simulator and the unit tests on one mutant, cheapest first, until something notices: the fast test files that reach the mutated
 * source, a few seeds, the slow test files, many seeds. The checkout is never touched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { apply, type Mutant } from './operators.js';
import { root, textOf } from './sources.js';
import type { Report, Task } from './tester.js';

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

/** A test file that takes longer, in ms, waits until a few seeds have been run. */
const slowFileMs = 600;
/** The simulator may use this many times the time that it takes without a mutant, and never less than so much, in ms: of the processor. */
const patience = 5;
const leastMs = 15_000;
/** By the clock it may take this many times more: the machine may have other work, and what waits for ever uses no processor. */
const slack = 4;
/** Test files may take this many times more than usual, by the clock, and never less than so much, in ms. */
const testPatience = 10;
const leastTestMs = 15_000;

export class Judge {
  readonly #folder = mkdtempSync(join(tmpdir(), 'muster-mutate-'));
  readonly #effort: Effort;
  /** What each step of the simulator takes without a mutant, in ms, by its arguments. */
  readonly #usual = new Map<string, number>();
  /** Of each test file, the fastest first, the sources that it reaches and how long it takes without a mutant, in ms. */
  #testFiles: { readonly file: string; readonly reached: ReadonlySet<string>; readonly ms: number }[] = [];
  #tester: ChildProcess | null = null;
  /** The sources that the simulator reaches. */
  #simulated: ReadonlySet<string> = new Set();

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  /** Learns which test files reach the sources that are mutated, and how long each takes. Rejects if one fails without a mutant. */
  async start(mutated: ReadonlySet<string>): Promise<void> {
    this.#simulated = await this.#bundle(null);
    const reached = new Map<string, ReadonlySet<string>>();
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
        const sources = new Set(Object.keys(metafile.inputs));
        if ([...mutated].some((file) => sources.has(file))) reached.set(`test/${folder}/${name}`, sources);
      }
    }
    const report = await this.#runTests({ files: [...reached.keys()], replaced: null }, 1_800_000);
    if (report === null) throw new Error('the tests do not end without a mutant');
    if (report.failed !== null) throw new Error(`a test fails without a mutant: ${report.failed}`);
    const { ms } = report;
    this.#testFiles = [...reached]
      .map(([file, sources]) => ({ file, reached: sources, ms: ms[file] ?? 0 }))
      .sort((one, another) => one.ms - another.ms);
  }

  /** Rejects if the fast tests fail without a mutant: then something stayed behind from one mutant to the next, and no verdict counts. */
  async confirmSound(): Promise<void> {
    const files = this.#testFiles.filter(({ ms }) => ms < slowFileMs).map(({ file }) => file);
    const report = await this.#runTests({ files, replaced: null }, 600_000);
    if (report?.failed !== null)
      throw new Error(`a test fails without a mutant: ${report?.failed ?? 'no end'}`);
  }

  end(): void {
    this.#endTester();
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
    const found =
      (await this.#test(mutant, (ms) => ms < slowFileMs)) ??
      (simulated ? await this.#simulate(mutant, 1, quick, 0) : null) ??
      (await this.#test(mutant, (ms) => ms >= slowFileMs));
    if (found !== null || !simulated) return found;
    return this.#simulate(mutant, quick + 1, seeds, biased);
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
      return this.#run([this.#script, ...args], limitMs);
    };
    const step = args.join(' ');
    let usual = this.#usual.get(step);
    if (usual === undefined) {
      const sound = await run(null, 1_800_000);
      if (!sound.ok) throw new Error(`the simulator fails without a mutant: ${sound.output.slice(-2000)}`);
      usual = sound.ms;
      this.#usual.set(step, usual);
    }
    const { ok, late, output } = await run(mutant, Math.max(leastMs, usual * patience));
    if (ok) return null;
    return late ? { by: 'time limit', how: 'simulator' } : { by: 'simulator', how: output.trim() };
  }

  #run(args: readonly string[], limitMs: number): Promise<Run> {
    const began = Date.now();
    // A group of its own, so that whatever it started ends with it.
    const seconds = `${Math.ceil(limitMs / 1000)}`;
    const child = spawn('/bin/sh', ['-c', 'ulimit -t "$0"; exec "$@"', seconds, process.execPath, ...args], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
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

  // ---- the tests

  /** Runs the test files that reach the mutated source and are as fast, or slow, as `ofSpeed` says. */
  async #test(mutant: Mutant, ofSpeed: (ms: number) => boolean): Promise<Omit<Verdict, 'ms'> | null> {
    const chosen = this.#testFiles.filter(({ reached, ms }) => reached.has(mutant.file) && ofSpeed(ms));
    if (chosen.length === 0) return null;
    const files = chosen.map(({ file }) => file);
    const usual = chosen.reduce((sum, { ms }) => sum + ms, 0);
    const replaced = { file: mutant.file, text: apply(textOf(mutant.file), mutant) };
    const report = await this.#runTests({ files, replaced }, Math.max(leastTestMs, usual * testPatience));
    if (report === null) return { by: 'time limit', how: 'tests' };
    return report.failed === null ? null : { by: 'tests', how: report.failed };
  }

  /** Gives null, and ends the process that ran them, when they take too long or end it. */
  async #runTests(task: Task, limitMs: number): Promise<Report | null> {
    const tester = this.#tester ?? (await this.#startTester());
    this.#tester = tester;
    const report = await new Promise<Report | null>((resolve) => {
      const give = (given: Report | null): void => {
        clearTimeout(timer);
        tester.off('message', onReport);
        tester.off('close', onClose);
        resolve(given);
      };
      const onReport = (given: unknown): void => give(given as Report);
      const onClose = (): void => give(null);
      const timer = setTimeout(() => give(null), limitMs);
      tester.on('message', onReport);
      tester.on('close', onClose);
      tester.send(task);
    });
    if (report === null) this.#endTester();
    return report;
  }

  async #startTester(): Promise<ChildProcess> {
    const tester = spawn(process.execPath, ['--import', 'tsx', join(root, 'scripts/mutate/tester.ts')], {
      cwd: root,
      // A group of its own, so that whatever it started ends with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    await new Promise<void>((resolve, reject) => {
      tester.once('message', () => resolve());
      tester.once('close', (code) => reject(new Error(`vitest did not start: code ${code}`)));
    });
    return tester;
  }

  #endTester(): void {
    try {
      if (this.#tester?.pid !== undefined) process.kill(-this.#tester.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
    this.#tester = null;
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
