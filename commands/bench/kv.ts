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
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';

export default class BenchKv extends BaseCommand<typeof BenchKv> {
  static override summary = 'Measures puts and gets on the cluster: how many a second, how long each takes.';
  static override description =
    'Puts are replicated and as durable as the cluster is, gets are linearizable. Its keys are removed at the end.';
  static override examples = [
    '<%= config.bin %> bench kv',
    '<%= config.bin %> bench kv --reads 95 --size 1000 --json',
  ];
  static override flags = {
    ...loadFlags,
    reads: countFlag({
      default: 50,
      helpValue: 'PERCENT',
      description: 'How many of 100 operations are gets.',
    }),
    size: countFlag({ default: 100, helpValue: 'BYTES', description: 'The size of each value.' }),
  };

  async run(): Promise<LoadReport> {
    const { reads, size } = this.flags;
    if (reads > 100) throw new MusterError('usage', `--reads takes 0 to 100, not ${reads}`);
    if (size > limits.valueBytes)
      throw new MusterError('usage', `--size takes 0 to ${limits.valueBytes}, not ${size}`);
    const keys = benchKeysOf('kv', this.flags);
    const client = await this.client();
    const options = { timeoutMs: this.timeoutMs() };
    const progress = await this.progress('putting and getting');
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
