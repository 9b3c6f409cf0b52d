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

/** Describes an argument or flag of a command, for the prompt that asks for it. */
function missingOne(command: typeof Command, name: string): Missing {
  const { complete } = command as typeof BaseCommand;
  // A command that declares no flags has `flags` undefined, not empty.
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

/** The arguments and flags that oclif's parser reported as missing. */
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

/** What to prompt for when no arguments were given. */
const wantedOf = (command: typeof Command, flags: Readonly<Record<string, unknown>>): Missing[] =>
  Object.entries((command as typeof BaseCommand).asks)
    .filter(([name, unless]) => [name, ...unless].every((flag) => flags[flag] === undefined))
    .map(([name]) => missingOne(command, name));

/**
 * What every command shares: the common flags, the current cluster and its client, output that keeps data on
 * stdout and everything else on stderr, errors with their effect and a hint, and Ctrl-C. Nothing heavy is imported
 * here, because every `counter incr` would pay for it.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    cluster: Flags.string({ ...clusterFlag, char: 'c' }),
    timeout: durationFlag({
      helpGroup: 'GLOBAL',
      helpValue: '10s',
      description: 'how long to keep trying (or MUSTER_TIMEOUT)',
    }),
    quiet: Flags.boolean({ char: 'q', helpGroup: 'GLOBAL', description: 'print only data and errors' }),
    // Not `Flags.boolean` with `allowNo`: both spellings would then need their opposite.
    'no-color': Flags.boolean({
      helpGroup: 'GLOBAL',
      description: 'disable colors (or NO_COLOR, TERM=dumb)',
    }),
    'no-input': Flags.boolean({ helpGroup: 'GLOBAL', description: 'never prompt' }),
    yes: Flags.boolean({ char: 'y', helpGroup: 'GLOBAL', description: 'answer yes to every prompt' }),
  };

  /**
   * The command changes nothing in a cluster: its errors do not say whether they took effect.
   */
  static readOnly = false;
  /** What kind of value an argument or flag takes. */
  static complete: Readonly<Record<string, ValueKind>> = {};
  /** Arguments and flags to prompt for when there are no arguments, unless one of the listed flags is given. */
  static asks: Readonly<Record<string, readonly string[]>> = {};

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** All positional arguments, in order. */
  protected argvRest: string[] = [];
  /** Styles for stdout. */
  protected paint: Paint = plainPaint;
  readonly #abort = new AbortController();
  #interruptible = false;
  #takeSignal: ((name: SignalName) => void) | null = null;
  #endSignals: (() => void) | null = null;
  #client: LentClient | null = null;
  #progress: Progress | null = null;

  /** Streams, signals and clients of this command. */
  protected get io(): CommandIo {
    return (this.config as { readonly io?: CommandIo }).io ?? processIo;
  }

  /** The program with all its commands. */
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

  /** Is there a person at a terminal who accepts prompts? */
  #mayAsk(): boolean {
    const own = this.argv.slice(0, this.argv.includes('--') ? this.argv.indexOf('--') : undefined);
    const refused = ['--no-input', '--yes', '-y', '--json'].some((flag) => own.includes(flag));
    const { stdin, stderr } = this.io;
    return !refused && stdin.isTTY === true && mayAnimate(stderr);
  }

  /** Prompts for these and adds the answers to the command line. False: prompts are not possible, or were cancelled. */
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

  /** The first Ctrl-C stops the command gracefully if it supports that, the second stops it immediately. */
  readonly #onSignal = (name: SignalName): void => {
    if (this.#takeSignal) {
      this.#takeSignal(name);
      return;
    }
    const code = name === 'SIGINT' ? 130 : name === 'SIGTERM' ? 143 : 129;
    if (this.#abort.signal.aborted || !this.#interruptible) {
      this.#progress?.clear();
      const already = this.#abort.signal.aborted;
      const error = new MusterError('interrupted', already ? 'interrupted immediately' : 'interrupted');
      this.#report(error);
      this.io.abandon(code);
      return;
    }
    this.#abort.abort();
    this.note('stopping; interrupt again to stop immediately');
  };

  /** The reader is gone (`| head`, a closed terminal): stop, gracefully if there is work to stop. */
  readonly #onStreamError = (): void => {
    if (this.#interruptible) this.#abort.abort();
    else process.exit(process.exitCode ?? 0);
  };

  /** From now on the first Ctrl-C aborts this signal, so that the command can stop gracefully. */
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

  /** Prints a note for a person on stderr; not with `--quiet` or `--json`. */
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

  /** Shows progress: a spinner on a terminal, nothing elsewhere. */
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

  /** The cluster this command uses and where it is set; `name` is one given as an argument. */
  protected clusterName(name?: string): Resolved {
    const flag = name ?? (this.flags as { cluster?: string }).cluster ?? this.io.defaults.cluster;
    return resolveSetting('cluster', flag, this.caution) ?? clusterByDefault();
  }

  /** The name of a cluster that may not exist yet; unlike `clusterName`, it does not fall back to the only existing one. */
  protected newClusterName(name?: string): string {
    const { value, from } = this.clusterName(name);
    return from === 'only cluster' ? 'default' : value;
  }

  /** The cluster this command uses; rejects with `unknown-cluster`. */
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

  /** Asks yes or no. `--yes` answers yes; without a terminal, or with `--no-input`, a needed answer is a `usage` error. */
  protected async confirm(question: string): Promise<boolean> {
    if (this.flags.yes) return true;
    if (this.flags['no-input'] || this.jsonEnabled() || !this.io.stdin.isTTY || !this.io.stderr.isTTY) {
      throw new MusterError('usage', `not confirmed: pass --yes to answer "${question}" without a prompt`, {
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

  /** Sets the exit code; a later call overrides it. */
  protected exitWith(code: number): void {
    this.io.exit(code);
  }

  #report(error: unknown): number {
    this.#progress?.clear();
    const red = mayColor(this.io.stderr, this.flags?.['no-color'] === true)
      ? (t: string) => `\u001b[31m${t}\u001b[39m`
      : undefined;
    const rendered = renderError(error, this.commandName, {
      ...(red === undefined ? {} : { red }),
      readOnly: (this.ctor as typeof BaseCommand).readOnly,
    });
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
