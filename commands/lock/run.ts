import { constants } from 'node:os';
import { BaseCommand } from '../../src/cli/base-command.js';
import { durationFlag, durationText } from '../../src/cli/flags.js';
import { acquire, acquireFlags, lockArgs } from '../../src/cli/lock-flags.js';
import type { HeldLock } from '../../src/client/api.js';
import type { Supervisor } from '../../src/cluster/lock-run/supervise.js';
import { invalid, MusterError } from '../../src/errors.js';
import { formatDuration } from '../../src/text/duration.js';

const exitCodes = { notAcquired: 124, own: 125, lost: 126, notFound: 127 } as const;
/** A terminal and a wrapper program may each pass on the same Ctrl-C: two signals closer than this, in ms, count as one. */
const sameSignalMs = 300;

interface LockRunReport {
  readonly name: string;
  readonly token: number;
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
}

export default class LockRun extends BaseCommand<typeof LockRun> {
  static override summary = 'Run a command while holding a lock';
  static override description = [
    'The lock is renewed while the command runs, and released when it exits. The command leads its own process group and gets MUSTER_LOCK_NAME and MUSTER_LOCK_TOKEN in its environment. When the lock can no longer be proved held, the whole group gets SIGTERM, then SIGKILL after --grace, before anyone else can acquire the lock. This also holds if muster itself is stopped or killed. When the command exits, processes that it left in its group are killed before the lock is released. SIGINT, SIGTERM and SIGHUP are forwarded to the group; a second one kills it.',
    'The exit code is that of the command (128 + N if signal N killed it). Other codes: 124, the lock was not acquired in time; 125, muster failed; 126, the lock was lost; 127, the command cannot be run. With --json the output of the command goes to stderr.',
    'A lock cannot recall requests that the command has already sent, nor stop a process that leaves the group. Only a fencing token is absolute (`muster kv put --fence`).',
  ].join('\n\n');
  static override usage = 'lock run NAME [--ttl 10s] [--wait 5s] [--grace 2s] -- COMMAND [ARG…]';
  static override examples = [
    '<%= config.bin %> lock run nightly --ttl 10s -- ./backup.sh',
    '<%= config.bin %> lock run deploy --ttl 30s --wait 5m --grace 5s -- make deploy',
    `<%= config.bin %> lock run report -- sh -c '<%= config.bin %> kv put report done --fence "$MUSTER_LOCK_NAME:$MUSTER_LOCK_TOKEN"'`,
  ];
  static override complete = { name: 'lock', '--': 'command' } as const;
  static override args = lockArgs;
  // For a message that says more than "unexpected argument" when the "--" is missing.
  static override strict = false;
  static override flags = {
    ttl: durationFlag({
      default: 10_000,
      helpValue: '10s',
      description:
        'time to live: how long the lock outlasts a crash of this machine; at least twice --grace plus 200ms',
    }),
    ...acquireFlags,
    grace: durationFlag({
      helpValue: '2s',
      description: 'time between SIGTERM and SIGKILL',
      defaultHelp: async () => '2s, or a quarter of --ttl if that is shorter',
    }),
  };

  #words: string[] | null = null;
  #exit: number = exitCodes.own;

  override async init(): Promise<void> {
    const at = this.argv.indexOf('--');
    if (at >= 0) {
      this.#words = this.argv.slice(at + 1);
      this.argv = this.argv.slice(0, at);
    }
    await super.init();
  }

  async run(): Promise<LockRunReport> {
    const { name } = this.args;
    const { ttl, wait, permits } = this.flags;
    const { longestGrace, Supervisor, whyNotRunnable } = await import(
      '../../src/cluster/lock-run/supervise.js'
    );
    const [command, ...args] = this.#command();
    const most = longestGrace(ttl);
    const grace = this.flags.grace ?? Math.max(0, Math.min(2000, ttl / 4, most));
    if (grace > most)
      throw invalid(
        '--ttl',
        durationText(ttl),
        `at least ${durationText(2 * grace + 200)}, which is twice --grace plus 200ms for renewals`,
      );
    const unfit = whyNotRunnable(command!);
    if (unfit !== null) {
      this.#exit = exitCodes.notFound;
      throw new MusterError('usage', unfit);
    }
    const client = await this.client();
    const signal = this.interruptible();
    const { dir } = await this.findCluster();
    const marker = `--muster-lock=${this.clusterName().value}/${name}`;
    // Started while the lock is acquired, so that the lock is not held idle meanwhile.
    const supervisor = new Supervisor(dir, marker, this.jsonEnabled() ? 2 : 1);
    try {
      const progress = wait > 0 ? await this.progress(`waiting for ${name}`) : null;
      const options = { ttlMs: ttl, waitMs: wait, permits, timeoutMs: this.timeoutMs(), signal };
      const held = await acquire(client, name, options).finally(() => progress?.clear());
      return await this.#hold(held, supervisor, command!, args, grace);
    } finally {
      await supervisor.close();
    }
  }

