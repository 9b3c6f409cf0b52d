import { BaseCommand } from '../../src/cli/base-command.js';
import { loadColumns, loadFlags } from '../../src/cli/bench-load.js';
import { runTransfers, type TxLoadReport, transfersExit, transfersSummary } from '../../src/cli/bench-tx.js';
import { countFlag } from '../../src/cli/flags.js';

const { keys: _, ...flags } = loadFlags;

export default class BenchTx extends BaseCommand<typeof BenchTx> {
  static override summary = 'Measure two-partition transactions: throughput, latency and abort reasons';
  static override description =
    'Each transaction moves 1 between two random counters on different partitions, and is retried on a conflict. At the end the counters must sum to 0; they are then removed.';
  static override examples = [
    '<%= config.bin %> bench tx',
    '<%= config.bin %> bench tx --clients 64 --accounts 10 --for 30s --json',
  ];
  static override flags = {
    ...flags,
    clients: countFlag({ default: 32, description: 'number of concurrent callers in this process' }),
    accounts: countFlag({ default: 100, description: 'number of counters; fewer means more conflicts' }),
  };

  async run(): Promise<TxLoadReport> {
    const client = await this.client();
    const progress = await this.progress('running transfers');
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
