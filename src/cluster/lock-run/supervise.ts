import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { HeldLock } from '../../client/api.js';
import { MusterError } from '../../errors.js';
import { pause } from '../../util/pause.js';
import { programEntry } from '../processes/entry.js';
import { groupAlive, signalGroup } from './group.js';

/** The moment by which the command's group must be gone, in ms: of the monotonic clock that all processes share, and of the wall clock. */
export interface Deadline {
  readonly mono: number;
  readonly wall: number;
}

/** Why the watchdog ends the group; `ended`: only what the command left behind. */
export type StopReason = 'lock-lost' | 'ended' | 'orphaned' | 'told';

/** What the watchdog is told. */
export type Order =
  | {
      readonly type: 'run';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: NodeJS.ProcessEnv;
      readonly graceMs: number;
      readonly deadline: Deadline;
    }
  | { readonly type: 'until'; readonly deadline: Deadline }
  | { readonly type: 'signal'; readonly name: NodeJS.Signals }
  | { readonly type: 'stop' };

/** What the watchdog tells. */
export type News =
  | { readonly type: 'started'; readonly group: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'stopping'; readonly why: StopReason }
  | { readonly type: 'ended'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly type: 'gone'; readonly why: StopReason };

/** How a command under a lock ended; its whole group is gone. */
export type Ending =
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'lost'; readonly why: string };

export interface Watched {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Between SIGTERM and SIGKILL, in ms. */
  readonly graceMs: number;
  /** Told when the command is asked to end because the lock cannot be proved held. */
  readonly stopping: () => void;
}

/** Ahead of the lock's deadline, in ms: for a SIGKILL to have its effect. */
export const killMarginMs = 100;

/** Longest `--grace`, in ms, that leaves time for a renewal to be missed: stopping begins after half of the lock's time at the earliest. */
export const longestGrace = (ttlMs: number): number => Math.floor(ttlMs / 2) - killMarginMs;

/** Why a command cannot be run, in words; null when it can, as far as can be seen. */
export function whyNotRunnable(command: string, env: NodeJS.ProcessEnv = process.env): string | null {
  if (process.platform === 'win32') return null;
  const places = command.includes('/') ? [command] : pathOf(env).map((folder) => join(folder, command));
  if (command === '') return 'command is empty';
  let found = false;
  for (const place of places) {
    try {
      if (!statSync(place).isFile()) continue;
      found = true;
      accessSync(place, constants.X_OK);
      return null;
    } catch {
      // Not here, or not for us to run.
    }
  }
  if (found) return `"${command}" is not executable`;
  return command.includes('/') ? `program "${command}" not found` : `program "${command}" not found in PATH`;
}

const pathOf = (env: NodeJS.ProcessEnv): string[] =>
  (env.PATH ?? '/usr/bin:/bin').split(delimiter).map((folder) => folder || '.');

/** Computed so that a pause of this process between two readings only makes it earlier. */
function deadlineOf(held: HeldLock): Deadline {
  const mono = Number(process.hrtime.bigint()) / 1e6;
  const wall = Date.now();
  const left = held.validUntil - performance.now() - killMarginMs;
  return { mono: mono + left, wall: wall + left };
}

/**
 * Runs a command while a lock is held. The command is started by a watchdog, a process of its own that ends the command's group in
 * time when this process can no longer; this process in turn ends the group when the watchdog was killed.
 */
export class Supervisor {
  readonly #watchdog: ChildProcess;
  readonly #disconnected: Promise<void>;
  #failure: Error | null = null;
  #group: number | null = null;

