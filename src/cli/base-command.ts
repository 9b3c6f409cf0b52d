import type { Interfaces } from '@oclif/core';
import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import type { MusterClient } from '../client/api.js';
import type { LocalCluster } from '../cluster/folder/registry.js';
import { MusterError } from '../errors.js';
import { renderError } from '../render/error.js';
import {
  forLocale,
  loadPaint,
  mayAnimate,
  mayColor,
  type Paint,
  plainPaint,
  unicodeOn,
} from '../render/terminal.js';
import { parseDuration } from '../text/duration.js';
import type { ValueKind } from './completion/value-kind.js';
import type { Program } from './dispatch.js';
import { clusterFlag, durationFlag } from './flags.js';
import { type CommandIo, type LentClient, processIo, type SignalName } from './io.js';
import type { Missing } from './prompts/missing.js';
import { clusterByDefault, type Resolved, readSettings, resolveSetting } from './settings.js';
import type { Progress } from './spinner.js';

const DEFAULT_TIMEOUT_MS = 10_000;

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<
  (typeof BaseCommand)['baseFlags'] & T['flags']
>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** A command's own words for one of its arguments or flags. */
function missingOne(command: typeof Command, name: string): Missing {
  const { complete } = command as typeof BaseCommand;
  // A command without flags of its own has none, not no flags.
  const arg = command.args?.[name];
  const flag = command.flags?.[name];
  return {
    name,
    as: arg ? 'argument' : flag?.type === 'boolean' ? 'switch' : 'flag',
    description: arg?.description ?? flag?.description ?? '',
    kind: complete[name] ?? null,
    options: arg?.options ?? (flag as { options?: string[] } | undefined)?.options ?? null,
  };
}

/** What this error of oclif's parser says is missing. */
function missingOf(command: typeof Command, argv: readonly string[], error: unknown): Missing[] {
  const { message, args } = error as { message: string; args?: unknown };
  const lacksArgs = message.startsWith('Missing') && Array.isArray(args);
  const names = lacksArgs ? (args as { name: string }[]).map(({ name }) => name) : [];
  if (!lacksArgs && !/Missing required flag/.test(message)) return [];
  const flags = Object.entries(command.flags ?? {}).filter(
    ([name, { required, char }]) =>
      required === true &&
      !argv.some((word) => word === `--${name}` || word.startsWith(`--${name}=`) || word === `-${char}`),
  );
  return [...names, ...flags.map(([name]) => name)].map((name) => missingOne(command, name));
}

/** What is wanted of a person who gave no arguments. */
const wantedOf = (command: typeof Command, flags: Readonly<Record<string, unknown>>): Missing[] =>
  Object.entries((command as typeof BaseCommand).asks)
    .filter(([name, unless]) => [name, ...unless].every((flag) => flags[flag] === undefined))
    .map(([name]) => missingOne(command, name));

