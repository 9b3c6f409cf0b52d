import { setMaxListeners } from 'node:events';
import { asMuster, MusterError } from '../../errors.js';
import { parseDuration } from '../../text/duration.js';
import { pause } from '../../util/pause.js';
import { missedBy, type Outcome, resultOf, saysHowItFails } from './checks.js';
import { asText, follow, parsePath } from './path.js';
import type { BlockStep, CaptureStep, CommandStep, ExpectStep, Step, WordsStep } from './steps.js';
import { expand, type Word } from './words.js';

/** Where a step runs. */
export interface Where {
  /** The number of blocks around it. */
  readonly depth: number;
  /** The number of its background block, from 1; 0: none. */
  readonly job: number;
  /** Is it in a `cleanup` block? */
  readonly cleanup?: boolean;
}

/** What the interpreter needs from its environment. */
export interface ScriptHost {
  /** Runs a command; aborted, it ends as by Ctrl-C. Never rejects. */
  run(argv: readonly string[], where: Where, signal: AbortSignal): Promise<Outcome>;
  /** Selects the cluster for the commands that follow. */
  use(name: string): void;
  say(text: string, where: Where): void;
  began?(step: Step, where: Where): void;
  ended?(step: Step, where: Where, report: StepReport): void;
  /** The value of a variable that the script did not set. */
  variable(name: string): string | undefined;
}

export interface StepReport {
  readonly ms: number;
  readonly problem: ScriptFailure | null;
  /** Of `repeat`: how often. */
  readonly rounds?: number;
  readonly outcome?: Outcome;
}

/** Steps one after the other; `peek` waits until it is known what comes next. null: nothing. */
export interface StepSource {
  next(): Promise<Step | null>;
  peek(): Promise<Step | null>;
}

/** The steps of a list. */
export function sourceOf(steps: readonly Step[]): StepSource {
  let at = 0;
  return {
    next: async () => steps[at++] ?? null,
    peek: async () => steps[at] ?? null,
  };
}

interface Scope {
  readonly where: Where;
  signal: AbortSignal;
  /** $i of the blocks around. */
  readonly i: number | null;
  last: { readonly step: CommandStep; outcome: Outcome } | null;
}

/** Why a script stopped, and its exit code: that of the command, if a command failed. */
export class ScriptFailure extends Error {
  constructor(
    readonly error: MusterError,
    readonly exit: number = error.exit,
  ) {
    super(error.message);
  }
}

const asFailure = (error: unknown): ScriptFailure =>
  error instanceof ScriptFailure ? error : new ScriptFailure(asMuster(error));

/** How long to wait before a command is run again for `within`, in ms. */
const againMs = 50;

export interface ScriptOptions {
  /** A step that fails does not stop the script. */
  readonly keepGoing?: boolean;
  readonly signal?: AbortSignal;
  /** Maximum concurrent commands of the outermost lines; 1 if omitted. */
  readonly pipeline?: number;
}

/** Runs scripts: commands in order, and the statements of the grammar. */
export class Interpreter {
  readonly #variables = new Map<string, string>();
  readonly #jobs = new Map<number, Promise<ScriptFailure | null>>();
  readonly #cleanups: BlockStep[] = [];
  readonly #scope: Scope;
  readonly #abort = new AbortController();
  #jobsSoFar = 0;
  #failed: ScriptFailure | null = null;

