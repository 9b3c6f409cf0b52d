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
  static override summary =
    'Reads, checks and writes several keys in one step: all of it, or nothing (exit code 6).';
  static override description =
    `Statements, separated by ";" or new lines; "#" begins a comment, words are quoted as in a shell:

  check KEY = VALUE     only if it holds this; 3 is a counter's, "3" is text
  check KEY = nothing   only if there is no such key
  check KEY @VERSION    only if it is still at this version
  get KEY               read it, as it was before the writes
  put KEY VALUE          delete KEY          incr KEY [N]          decr KEY [N]

What was read goes to stdout, "KEY VALUE" a line in a pipe. Exit code 0: committed; 6: aborted, nothing was written; 7: unknown.`;
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
    file: Args.string({ ignoreStdin: true, description: 'A file of statements, or "-" for standard input.' }),
  };
  static override flags = {
    // Without its letter: "-c" says what to run here.
    cluster: Flags.string(clusterFlag),
    command: Flags.string({ char: 'c', helpValue: 'STATEMENTS', description: 'The statements themselves.' }),
    trace: Flags.boolean({ description: 'Show the protocol as it happened.' }),
    'pause-at': Flags.string({
      options: ['prepared', 'decided'],
      helpValue: 'STEP',
      description: 'Stop when all are prepared, or when it is decided and nobody is told: break it there.',
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
        throw new MusterError('usage', `either -c STATEMENTS or a file, not both: "${file}"`);
      return command;
    }
    if (file === undefined && this.io.stdin.isTTY)
      throw new MusterError('usage', 'there are no statements: give -c STATEMENTS, a file, or "-"');
    const { readAll } = await import('../../src/cli/stdin.js');
    const most = limits.frameBytes / 2;
    if (file === undefined || file === '-') return readAll(this.io.stdin, most);
    try {
      return await readAll(createReadStream(file), most, file);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (cause instanceof MusterError) throw cause;
      const why =
        code === 'ENOENT'
          ? 'there is no such file'
          : code === 'EISDIR'
            ? 'it is a folder'
            : (cause as Error).message;
      throw new MusterError('usage', `"${file}" cannot be read: ${why}`, { cause });
    }
  }

  /** Runs it, and meanwhile says which one it is and what can be done with it. */
  async #paused(items: readonly TxItem[], pauseAt: PauseAt): Promise<TxReport> {
    const { findPaused, pausedText, partitionsOf } = await import('../../src/cli/tx-view.js');
    const client = await this.client();
    const { parts } = await partitionsOf(client, items);
    if (parts.size === 1) {
      const [p] = parts.keys();
      throw new MusterError(
        'usage',
        `--pause-at needs keys of several partitions; these are all of partition ${p}, where one log entry does it all`,
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
        const what = id === null ? 'it' : id;
        reject(
          new MusterError(
            'interrupted',
            `interrupted: ${what} stays paused, and is aborted after ${limits.txPauseMs / 1000} s`,
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

  /** Shows the picture; a trace that cannot be had changes nothing of what the transaction came to. */
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
            ? 'it took one log entry there and no prepare'
            : 'there is no prepare';
        this.note(`All keys are of ${where}: ${end}.`);
        return [];
      }
      const trace = await traceOf(client, report, this.flags['pause-at'] === 'decided' ? 0 : TRACE_MS);
      if (trace.length === 0)
        this.note('Its coordinator remembers no steps of it: it died meanwhile, or has done much else.');
      else this.out(pictureOf(report.id, trace, report.outcome, this.paint, this.io.stdout));
      return trace;
    } catch (error) {
      this.note(`The trace cannot be read: ${(error as Error).message}`);
      return [];
    }
  }

  /** The partitions that were not told. */
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
