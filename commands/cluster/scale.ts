import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { movingFlags, movingTimeoutMs } from '../../src/cli/moving-flags.js';
import { invalid } from '../../src/errors.js';
import { formatDuration } from '../../src/text/duration.js';
import { plural } from '../../src/text/format.js';

export default class ClusterScale extends BaseCommand<typeof ClusterScale> {
  static override summary = 'Scale a cluster to N nodes without downtime';
  static override description =
    'New nodes get their share of the data in one placement change. To scale down, the last nodes are drained: each keeps serving until other nodes hold its replicas, then leaves the cluster and stops.';
  static override examples = [
    '<%= config.bin %> cluster scale 6',
    '<%= config.bin %> cluster scale 3 --no-wait',
  ];
  static override args = {
    nodes: Args.string({ required: true, description: 'target node count', ignoreStdin: true }),
  };
  static override flags = movingFlags;

  async run(): Promise<unknown> {
    const begin = performance.now();
    if (!/^\d+$/.test(this.args.nodes))
      throw invalid('node count', this.args.nodes, 'a whole number, such as 6');
    const count = Number(this.args.nodes);
    const cluster = await this.findCluster();
    const client = await this.client();
    const timeoutMs = this.timeoutMs(movingTimeoutMs);
    const signal = this.interruptible();
    const progress = await this.progress(`scaling to ${plural(count, 'node')}`);
    const [{ scaleCluster }, { settleMoves, movesReport }] = await Promise.all([
      import('../../src/cluster/lifecycle/scale.js'),
      import('../../src/cli/moves.js'),
    ]);
    const scaled = await scaleCluster(cluster, count, {
      timeoutMs,
      signal,
      wait: !this.flags['no-wait'],
      progress: (text) => progress.update(text),
      settle: (of, update) => settleMoves(of, client, { timeoutMs, signal, update }),
    });
    progress.clear();
    const { added, drained, map } = scaled;
    const took = formatDuration(performance.now() - begin);
    if (added.length + drained.length === 0) this.note(`cluster already has ${plural(count, 'node')}`);
    else {
      const what = added.length > 0 ? `${added.join(', ')} joined` : `${drained.join(', ')} drained`;
      this.note(`${what}: scaled to ${plural(count, 'node')} in ${took}`);
    }
    return { nodes: count, added, drained, moves: movesReport(map) };
  }
}
