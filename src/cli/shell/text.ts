import { renderError } from '../../render/error.js';
import type { Program } from '../dispatch.js';
import { Interpreter, type ScriptFailure, type ScriptHost, type StepReport } from '../script/interpreter.js';
import { StepStream } from '../script/stream.js';
import { Session, type Streams, silentStreams } from '../session.js';

/** The setting of a shell. */
export interface ShellSetting {
  readonly program: Program;
  readonly streams: Streams;
  /** The cluster to begin with; null: as every command finds it. */
  readonly cluster: string | null;
}

/** The world of a shell's commands: `session` runs them on `streams`. */
export const shellHost = (session: Session, streams: () => Streams): ScriptHost => ({
  run: (argv, _where, signal) => session.run(argv, streams(), signal),
  use: (name) => {
    session.cluster = name;
  },
  say: (text) => streams().stdout.write(`${text}\n`),
  variable: (name) => process.env[name],
});

/** The message for a failed step; empty for a command, which has already printed its error. */
export const problemText = ({ problem, outcome }: StepReport): string =>
  problem === null || (outcome !== undefined && outcome.code !== 0)
    ? ''
    : renderError(problem.error, 'shell').text;

/**
 * `muster shell` without a person: runs `given`, or else what comes from standard input, until a command fails. Resolves to the
 * exit code.
 */
export async function runText(
  { program, streams, cluster }: ShellSetting,
  given: string | null,
  options: { readonly keepGoing: boolean; readonly pipeline: number; readonly signal: AbortSignal },
): Promise<number> {
  const session = new Session(program);
  session.cluster = cluster;
  // Commands must not consume the lines that follow them; and concurrent ones are shown in order.
  const apart = silentStreams();
  const ownStreams =
    options.pipeline > 1 ? apart : { ...streams, stdin: given === null ? apart.stdin : streams.stdin };
  const told = new Set<ScriptFailure>();
  const host: ScriptHost = {
    ...shellHost(session, () => ownStreams),
    ended: (step, _where, report) => {
      if (ownStreams === apart && report.outcome !== undefined) {
        streams.stdout.write(report.outcome.out);
        streams.stderr.write(report.outcome.err);
      }
      if (report.problem === null || told.has(report.problem)) return;
      told.add(report.problem);
      streams.stderr.write(`${problemText(report)}line ${step.line}: ${step.text}\n`);
    },
  };
  const interpreter = new Interpreter(host, options);
  try {
    const failure = await interpreter.run(new StepStream(piecesOf(given ?? streams.stdin)));
    if (failure !== null && !told.has(failure))
      streams.stderr.write(renderError(failure.error, 'shell').text);
    return failure?.exit ?? 0;
  } finally {
    await session.close();
  }
}

async function* piecesOf(input: string | NodeJS.ReadableStream): AsyncIterable<string> {
  if (typeof input === 'string') {
    yield input;
    return;
  }
  const decoder = new TextDecoder();
  for await (const chunk of input)
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