  /** The words after "--". */
  #command(): string[] {
    if (this.#words !== null && this.#words.length > 0 && this.argvRest.length <= 1) return this.#words;
    const [, stray] = this.argvRest;
    const what = stray === undefined ? 'missing command' : `unexpected argument "${stray}" before "--"`;
    throw new MusterError(
      'usage',
      `${what}: pass the command after "--", as in \`muster lock run NAME -- COMMAND\``,
    );
  }

  async #hold(
    held: HeldLock,
    supervisor: Supervisor,
    command: string,
    args: readonly string[],
    graceMs: number,
  ): Promise<LockRunReport> {
    const { name, token } = held;
    const { ttl } = this.flags;
    this.#handOn(supervisor);
    held.keep();
    const env = { ...process.env, MUSTER_LOCK_NAME: name, MUSTER_LOCK_TOKEN: String(token) };
    const stopping = () => this.note(`lock ${name} can no longer be proved held: stopping ${command}`);
    const ending = await supervisor
      .run(held, { command, args, env, graceMs, stopping })
      .catch(async (error: unknown) => {
        if ((error as MusterError).code === 'usage') this.#exit = exitCodes.notFound;
        await this.#release(held, ttl);
        throw error;
      });
    if (ending.kind === 'lost') {
      await this.#release(held, 1000);
      this.#lost(name, `${ending.why}; ${command} was stopped`);
    }
    const lostAfter = await this.#release(held, ttl);
    if (lostAfter) this.#lost(name, `it was no longer held when ${command} exited`);
    const exitCode = ending.signal === null ? (ending.code ?? 1) : 128 + constants.signals[ending.signal];
    this.exitWith(exitCode);
    return { name, token, exitCode, signal: ending.signal };
  }

  #lost(name: string, why: string): never {
    this.#exit = exitCodes.lost;
    throw new MusterError('lock-lost', `lock ${name} was lost: ${why.replace(`lock ${name}: `, '')}`, {
      details: { key: name },
      tookEffect: 'unknown',
    });
  }

  /** True: it was no longer held. Any other failure is only a warning, because the lock expires without a release. */
  async #release(held: HeldLock, timeoutMs: number): Promise<boolean> {
    const lostBefore = held.signal.aborted;
    try {
      await held.release({ timeoutMs: Math.min(timeoutMs, this.timeoutMs()) });
      return false;
    } catch (error) {
      if ((error as MusterError).code === 'lock-lost') return true;
      if (!lostBefore)
        this.caution(
          `cannot release lock ${held.name}: ${(error as Error).message}; it expires within ${formatDuration(this.flags.ttl)}`,
        );
      return false;
    }
  }

  /** The first signal goes to the command's group, the second kills it; when the group has ended, the second exits immediately, without a release. */
  #handOn(supervisor: Supervisor): void {
    let first: number | null = null;
    let leaving: number | null = null;
    this.takeSignals((name) => {
      const now = performance.now();
      if (supervisor.over) {
        if (leaving !== null && now - leaving > sameSignalMs) this.io.abandon(128 + constants.signals[name]);
        leaving ??= now;
        return;
      }
      const again = first !== null && now - first > sameSignalMs;
      first ??= now;
      supervisor.signal(again ? 'SIGKILL' : name);
    });
  }

  /** The command's own exit codes are passed through, so muster's errors have other codes here than elsewhere. */
  protected override async catch(error: unknown): Promise<void> {
    await super.catch(error);
    const code = (error as MusterError).code;
    if (code === 'interrupted') return;
    const inTime = code !== 'lock-held' && code !== 'timeout';
    this.exitWith(inTime || this.#exit !== exitCodes.own ? this.#exit : exitCodes.notAcquired);
  }
}