/**
 * What every command shares: the common flags, which cluster it is for, its client, output that keeps data on
 * stdout and everything else on stderr, errors as PRODUCT.md wants them, Ctrl-C. Nothing heavy is imported
 * here: `counter incr` pays for every line.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    cluster: Flags.string({ ...clusterFlag, char: 'c' }),
    timeout: durationFlag({
      helpGroup: 'GLOBAL',
      helpValue: '10s',
      description: 'How long to try (MUSTER_TIMEOUT).',
    }),
    quiet: Flags.boolean({ char: 'q', helpGroup: 'GLOBAL', description: 'Data and errors only.' }),
    // Not `Flags.boolean` with `allowNo`: both spellings would then need their opposite.
    'no-color': Flags.boolean({ helpGroup: 'GLOBAL', description: 'No colours (NO_COLOR, TERM=dumb).' }),
    'no-input': Flags.boolean({ helpGroup: 'GLOBAL', description: 'Never ask.' }),
    yes: Flags.boolean({ char: 'y', helpGroup: 'GLOBAL', description: 'Answer every question with yes.' }),
  };

  /** What kind of value an argument or flag takes. */
  static complete: Readonly<Record<string, ValueKind>> = {};
  /** Arguments and flags that a person is asked for when there are no arguments, unless one of these flags is given. */
  static asks: Readonly<Record<string, readonly string[]>> = {};

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** Everything that was given in place of arguments, in order. */
  protected argvRest: string[] = [];
  /** Styles for stdout. */
  protected paint: Paint = plainPaint;
  readonly #abort = new AbortController();
  #interruptible = false;
  #takeSignal: ((name: SignalName) => void) | null = null;
  #endSignals: (() => void) | null = null;
  #client: LentClient | null = null;
  #progress: Progress | null = null;

  /** The world around this command. */
  protected get io(): CommandIo {
    return (this.config as { readonly io?: CommandIo }).io ?? processIo;
  }

  /** All commands there are. */
  protected get program(): Program {
    return (this.config as unknown as { readonly program: Program }).program;
  }

  override async init(): Promise<void> {
    if (this.io.alone) {
      // oclif's own handler would throw for anything but EPIPE, EIO of a terminal that went away among it.
      process.stdout.removeAllListeners('error').on('error', this.#onStreamError);
      process.stderr.on('error', this.#onStreamError);
    }
    this.#endSignals = this.io.onSignal(this.#onSignal);
    const { flags, args, argv } = await this.#parseOrAsk();
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.argvRest = argv as string[];
    if (this.io.stdout.isTTY) this.paint = await loadPaint(mayColor(this.io.stdout, this.#colorForbidden()));
  }

  async #parseOrAsk() {
    const spec = {
      flags: this.ctor.flags,
      baseFlags: (this.ctor as typeof BaseCommand).baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
      enableJsonFlag: this.ctor.enableJsonFlag,
    };
    try {
      const parsed = await this.parse(spec);
      const { length } = parsed.argv;
      if (length > 0 || !(await this.#askFor(wantedOf(this.ctor, parsed.flags)))) return parsed;
    } catch (error) {
      if (!(await this.#askFor(missingOf(this.ctor, this.argv, error)))) throw error;
    }
    return this.parse(spec);
  }

  /** Is there somebody to ask? */
  #mayAsk(): boolean {
    const own = this.argv.slice(0, this.argv.includes('--') ? this.argv.indexOf('--') : undefined);
    const refused = ['--no-input', '--yes', '-y', '--json'].some((flag) => own.includes(flag));
    const { stdin, stderr } = this.io;
    return !refused && stdin.isTTY === true && mayAnimate(stderr);
  }

  /** Asks for these, and puts them where the person would have; false: nobody is asked, or nothing was said. */
  async #askFor(missing: readonly Missing[]): Promise<boolean> {
    if (missing.length === 0 || !this.#mayAsk()) return false;
    const { askMissing, valuesOf } = await import('./prompts/asking.js');
    const given = this.argv.findIndex((word) => word === '--cluster' || word === '-c');
    const cluster = given < 0 ? this.io.defaults.cluster : this.argv[given + 1];
    const asking = {
      streams: this.io,
      paint: await loadPaint(mayColor(this.io.stderr, this.#colorForbidden())),
      unicode: unicodeOn(),
    };
    const said = await askMissing(missing, asking, valuesOf(this.io), cluster);
    if (said === null) return false;
    const end = this.argv.includes('--') ? this.argv.indexOf('--') : this.argv.length;
    this.argv.splice(end, 0, ...said.args, ...said.flags);
    return true;
  }

  #colorForbidden(): boolean {
    return (
      this.flags?.['no-color'] === true ||
      process.env.MUSTER_COLOR === 'never' ||
      readSettings(this.caution).color === 'never'
    );
  }

  /** The first Ctrl-C asks the command to end gracefully when it can, the second ends it at once. */
  readonly #onSignal = (name: SignalName): void => {
    if (this.#takeSignal) {
      this.#takeSignal(name);
      return;
    }
    const code = name === 'SIGINT' ? 130 : name === 'SIGTERM' ? 143 : 129;
    if (this.#abort.signal.aborted || !this.#interruptible) {
      this.#progress?.clear();
      const already = this.#abort.signal.aborted;
      const error = new MusterError('interrupted', already ? 'interrupted at once' : 'interrupted');
      this.#report(error);
      this.io.abandon(code);
      return;
    }
    this.#abort.abort();
    this.note('stopping; once more to stop at once');
  };

  /** Nobody reads any more (`| head`, a closed terminal): end, gracefully when there is something to end. */
  readonly #onStreamError = (): void => {
    if (this.#interruptible) this.#abort.abort();
    else process.exit(process.exitCode ?? 0);
  };

  /** From now on the first Ctrl-C aborts this signal, and the command ends by itself. */
  protected interruptible(): AbortSignal {
    this.#interruptible = true;
    return this.#abort.signal;
  }

  /** From now on SIGINT, SIGTERM and SIGHUP go to `handler`, and do nothing else. */
  protected takeSignals(handler: (name: SignalName) => void): void {
    this.#takeSignal = handler;
  }

  protected get commandName(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  readonly #warned = new Set<string>();
  /** A warning on stderr, once. */
  protected caution = (text: string): void => {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.io.stderr.write(`Warning: ${text}\n`);
  };

  /** Tells a person something on stderr; not with `--quiet` or `--json`. */
  protected note(text: string): void {
    if (this.flags?.quiet || this.jsonEnabled()) return;
    this.#progress?.clear();
    this.#progress = null;
    this.io.stderr.write(`${forLocale(text)}\n`);
  }

  /** Data for stdout, as it is; nothing with `--json`, where the value that `run` returns is printed. */
  protected out(text: string): void {
    if (!this.jsonEnabled()) this.io.stdout.write(text);
  }

  /** Streams to stdout whatever the mode; resolves when the reader has room again. */
  protected async stream(text: string): Promise<void> {
    if (!this.io.stdout.write(text))
      await new Promise<void>((resume) => this.io.stdout.once('drain', () => resume()));
  }

  /** Aligned columns for stdout. */
  protected async table<Row>(
    rows: readonly Row[],
    columns: readonly import('../render/table.js').Column<Row>[],
  ): Promise<void> {
    if (this.jsonEnabled()) return;
    const { table } = await import('../render/table.js');
    this.out(await table(rows, columns, this.paint));
  }

  /** Shows that something is under way: a spinner on a terminal, nothing elsewhere. */
  protected async progress(text: string): Promise<Progress> {
    const show = mayAnimate(this.io.stderr) && !this.flags.quiet && !this.jsonEnabled();
    if (!show) return { update() {}, hide() {}, clear() {} };
    const { startProgress } = await import('./spinner.js');
    this.#progress = startProgress(text, this.io.stderr);
    return this.#progress;
  }

  /** How long to try, in ms: `--timeout`, MUSTER_TIMEOUT, project file, user configuration, else `byDefault`. */
  protected timeoutMs(byDefault = DEFAULT_TIMEOUT_MS): number {
    const flag = (this.flags as { timeout?: number }).timeout;
    if (flag !== undefined) return flag;
    const found = resolveSetting('timeout', undefined, this.caution);
    return found ? parseDuration(found.value) : byDefault;
  }

  /** The cluster this command is for, and who said so; `name` is one given as an argument. */
  protected clusterName(name?: string): Resolved {
    const flag = name ?? (this.flags as { cluster?: string }).cluster ?? this.io.defaults.cluster;
    return resolveSetting('cluster', flag, this.caution) ?? clusterByDefault();
  }

  /** The name of a cluster that need not be there yet: another that happens to be the only one is not meant. */
  protected newClusterName(name?: string): string {
    const { value, from } = this.clusterName(name);
    return from === 'only cluster' ? 'default' : value;
  }

  /** The cluster this command is for; rejects with `unknown-cluster`. */
  protected async findCluster(name?: string): Promise<LocalCluster> {
    const { findCluster } = await import('../cluster/folder/registry.js');
    return findCluster(this.clusterName(name).value);
  }

  /** A client of the cluster, closed when the command ends; rejects with `unknown-cluster` or `not-running`. */
  protected async client(options: { evenIfStopped?: boolean } = {}): Promise<MusterClient> {
    if (this.#client) return this.#client.client;
    const { evenIfStopped = false } = options;
    const lendOptions = { timeoutMs: this.timeoutMs(), evenIfStopped };
    this.#client = await this.io.lend(this.clusterName().value, lendOptions);
    return this.#client.client;
  }

  /** Asks yes or no. `--yes` says yes; without a terminal, or with `--no-input`, it is a `usage` error to need the answer. */
  protected async confirm(question: string): Promise<boolean> {
    if (this.flags.yes) return true;
    if (this.flags['no-input'] || this.jsonEnabled() || !this.io.stdin.isTTY || !this.io.stderr.isTTY) {
      throw new MusterError('usage', `${question} Say so with --yes (there is nobody to ask here).`, {
        details: { command: this.commandName },
      });
    }
    const { default: inquirer } = await import('inquirer');
    const prompt = inquirer.createPromptModule({ output: this.io.stderr });
    const { yes } = await prompt([{ type: 'confirm', name: 'yes', message: question, default: false }]);
    return yes;
  }

  override logJson(json: unknown): void {
    this.io.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }

  /** Prints the error and sets the exit code; never rethrows, so that no second handler prints it again. */
  protected override async catch(error: unknown): Promise<void> {
    const oclif = (error as { oclif?: { exit?: number } }).oclif;
    if ((error as { code?: string }).code === 'EEXIT') {
      this.exitWith(oclif?.exit ?? 0);
      return;
    }
    this.parsed = true;
    const prompted = (error as Error).name === 'ExitPromptError';
    this.exitWith(
      this.#report(prompted ? new MusterError('interrupted', 'interrupted', { tookEffect: 'no' }) : error),
    );
  }

  /** What the command ends with, unless something else is said later. */
  protected exitWith(code: number): void {
    this.io.exit(code);
  }

  #report(error: unknown): number {
    this.#progress?.clear();
    const red = mayColor(this.io.stderr, this.flags?.['no-color'] === true)
      ? (t: string) => `\u001b[31m${t}\u001b[39m`
      : undefined;
    const rendered = renderError(error, this.commandName, red);
    if (this.jsonEnabled()) this.logJson(rendered.json);
    else this.io.stderr.write(rendered.text);
    this.io.failed(rendered.error);
    return rendered.exit;
  }

  protected override async finally(): Promise<void> {
    this.#progress?.clear();
    await this.#client?.done().catch(() => {});
    this.#endSignals?.();
  }
}
