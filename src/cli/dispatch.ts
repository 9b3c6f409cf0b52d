import { renderError } from '../render/error.js';
import { mayAnimate } from '../render/terminal.js';
import { findCommand, unknownCommand } from '../text/command-words.js';
import { type CommandIo, processIo } from './io.js';

/** A command class, as far as dispatching needs to know it. */
interface CommandClass {
  id: string;
  new (argv: string[], config: unknown): { _run(): Promise<unknown> };
}

/** The parts of the program. */
export interface Program {
  readonly bin: string;
  readonly name: string;
  readonly version: string;
  /** Command id (words joined by ":") to its module, loaded when it is run. */
  readonly commands: Readonly<Record<string, () => Promise<unknown>>>;
  /** Command modules for a session, which runs many of them; defaults to `commands`. */
  readonly sessionCommands?: Readonly<Record<string, () => Promise<unknown>>>;
  /** Shows help for these words; slower, because it loads all of oclif. */
  readonly help: (words: readonly string[]) => Promise<void>;
  /** Descriptions of the topics, by name. */
  readonly topics?: () => Readonly<Record<string, { readonly description: string }>>;
  /** Answers Tab completion of a shell; in a separate file, like help. */
  readonly answerTab: (
    argv: readonly string[],
    program: Program,
    io: Pick<CommandIo, 'lend' | 'defaults'>,
  ) => Promise<string>;
}

/** Is there a help flag before "--"? */
function asksForHelp(argv: readonly string[]): boolean {
  for (const arg of argv) {
    if (arg === '--') return false;
    if (arg === '--help' || arg === '-h') return true;
  }
  return false;
}

/** The part of oclif's `Config` that commands need; the real one scans for plug-ins, which muster does not have. */
function lightConfig(program: Program, io: CommandIo): unknown {
  return {
    io,
    program,
    bin: program.bin,
    name: program.name,
    version: program.version,
    userAgent: `${program.name}/${program.version}`,
    topicSeparator: ' ',
    runHook: async () => ({ successes: [], failures: [] }),
    scopedEnvVar: () => undefined,
    scopedEnvVarKey: (key: string) => `MUSTER_${key}`,
    scopedEnvVarKeys: (key: string) => [`MUSTER_${key}`],
  };
}

/**
 * Runs the command that `argv` names in the world of `io`, loading nothing but it. Help, and words that name a topic, go the long
 * way through oclif. Resolves to what the command has for `--json`; never rejects.
 */
export async function runCommand(argv: readonly string[], program: Program, io: CommandIo): Promise<unknown> {
  const words = argv.filter((arg) => !arg.startsWith('-'));
  try {
    const known = commandIds(program);
    const found = findCommand(argv, known);
    if (argv[0] === 'help') return await program.help(argv.slice(1));
    const isTopic = words.length > 0 && [...known].some((id) => id.startsWith(`${words.join(':')}:`));
    if (argv.length === 0 || asksForHelp(argv) || (!found && isTopic)) {
      if (words.length > 0 && !found && !isTopic) throw unknownCommand(words, known, program.bin);
      return await program.help(found ? found.id.split(':') : words);
    }
    if (!found) throw unknownCommand(words.length > 0 ? words : argv, known, program.bin);
    const { default: Command } = (await program.commands[found.id]!()) as { default: CommandClass };
    Command.id = found.id;
    return await new Command(found.rest, lightConfig(program, io))._run();
  } catch (error) {
    const rendered = renderError(error, words.join(' '));
    io.exit(rendered.exit);
    io.failed(rendered.error);
    if (argv.includes('--json')) io.stdout.write(`${JSON.stringify(rendered.json, null, 2)}\n`);
    else io.stderr.write(rendered.text);
    return undefined;
  }
}

const idsOf = new WeakMap<Program['commands'], ReadonlySet<string>>();
/** Every command's id; a session asks again and again. */
function commandIds({ commands }: Program): ReadonlySet<string> {
  let ids = idsOf.get(commands);
  if (ids === undefined) {
    ids = new Set(Object.keys(commands));
    idsOf.set(commands, ids);
  }
  return ids;
}

/** Runs the program with its command line. Sets `process.exitCode`; never rejects. */
export async function dispatch(argv: readonly string[], program: Program): Promise<void> {
  if (argv[0] === '--version' || argv[0] === '-v') {
    process.stdout.write(
      `${program.name}/${program.version} ${process.platform}-${process.arch} node-${process.version}\n`,
    );
    return;
  }
  if (argv[0] === '__complete') {
    process.stdout.write(await program.answerTab(argv.slice(1), program, processIo));
    return;
  }
  await runCommand(argv.length === 0 && onTerminal() ? ['interactive'] : argv, program, processIo);
}

/** Is there a person at a terminal that can show menus? */
const onTerminal = (): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && mayAnimate(process.stderr);

/** Ends the process once all output is flushed, without waiting for anything else, such as a closing socket. */
export function leave(): void {
  const waits = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0);
  if (waits.length === 0) process.exit();
  let open = waits.length;
  for (const stream of waits) stream.write('', () => --open === 0 && process.exit());
}
