import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import {
  checkLoad,
  type LoadReport,
  loadColumns,
  loadExit,
  loadFlags,
  loadSummary,
  runLoad,
} from '../../src/cli/bench-load.js';

const { keys: _, ...flags } = loadFlags;

export default class BenchRoute extends BaseCommand<typeof BenchRoute> {
  static override summary = 'Measure calls to a service method: throughput and latency';
  static override description = 'Calls demo.echo, which every node provides and which does no work.';
  static override examples = [
    '<%= config.bin %> bench route',
    '<%= config.bin %> bench route --clients 1 --strategy round-robin --for 30s --json',
  ];
  static override complete = { strategy: 'strategy' } as const;
  static override flags = {
    ...flags,
    strategy: Flags.string({
      default: 'two-choices',
      description: 'routing strategy, as for `muster route`',
    }),
  };

  async run(): Promise<LoadReport> {
    checkLoad(this.flags);
    const client = await this.client();
    const { strategyOf } = await import('../../src/cli/route-run.js');
    const router = await client.router({ strategy: await strategyOf(this.flags.strategy) });
    const timeoutMs = this.timeoutMs();
    const progress = await this.progress('calling demo.echo');
    const signal = this.interruptible();
    const run = (i: number): Promise<unknown> => router.call('demo.echo', i, { timeoutMs, idempotent: true });
    const operations = [{ name: 'echo', weight: 1, run }];
    const report = await runLoad(client, operations, [], this.flags, { progress, signal });
    progress.clear();
    await this.table(report.operations, loadColumns);
    this.note(loadSummary(report));
    this.exitWith(loadExit(report, signal));
    return report;
  }
}