  constructor(
    readonly host: ScriptHost,
    readonly options: ScriptOptions = {},
  ) {
    const { signal } = options;
    // Every command in flight adds a listener.
    setMaxListeners(0, this.#abort.signal);
    if (signal?.aborted) this.#abort.abort();
    signal?.addEventListener('abort', () => this.#abort.abort(), { once: true });
    this.#scope = { where: { depth: 0, job: 0 }, signal: this.#abort.signal, i: null, last: null };
  }

  set(name: string, value: string): void {
    this.#variables.set(name, value);
  }

  /** Runs the whole script, waits for the background, and runs the `cleanup` blocks. Resolves to the first failure. */
  async run(source: StepSource): Promise<ScriptFailure | null> {
    const failure = await this.steps(source);
    // A parse error does not belong to any step, so no step has reported it.
    this.#failed ??= failure;
    await this.close();
    return this.#failed;
  }

  /** Runs these steps; more may follow. `signal` ends these alone. Resolves to what stopped them, or null. */
  async steps(source: StepSource, signal?: AbortSignal): Promise<ScriptFailure | null> {
    const all = this.#abort.signal;
    this.#scope.signal = signal ? AbortSignal.any([all, signal]) : all;
    setMaxListeners(0, this.#scope.signal);
    try {
      await this.#sequence(source, this.#scope);
      return null;
    } catch (error) {
      return asFailure(error);
    }
  }

  /** Ends the script. */
  async close(): Promise<void> {
    // A failure that stops the script also stops the background.
    if (this.#failed !== null && !this.options.keepGoing) this.#abort.abort();
    await this.#wait().catch(() => {});
    // Cleanup must run even if the rest was aborted.
    const scope: Scope = { ...this.#scope, signal: new AbortController().signal, last: null };
    for (const { body } of this.#cleanups.reverse())
      await this.#sequence(sourceOf(body), { ...scope, where: { depth: 1, job: 0, cleanup: true } }).catch(
        () => {},
      );
  }

  async #sequence(source: StepSource, scope: Scope): Promise<void> {
    for (let step = await source.next(); step !== null; step = await source.next()) {
      if (scope.signal.aborted) {
        this.#failed ??= interrupted();
        throw interrupted();
      }
      if (step.kind === 'command' && scope === this.#scope && (this.options.pipeline ?? 1) > 1) {
        await this.#burst(step, source, scope);
        continue;
      }
      const begin = performance.now();
      let report: Omit<StepReport, 'ms' | 'problem'> = {};
      let problem: ScriptFailure | null = null;
      this.host.began?.(step, scope.where);
      try {
        report = await this.#step(step, source, scope);
      } catch (error) {
        problem = asFailure(error);
      }
      if (step.kind === 'command' && scope.last?.step === step) report = { outcome: scope.last.outcome };
      this.host.ended?.(step, scope.where, { ms: performance.now() - begin, problem, ...report });
      this.#conclude(problem, scope);
    }
  }

  #conclude(problem: ScriptFailure | null, scope: Scope): void {
    if (problem === null) return;
    this.#failed ??= problem;
    if (!this.options.keepGoing || scope.signal.aborted) throw problem;
  }

  /**
   * Runs consecutive commands concurrently, up to `pipeline` at a time. Results are reported in order; after a failure no more
   * are started, and those in flight are awaited.
   */
  async #burst(first: CommandStep, source: StepSource, scope: Scope): Promise<void> {
    const most = this.options.pipeline ?? 1;
    const under: { step: CommandStep; begin: number; outcome: Promise<Outcome> }[] = [];
    const begin = (step: CommandStep): void => {
      this.host.began?.(step, scope.where);
      // An unset variable fails only its own command.
      const outcome = this.#runOnce(step, { ...scope }).catch(asOutcome);
      under.push({ step, begin: performance.now(), outcome });
    };
    begin(first);
    let next: Promise<Step | null> | null = null;
    let open = true;
    let failed: ScriptFailure | null = null;
    while (under.length > 0) {
      const oldest = under[0]!;
      if (open && failed === null && under.length < most && !scope.signal.aborted) {
        next ??= source.peek();
        const came = await Promise.race([next, oldest.outcome.then(() => 'answered' as const)]);
        if (came !== 'answered') {
          if (came?.kind === 'command') {
            await source.next();
            begin(came);
            next = null;
          } else open = false;
          continue;
        }
      }
      const outcome = await oldest.outcome;
      under.shift();
      scope.last = { step: oldest.step, outcome };
      let problem = failureOf(outcome);
      if (problem !== null && under.length === 0 && mayFail(await (next ?? source.peek()))) problem = null;
      this.host.ended?.(oldest.step, scope.where, { ms: performance.now() - oldest.begin, problem, outcome });
      if (problem === null) continue;
      this.#failed ??= problem;
      if (!this.options.keepGoing) failed ??= problem;
    }
    if (failed !== null) throw failed;
  }

  async #step(step: Step, source: StepSource, scope: Scope): Promise<Omit<StepReport, 'ms' | 'problem'>> {
    switch (step.kind) {
      case 'command':
        await this.#command(step, source, scope);
        return {};
      case 'expect':
        await this.#expect(step, scope);
        return {};
      case 'capture':
        this.#capture(step, scope);
        return {};
      case 'repeat':
        // An `expect` below the block must not refer to a command inside it.
        scope.last = null;
        return { rounds: await this.#repeat(step, scope) };
      case 'background':
        scope.last = null;
        this.#background(step, scope);
        return {};
      case 'cleanup':
        this.#cleanups.push(step);
        return {};
      default:
        await this.#words(step, scope);
        return {};
    }
  }

  #expand(word: Word, scope: Scope): string {
    return expand(word, (name) =>
      name === 'i' && scope.i !== null
        ? String(scope.i)
        : (this.#variables.get(name) ?? this.host.variable(name)),
    );
  }

  async #command(step: CommandStep, source: StepSource, scope: Scope): Promise<void> {
    scope.last = null;
    const outcome = await this.#runOnce(step, scope);
    const failure = failureOf(outcome);
    if (failure !== null && !mayFail(await source.peek())) throw failure;
  }

  async #runOnce(step: CommandStep, scope: Scope): Promise<Outcome> {
    const argv = step.words.map((word) => this.#expand(word, scope));
    if (argv[0] === 'muster') argv.shift();
    const outcome = await this.host.run(argv, scope.where, scope.signal);
    scope.last = { step, outcome };
    return outcome;
  }

  async #expect({ check }: ExpectStep, scope: Scope): Promise<void> {
    if (scope.last === null) throw new MusterError('usage', 'no command above to check');
    const until = performance.now() + (check.withinMs ?? 0);
    for (;;) {
      const missed = missedBy(check, (word) => this.#expand(word, scope), scope.last.outcome);
      if (missed === null) return;
      if (scope.signal.aborted) throw interrupted();
      if (performance.now() >= until) throw new MusterError('expectation-missed', missed);
      await pause(againMs, scope.signal);
      await this.#runOnce(scope.last.step, scope);
    }
  }

  #capture({ name, path }: CaptureStep, scope: Scope): void {
    if (scope.last === null) throw new MusterError('usage', 'no command above to capture a value from');
    const { outcome } = scope.last;
    const at = path === null ? null : this.#expand(path, scope);
    const value = at === null ? resultOf(outcome) : follow(outcome.value, parsePath(at));
    if (value === undefined)
      throw new MusterError('expectation-missed', `command above has no value at ${at}`);
    this.set(name, asText(value));
  }

