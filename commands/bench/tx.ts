import { BaseCommand } from '../../src/cli/base-command.js';
import { loadColumns } from '../../src/cli/bench-load.js';
import { runTransfers, type TxLoadReport, transfersExit, transfersSummary } from '../../src/cli/bench-tx.js';
import { countFlag } from '../../src/cli/flags.js';

export default class BenchTx extends BaseCommand<typeof BenchTx> {
  static override summary =
    'Measures transactions over two partitions: how many commit a second, how long each takes, why some abort.';
  static override description =
    'Each moves 1 from one counter to another, two at random on different partitions; one that meets another is tried again. At the end all counters together must be 0, and are removed.';
  static override examples = [
    '<%= config.bin %> bench tx',
    '<%= config.bin %> bench tx --concurrency 64 --accounts 10 --seconds 30 --json',
  ];
  static override flags = {
    concurrency: countFlag({
      default: 32,
      description: 'How many transactions at once, in this one process.',
    }),
    seconds: countFlag({ default: 10, description: 'How long to measure.' }),
    accounts: countFlag({ default: 100, description: 'How many counters: the fewer, the more conflicts.' }),
  };

  async run(): Promise<TxLoadReport> {
    const client = await this.client();
    const progress = await this.progress('transferring');
    const signal = this.interruptible();
    const timeoutMs = this.timeoutMs();
    const report = await runTransfers(client, { ...this.flags, timeoutMs }, { progress, signal });
    progress.clear();
    await this.table(report.operations, loadColumns);
    this.note(transfersSummary(report));
    this.exitWith(transfersExit(report, signal));
    return report;
  }
}
