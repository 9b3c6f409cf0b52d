import { createReadStream } from 'node:fs';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { clusterFlag } from '../../src/cli/flags.js';
import { parseTx } from '../../src/cli/tx-text.js';
import { inOrder, type PauseAt, type Step } from '../../src/cli/tx-view.js';
import type { TxReport } from '../../src/client/api.js';
import type { TxItem } from '../../src/core/machine/types.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { plural } from '../../src/text/format.js';

/** How long the participants of an answered transaction are waited for, in ms. */
const TRACE_MS = 1000;

type Report = TxReport & { readonly trace?: readonly Step[]; readonly inDoubt?: readonly number[] };

export default class TxRun extends BaseCommand<typeof TxRun> {
  static override summary = 'Run a transaction over several keys, all or nothing';
  static override description =
    `Statements are separated by ";" or new lines and quoted as in a shell; "#" starts a comment:

  check KEY = VALUE     proceed only if the key has this value; 3 is a counter, "3" is text
  check KEY = nothing   proceed only if the key does not exist
  check KEY @VERSION    proceed only if the key still has this version
  get KEY               read the key, as it was before the writes
  put KEY VALUE          delete KEY          incr KEY [N]          decr KEY [N]

Values that were read go to stdout, in a pipe as one "KEY VALUE" line each. Exit codes: 0, committed; 6, aborted without writing anything; 7, unknown.`;
  static override examples = [
    "<%= config.bin %> tx run -c 'check stock = 3; decr stock; put order/17 paid; get price'",
    '<%= config.bin %> tx run transfer.tx --json',
    "printf 'decr alice 5\\nincr bob 5\\n' | <%= config.bin %> tx run -",
    "<%= config.bin %> tx run -c 'put a 1; put b 2; incr c' --trace",
    "<%= config.bin %> tx run -c 'put a 1; put b 2; incr c' --pause-at prepared",
  ];
  static override complete = { file: 'file' } as const;
  static override asks = { command: [] };
  static override args = {
    file: Args.string({ ignoreStdin: true, description: 'file of statements, or "-" for standard input' }),
  };
  static override flags = {
    // Without the short form: -c is --command here.
    cluster: Flags.string(clusterFlag),
    command: Flags.string({ char: 'c', helpValue: 'STATEMENTS', description: 'statements to run' }),
    trace: Flags.boolean({ description: 'show the steps of the protocol' }),
    'pause-at': Flags.string({
      options: ['prepared', 'decided'],
      helpValue: 'STEP',
      description:
        'pause once all participants are prepared, or once the outcome is decided but not yet sent',
    }),
  };

  async run(): Promise<Report> {
    const items = parseTx(await this.#text());
    const pauseAt = this.flags['pause-at'] as PauseAt | undefined;
    const client = await this.client();
    const told =
      pauseAt === undefined
        ? await client.tx.run(items, { timeoutMs: this.timeoutMs() })
        : await this.#paused(items, pauseAt);
    const report = inOrder(items, told);
    await this.#printReads(report.reads);
    const trace = this.flags.trace ? await this.#trace(items, report) : null;
    const inDoubt = pauseAt === 'decided' ? await this.#inDoubt(report) : null;
    await this.#conclude(report);
    return { ...report, ...(trace === null ? {} : { trace }), ...(inDoubt === null ? {} : { inDoubt }) };
  }

  async #text(): Promise<string> {
    const { file } = this.args;
    const { command } = this.flags;
    if (command !== undefined) {
      if (file !== undefined)
        throw new MusterError('usage', `-c STATEMENTS cannot be combined with a file (${file})`);
      return command;
    }
    if (file === undefined && this.io.stdin.isTTY)
      throw new MusterError('usage', 'missing statements: pass -c STATEMENTS, a file, or "-"');
    const { readAll } = await import('../../src/cli/stdin.js');
    const most = limits.frameBytes / 2;
    if (file === undefined || file === '-') return readAll(this.io.stdin, most);
    try {
      return await readAll(createReadStream(file), most, file);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (cause instanceof MusterError) throw cause;
      const why =
        code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a folder' : (cause as Error).message;
      throw new MusterError('usage', `cannot read ${file}: ${why}`, { cause });
    }
  }