  /** Starts the watchdog. `stdout`: where the command's standard output goes. */
  constructor(clusterDir: string, marker: string, stdout: 1 | 2 = 1) {
    const { execArgv, file } = programEntry('src/cluster/lock-run/watchdog');
    const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...env } = process.env;
    this.#watchdog = spawn(process.execPath, ['--no-warnings', ...execArgv, file, clusterDir, marker], {
      detached: true,
      stdio: [0, stdout, 2, 'ipc'],
      env,
    });
    this.#disconnected = new Promise((resolve) => {
      this.#watchdog.once('disconnect', () => resolve());
      this.#watchdog.on('error', (error) => {
        this.#failure = error;
        if (this.#watchdog.pid === undefined) resolve();
      });
    });
  }

  #order(order: Order): void {
    // A watchdog that is gone is noticed by its channel.
    if (this.#watchdog.connected) this.#watchdog.send(order, () => {});
  }

  /** Is there nothing left that a signal could go to? */
  get over(): boolean {
    return !this.#watchdog.connected;
  }

  /** Hands a signal on to the command's group. */
  signal(name: NodeJS.Signals): void {
    this.#order({ type: 'signal', name });
  }

  /**
   * Resolves when the command and its whole group are gone. Rejects with `usage` when the command cannot be run, and with `internal`
   * when the watchdog was killed; then, too, nothing of the group is left. The caller renews the lock and releases it.
   */
  async run(held: HeldLock, watched: Watched): Promise<Ending> {
    const { command, args, env, graceMs } = watched;
    let known = held.validUntil;
    this.#order({ type: 'run', command, args, env, graceMs, deadline: deadlineOf(held) });
    const renewals = setInterval(
      () => {
        const { validUntil } = held;
        // Renewed, or less by a sleep of the machine; the wall clock alone counts in whole milliseconds.
        if (Math.abs(validUntil - known) < 2) return;
        known = validUntil;
        this.#order({ type: 'until', deadline: deadlineOf(held) });
      },
      Math.min(100, Math.max(5, (held.validUntil - performance.now()) / 50)),
    );
    let overdue: NodeJS.Timeout | undefined;
    const lost = (): void => {
      this.#order({ type: 'stop' });
      // A watchdog that does not do it (it may be stopped) is done without.
      overdue = setTimeout(() => this.#watchdog.kill('SIGKILL'), graceMs + 250);
    };
    if (held.signal.aborted) lost();
    else held.signal.addEventListener('abort', lost, { once: true });
    try {
      return await this.#outcome(held, watched);
    } finally {
      clearInterval(renewals);
      clearTimeout(overdue);
      held.signal.removeEventListener('abort', lost);
    }
  }

  async #outcome(held: HeldLock, { command, graceMs, stopping }: Watched): Promise<Ending> {
    let failed: Extract<News, { type: 'failed' }> | null = null;
    let end: { code: number | null; signal: NodeJS.Signals | null } = { code: null, signal: null };
    let gone: StopReason | null = null;
    this.#watchdog.on('message', (news: News) => {
      if (news.type === 'started') this.#group = news.group;
      else if (news.type === 'failed') failed = news;
      else if (news.type === 'ended') end = { code: news.code, signal: news.signal };
      else if (news.type === 'stopping' && news.why === 'lock-lost') stopping();
      else if (news.type === 'gone') gone = news.why;
    });
    // The channel closes after all that was said in it.
    await this.#disconnected;
    if (failed !== null) throw cannotRun(command, failed);
    const why = (held.signal.reason as Error | undefined)?.message ?? 'not renewed in time';
    if (gone === 'lock-lost') return { kind: 'lost', why };
    if (gone !== null) return { kind: 'ended', ...end };
    await this.#endGroup(held, graceMs);
    if (held.signal.aborted) return { kind: 'lost', why };
    throw new MusterError(
      'internal',
      `${command} stopped: its watchdog process exited${this.#failure === null ? '' : `: ${this.#failure.message}`}`,
    );
  }

  /** What the watchdog does, done here because it is gone. */
  async #endGroup(held: HeldLock, graceMs: number): Promise<void> {
    const group = this.#group;
    if (group === null) return;
    signalGroup(group, 'SIGTERM');
    const killAt = Math.min(performance.now() + graceMs, held.validUntil - killMarginMs);
    while (groupAlive(group)) {
      if (performance.now() >= killAt) signalGroup(group, 'SIGKILL');
      await pause(15);
    }
  }

  /** Lets go of a watchdog that has nothing to watch over; resolves when it has ended. */
  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#watchdog;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#watchdog.once('exit', resolve));
    if (this.#watchdog.connected) this.#watchdog.disconnect();
    await ended;
  }
}

function cannotRun(command: string, { code, message }: { code: string; message: string }): MusterError {
  const why =
    code === 'ENOENT'
      ? 'the file or its interpreter does not exist'
      : code === 'EACCES'
        ? 'the file is not executable'
        : message;
  return new MusterError('usage', `cannot run "${command}": ${why}`);
}
