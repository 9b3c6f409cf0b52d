import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { movingFlags, movingTimeoutMs } from '../../src/cli/moving-flags.js';
import { parseWeights, parseZones } from '../../src/cli/parse.js';

export default class RingRebalance extends BaseCommand<typeof RingRebalance> {
  static override summary = 'Recompute placement, optionally with new weights or zones';
  static override description = 'Moves as little data as possible.';
  static override examples = [
    '<%= config.bin %> ring rebalance --weights n1=2,n3=0.5',
    '<%= config.bin %> ring rebalance --zones n1=a,n2=a,n3=b',
    '<%= config.bin %> ring rebalance',
  ];
  static override complete = { weights: 'node-values', zones: 'node-values' } as const;
  static override flags = {
    ...movingFlags,
    weights: Flags.string({
      helpValue: 'n1=2,…',
      description: 'new relative share of the data for each node',
    }),
    zones: Flags.string({
      helpValue: 'n1=a,…',
      description: 'new failure domain of each node; replicas go to distinct zones',
    }),
  };

  async run(): Promise<unknown> {
    const { weights: w, zones: z } = this.flags;
    const change = {
      ...(w === undefined ? {} : { weights: parseWeights(w) }),
      ...(z === undefined ? {} : { zones: parseZones(z) }),
    };
    const cluster = await this.findCluster();
    const client = await this.client();
    const timeoutMs = this.timeoutMs(movingTimeoutMs);
    const signal = this.interruptible();
    const progress = await this.progress('computing placement');
    const [{ publishPlacement }, { settleMoves, movesReport }] = await Promise.all([
      import('../../src/cluster/placement/placing.js'),
      import('../../src/cli/moves.js'),
    ]);
    const words = [...(w === undefined ? [] : [`weights ${w}`]), ...(z === undefined ? [] : [`zones ${z}`])];
    const cause = words.join(', ') || 'rebalance';
    let map = await publishPlacement(cluster, client, change, {
      cause,
      degrade: true,
      command: 'ring rebalance',
      timeoutMs: 1000,
    });
    if (!this.flags['no-wait'])
      map = await settleMoves(cluster, client, {
        timeoutMs,
        signal,
        update: (text) => progress.update(text),
      });
    progress.clear();
    const report = movesReport(map);
    const moved =
      report.cause === cause
        ? `${report.done.copies} of ${report.planned.copies} copies made`
        : 'nothing to move';
    this.note(this.flags['no-wait'] ? 'new placement published' : `placement complete: ${moved}`);
    return report;
  }
}
