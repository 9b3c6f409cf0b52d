import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { movingFlags, movingTimeoutMs } from '../../src/cli/moving-flags.js';
import { MusterError } from '../../src/errors.js';
import { formatDuration } from '../../src/text/duration.js';
import { plural } from '../../src/text/format.js';

export default class ClusterScale extends BaseCommand<typeof ClusterScale> {
  static override summary =
    'Adds nodes, or drains the last ones, until there are so many; serves all the while.';
  static override description =
    'New nodes get their share in one change of placement. A node that is drained holds on until others hold what it held, then leaves and ends.';
  static override examples = [
    '<%= config.bin %> cluster scale 6',
    '<%= config.bin %> cluster scale 3 --no-wait',
  ];
  static override args = {
    nodes: Args.string({ required: true, description: 'How many nodes there are to be.', ignoreStdin: true }),
  };
  static override flags = movingFlags;

  async run(): Promise<unknown> {
    const begin = performance.now();
    if (!/^\d+$/.test(this.args.nodes))
      throw new MusterError('usage', `"${this.args.nodes}" is no number of nodes`, {
        details: { command: 'cluster scale' },
      });
    const count = Number(this.args.nodes);
    const cluster = await this.findCluster();
    const client = await this.client();
    const timeoutMs = this.timeoutMs(movingTimeoutMs);
    const signal = this.interruptible();
    const progress = await this.progress(`scaling to ${count}`);
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
    if (added.length + drained.length === 0) this.note(`There are ${count} nodes already.`);
    else {
      const what = added.length > 0 ? `${added.join(', ')} joined` : `${drained.join(', ')} drained`;
      this.note(`${what}: ${plural(count, 'node')}, after ${took}.`);
    }
    return { nodes: count, added, drained, moves: movesReport(map) };
  }
}
