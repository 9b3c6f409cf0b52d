import { MusterError } from '../errors.js';
import { type CommandIo, processIo } from './io.js';
import { renderError } from './render-error.js';
import { mayAnimate } from './terminal.js';

/** A command class, as far as dispatching needs to know it. */
interface CommandClass {
  id: string;
  new (argv: string[], config: unknown): { _run(): Promise<unknown> };
}

/** What the program is made of. */
export interface Program {
  readonly bin: string;
  readonly name: string;
  readonly version: string;
  /** Command id (words joined by ":") to its module, loaded when it is run. */
  readonly commands: Readonly<Record<string, () => Promise<unknown>>>;
  /** The same for a session, which runs many of them; left out: the same. */
  readonly sessionCommands?: Readonly<Record<string, () => Promise<unknown>>>;
  /** Shows help for these words; slower, for it loads all of oclif. */
  readonly help: (words: readonly string[]) => Promise<void>;
}

/** The longest run of leading words that names a command, and what is left; null when there is none. */
export function findCommand(
  argv: readonly string[],
  ids: ReadonlySet<string>,
): { id: string; rest: string[] } | null {
  let found: { id: string; rest: string[] } | null = null;
  let id = '';
  for (let i = 0; i < argv.length && !argv[i]!.startsWith('-'); i++) {
    id = id === '' ? argv[i]! : `${id}:${argv[i]}`;
    if (ids.has(id)) found = { id, rest: argv.slice(i + 1) };
  }
  return found;
}

/** Is help asked for, before a "--"? */
function asksForHelp(argv: readonly string[]): boolean {
  for (const arg of argv) {
    if (arg === '--') return false;
    if (arg === '--help' || arg === '-h') return true;
  }
  return false;
}

/** How many single-character edits lie between two words (Levenshtein). */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The error for words that name no command, with the nearest that do. */
export function unknownCommand(words: readonly string[], ids: Iterable<string>, bin: string): MusterError {
  const said = words.slice(0, 2).join(' ');
  const near = [...ids]
    .map((id) => id.replaceAll(':', ' '))
    .map((name) => ({ name, far: distance(said, name) }))
    .filter(({ far }) => far <= 3)
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ name }) => `\`${bin} ${name}\``);
  const guess = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
  return new MusterError('usage', `there is no command "${said}"${guess}`, { details: { command: null } });
}

/** What a command asks of oclif's `Config` when it runs; the real one scans plug-ins, which there are none of. */
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

/** What the program does with the words of its command line. Sets `process.exitCode`; never rejects. */
export async function dispatch(argv: readonly string[], program: Program): Promise<void> {
  if (argv[0] === '--version' || argv[0] === '-v') {
    process.stdout.write(
      `${program.name}/${program.version} ${process.platform}-${process.arch} node-${process.version}\n`,
    );
    return;
  }
  await runCommand(argv.length === 0 && onTerminal() ? ['interactive'] : argv, program, processIo);
}

/** Is there a person at a terminal that can show menus? */
const onTerminal = (): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && mayAnimate(process.stderr);

/** Ends the process once everything written has left it; nothing that lingers (a socket closing) delays it. */
export function leave(): void {
  const waits = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0);
  if (waits.length === 0) process.exit();
  let open = waits.length;
  for (const stream of waits) stream.write('', () => --open === 0 && process.exit());
}