  async #repeat(step: BlockStep, scope: Scope): Promise<number> {
    const times = this.#expand(step.times!, scope);
    const count = /^\d+$/.test(times) ? Number(times) : Number.POSITIVE_INFINITY;
    const until = Number.isFinite(count)
      ? Number.POSITIVE_INFINITY
      : performance.now() + parseDuration(times);
    let rounds = 0;
    const where = { ...scope.where, depth: scope.where.depth + 1 };
    while (rounds < count && performance.now() < until) {
      rounds++;
      await this.#sequence(sourceOf(step.body), { where, signal: scope.signal, i: rounds, last: null });
      // A body that never waits must not block signal handling.
      if (rounds % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return rounds;
  }

  #background(step: BlockStep, scope: Scope): void {
    const job = ++this.#jobsSoFar;
    const inner: Scope = { ...scope, where: { depth: scope.where.depth + 1, job }, last: null };
    const running = this.#sequence(sourceOf(step.body), inner).then(() => null, asFailure);
    this.#jobs.set(job, running);
  }

  /** Waits for everything in the background; throws the first failure. */
  async #wait(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    const failed = (await Promise.all(jobs)).find((problem) => problem !== null);
    if (failed) throw failed;
  }

  async #words(step: WordsStep, scope: Scope): Promise<void> {
    const values = step.words.map((word) => this.#expand(word, scope));
    if (step.kind === 'say') this.host.say(values.join(' '), scope.where);
    else if (step.kind === 'use') this.host.use(values[0]!);
    else if (values.length === 0) await this.#wait();
    else {
      await pause(parseDuration(values[0]!), scope.signal);
      if (scope.signal.aborted) throw interrupted();
    }
  }
}

/** The outcome of a command that could not be started. */
const asOutcome = (reason: unknown): Outcome => {
  const { error, exit: code } = asFailure(reason);
  return { code, error, value: undefined, out: '', err: '', ms: 0 };
};

/** Why a command's outcome stops a script, or null. */
const failureOf = ({ code, error }: Outcome): ScriptFailure | null =>
  code === 0 ? null : new ScriptFailure(error ?? new MusterError('step-failed', `exit code ${code}`), code);

/** Does the step below a command assert on its failure? Only then may the command fail. */
const mayFail = (next: Step | null): boolean => next?.kind === 'expect' && saysHowItFails(next.check);

const interrupted = (): ScriptFailure =>
  new ScriptFailure(new MusterError('interrupted', 'interrupted', { tookEffect: 'no' }));
