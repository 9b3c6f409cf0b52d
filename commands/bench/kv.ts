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
import { countFlag } from '../../src/cli/flags.js';
import { invalid } from '../../src/errors.js';
import { limits } from '../../src/limits.js';

export default class BenchKv extends BaseCommand<typeof BenchKv> {
  static override summary = 'Measure puts and gets: throughput and latency';
  static override description =
    'Puts are replicated and as durable as the cluster’s --durability; gets are linearizable. The keys are removed at the end.';
  static override examples = [
    '<%= config.bin %> bench kv',
    '<%= config.bin %> bench kv --reads 95 --size 1000 --json',
  ];
  static override flags = {
    ...loadFlags,
    reads: countFlag({
      default: 50,
      helpValue: 'PERCENT',
      description: 'share of gets among all operations, in percent',
    }),
    size: countFlag({ default: 100, helpValue: 'BYTES', description: 'size of each value, in bytes' }),
  };

  async run(): Promise<LoadReport> {
    const { reads, size } = this.flags;
    if (reads > 100) throw invalid('--reads', reads, 'a percentage from 0 to 100');
    if (size > limits.valueBytes)
      throw invalid('--size', size, `a whole number of bytes from 0 to ${limits.valueBytes}`);
    const keys = benchKeysOf('kv', this.flags);
    const client = await this.client();
    const options = { timeoutMs: this.timeoutMs() };
    const progress = await this.progress('running puts and gets');
    const signal = this.interruptible();
    const value = 'x'.repeat(size);
    const operations = [
      { name: 'put', weight: 100 - reads, run: (i: number) => client.kv.put(keys[i]!, value, options) },
      { name: 'get', weight: reads, run: (i: number) => client.kv.get(keys[i]!, options) },
    ].filter(({ weight }) => weight > 0);
    const report = await runLoad(client, operations, keys, this.flags, { progress, signal });
    progress.clear();
    await this.table(report.operations, loadColumns);
    this.note(loadSummary(report));
    this.exitWith(loadExit(report, signal));
    return report;
  }
}
