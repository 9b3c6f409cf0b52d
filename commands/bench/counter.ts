import { BaseCommand } from '../../src/cli/base-command.js';
import {
  benchKeysOf,
  type LoadReport,
  loadColumns,
  loadExit,
  loadFlags,
  loadSummary,
  runLoad,
} from '../../src/cli/bench-load.js';

export default class BenchCounter extends BaseCommand<typeof BenchCounter> {
  static override summary = 'Measure counter increments: throughput and latency';
  static override description =
    'Every increment is replicated and as durable as the cluster’s --durability. The counters are removed at the end.';
  static override examples = [
    '<%= config.bin %> bench counter',
    '<%= config.bin %> bench counter --clients 64 --keys one --for 30s --json',
  ];
  static override flags = loadFlags;

  async run(): Promise<LoadReport> {
    const keys = benchKeysOf('counter', this.flags);
    const client = await this.client();
    const timeoutMs = this.timeoutMs();
    const progress = await this.progress('incrementing counters');
    const signal = this.interruptible();
    const operations = [
      { name: 'incr', weight: 1, run: (i: number) => client.counter.incr(keys[i]!, 1, { timeoutMs }) },
    ];
    const report = await runLoad(client, operations, keys, this.flags, { progress, signal });
    progress.clear();
    await this.table(report.operations, loadColumns);
    this.note(loadSummary(report));
    this.exitWith(loadExit(report, signal));
    return report;
  }
}
