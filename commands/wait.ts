import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { formatDuration } from '../src/text/duration.js';

export default class Wait extends BaseCommand<typeof Wait> {
  static override summary = 'Wait until a condition holds';
  static override description =
    'Exits with code 4 if the condition does not hold within --timeout (30s by default).';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> wait --for ready --timeout 30s',
    '<%= config.bin %> wait --for members=5',
    '<%= config.bin %> wait --for in-sync',
    '<%= config.bin %> wait --for rebalanced',
    '<%= config.bin %> wait --for primary=n2 --of hits',
  ];
  static override complete = { for: 'condition', of: 'name' } as const;
  static override flags = {
    for: Flags.string({
      required: true,
      helpValue: 'CONDITION',
      description: 'condition: ready, members=N, in-sync, rebalanced or primary=ID',
    }),
    of: Flags.string({ helpValue: 'KEY', description: 'key whose primary is meant, for primary=ID' }),
  };

  async run(): Promise<{ for: string; waitedMs: number }> {
    const begin = performance.now();
    const [{ parseCondition, waitFor }, { openClient }] = await Promise.all([
      import('../src/cluster/observe/wait.js'),
      import('../src/client/open.js'),
    ]);
    const condition = parseCondition(this.flags.for, this.flags.of ?? null);
    const cluster = await this.findCluster();
    const timeoutMs = this.timeoutMs(30_000);
    const progress = await this.progress(`waiting for ${this.flags.for}`);
    const client = await openClient({ clusterDir: cluster.dir, timeoutMs });
    try {
      await waitFor(cluster, client, condition, {
        timeoutMs,
        signal: this.interruptible(),
        progress: (lack) => progress.update(`waiting for ${this.flags.for}: ${lack}`),
      });
    } finally {
      await client.close();
    }
    const waitedMs = Math.round(performance.now() - begin);
    progress.clear();
    this.note(`${this.flags.for} after ${formatDuration(waitedMs)}`);
    return { for: this.flags.for, waitedMs };
  }
}