  /** Runs it, and while it is paused prints its ID and the commands that apply to it. */
  async #paused(items: readonly TxItem[], pauseAt: PauseAt): Promise<TxReport> {
    const { findPaused, pausedText, partitionsOf } = await import('../../src/cli/tx-view.js');
    const client = await this.client();
    const { parts } = await partitionsOf(client, items);
    if (parts.size === 1) {
      const [p] = parts.keys();
      throw new MusterError(
        'usage',
        `--pause-at requires keys in several partitions: all of these are in partition ${p}, which commits with a single log entry`,
      );
    }
    const before = new Set((await client.tx.list()).map(({ id }) => id));
    const signal = this.interruptible();
    let over = false;
    const running = client.tx
      .run(items, { pauseAt, timeoutMs: this.timeoutMs(limits.txPauseMs + 15_000) })
      .finally(() => {
        over = true;
      });
    if (pauseAt === 'decided') return running;
    let id: string | null = null;
    const watching = findPaused(client, parts, before, () => over || signal.aborted).then((found) => {
      if (found === null || over) return;
      id = found[0]?.id ?? null;
      this.note(pausedText(found, pauseAt, this.#clusterOption(), limits.txPauseMs));
    });
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        const what = id === null ? 'the transaction' : id;
        reject(
          new MusterError(
            'interrupted',
            `interrupted: ${what} stays paused and will be aborted after ${limits.txPauseMs / 1000} s`,
          ),
        );
      });
    });
    const report = await Promise.race([running, left]);
    await watching.catch(() => {});
    return report;
  }

  /** What the printed commands need to find this cluster again. */
  #clusterOption(): string {
    const { value, from } = this.clusterName();
    return from === 'flag' ? ` --cluster ${value}` : '';
  }

  async #printReads(reads: TxReport['reads']): Promise<void> {
    if (reads.length === 0 || this.jsonEnabled()) return;
    const { readColumns, readLines } = await import('../../src/cli/tx-view.js');
    if (!this.io.stdout.isTTY) this.out(readLines(reads));
    else await this.table(reads, readColumns(Math.max(20, (this.io.stdout.columns ?? 80) - 40)));
  }

  /** Draws the trace; failing to read it does not affect the result of the transaction. */
  async #trace(items: readonly TxItem[], report: TxReport): Promise<readonly Step[]> {
    const { partitionsOf, pictureOf, primaryOf, traceOf } = await import('../../src/cli/tx-view.js');
    const client = await this.client();
    try {
      const { map, parts } = await partitionsOf(client, items);
      const [p] = parts.keys();
      if (parts.size === 1) {
        const where = `partition ${p} on ${primaryOf(map, p as number) ?? 'no node'}`;
        const end =
          report.outcome === 'committed'
            ? 'committed with one log entry, without a prepare phase'
            : 'no prepare phase';
        this.note(`all keys are in ${where}: ${end}`);
        return [];
      }
      const trace = await traceOf(client, report, this.flags['pause-at'] === 'decided' ? 0 : TRACE_MS);
      if (trace.length === 0) this.note('trace no longer available');
      else this.out(pictureOf(report.id, trace, report.outcome, this.paint, this.io.stdout));
      return trace;
    } catch (error) {
      this.note(`cannot read the trace: ${(error as Error).message}`);
      return [];
    }
  }

  /** The partitions that have not learned the decision. */
  async #inDoubt(report: TxReport): Promise<readonly number[]> {
    const client = await this.client();
    const { pausedText, withNodes } = await import('../../src/cli/tx-view.js');
    const parts = (await client.tx.list()).filter(({ id }) => id === report.id);
    if (parts.length > 0)
      this.note(
        pausedText(withNodes(await client.map(), parts), 'decided', this.#clusterOption(), limits.txPauseMs),
      );
    return parts.filter(({ state }) => state === 'in-doubt').map(({ partition }) => partition);
  }

  async #conclude(report: TxReport): Promise<void> {
    const { failureOf } = await import('../../src/cli/tx-view.js');
    const failure = failureOf(report);
    if (failure === null) {
      const tries = report.attempts > 1 ? `, after ${plural(report.attempts, 'attempt')}` : '';
      this.note(`${this.paint.green('committed')} ${report.id}${tries}`);
    } else if (this.jsonEnabled()) this.exitWith(failure.exit);
    else throw failure;
  }
}
