import { randomBytes } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import type { MusterError } from '../../errors.js';
import type { Program } from '../dispatch.js';
import { Session, silentStreams } from '../session.js';
import { shellHost } from '../shell/text.js';
import {
  Interpreter,
  type ScriptFailure,
  type ScriptHost,
  type StepReport,
  sourceOf,
  type Where,
} from './interpreter.js';
import { parseScript, type Step } from './steps.js';

/** One step of a scenario that was run, as `--json` has it. */
export interface StepRow {
  readonly line: number;
  readonly text: string;
  readonly ok: boolean;
  readonly ms: number;
  /** What a command printed. */
  readonly out?: string;
  readonly err?: string;
  readonly exit?: number;
  /** Of `repeat`. */
  readonly rounds?: number;
  readonly error?: ReturnType<MusterError['toJSON']>;
}

export interface ScenarioReport {
  readonly scenario: string;
  /** Its first comment line. */
  readonly title: string | null;
  readonly ok: boolean;
  readonly exit: number;
  readonly ms: number;
  readonly steps: readonly StepRow[];
}

/** Receives the progress of a scenario. */
export interface ScenarioView {
  began(step: Step): void;
  ended(step: Step, where: Where, row: StepRow): void;
  say(text: string): void;
}

export interface ScenarioOptions {
  readonly program: Program;
  /** Where the text comes from, for people. */
  readonly file: string;
  readonly text: string;
  readonly cluster: string | null;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  readonly variables: Readonly<Record<string, string>>;
  readonly view: ScenarioView;
}

/** A scenario's first comment: its title. */
export const titleOf = (text: string): string | null => /^(?:#!.*\n)?\s*#\s*(\S.*)$/m.exec(text)?.[1] ?? null;

/** Runs a scenario to its end, including `cleanup` blocks. Throws `usage` before anything runs if it cannot be parsed. */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioReport> {
  const { view } = options;
  const steps = parseScript(options.text);
  const begin = performance.now();
  const session = new Session(options.program);
  session.cluster = options.cluster;
  const rows: StepRow[] = [];
  const told = new Set<ScriptFailure>();
  const streams = silentStreams();
  const host: ScriptHost = {
    ...shellHost(session, () => streams),
    say: (text) => view.say(text),
    began: (step, where) => {
      if (where.depth === 0) view.began(step);
    },
    ended: (step, where, report) => {
      const fails = report.problem !== null && !told.has(report.problem);
      // Of the steps in a block only a failed one is reported; the line of the block covers the others.
      if (where.depth > 0 && !fails && where.cleanup !== true) return;
      if (step.kind === 'cleanup' || step.kind === 'say') return;
      if (report.problem !== null) told.add(report.problem);
      const row = rowOf(step, report);
      rows.push(row);
      view.ended(step, where, row);
    },
  };
  const interpreter = new Interpreter(host, { keepGoing: options.keepGoing, signal: options.signal });
  interpreter.set('RUN', randomBytes(3).toString('hex'));
  interpreter.set('DIR', dirname(resolve(options.file)));
  for (const [name, value] of Object.entries(options.variables)) interpreter.set(name, value);
  try {
    const failure = await interpreter.run(sourceOf(steps));
    return {
      scenario: basename(options.file),
      title: titleOf(options.text),
      ok: failure === null,
      exit: failure?.exit ?? 0,
      ms: Math.round(performance.now() - begin),
      steps: rows,
    };
  } finally {
    await session.close();
  }
}

function rowOf(step: Step, { ms, problem, rounds, outcome }: StepReport): StepRow {
  return {
    line: step.line,
    text: step.text,
    ok: problem === null,
    ms: Math.round(ms * 10) / 10,
    ...(outcome === undefined ? {} : { exit: outcome.code }),
    ...(outcome === undefined || outcome.out === '' ? {} : { out: outcome.out }),
    ...(outcome === undefined || outcome.err === '' ? {} : { err: outcome.err }),
    ...(rounds === undefined ? {} : { rounds }),
    ...(problem === null ? {} : { error: problem.error.toJSON() }),
  };
}
