import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { movingFlags, movingTimeoutMs } from '../../src/cli/moving-flags.js';
import { nodeArgs } from '../../src/cli/node-flags.js';
import { MusterError } from '../../src/errors.js';

export default class NodeDrain extends BaseCommand<typeof NodeDrain> {
  static override summary = 'Drain nodes: move their data to other nodes, then remove them';
  static override description =
    'No partition drops below its number of replicas on the way. A node that is down can also be drained.';
  static override examples = [
    '<%= config.bin %> node drain n4',
    '<%= config.bin %> node drain n4 n5 --no-wait',
  ];
  static override complete = { id: 'node' } as const;
  static override strict = false;
  static override asks = { id: [] };
  static override args = nodeArgs;
  static override flags = {
    ...movingFlags,
    degrade: Flags.boolean({
      description: 'drain even if too few nodes remain for all replicas, but never below --min-in-sync',
    }),
  };

  async run(): Promise<unknown> {
    if (this.argvRest.length === 0) throw new MusterError('usage', 'missing nodes: name the nodes to drain');
    const ids = [...new Set(this.argvRest)];
    const cluster = await this.findCluster();
    const client = await this.client();
    const timeoutMs = this.timeoutMs(movingTimeoutMs);
    const signal = this.interruptible();
    const progress = await this.progress(`draining ${ids.join(', ')}`);
    const [{ removeNodes }, { settleMoves, movesReport }] = await Promise.all([
      import('../../src/cluster/lifecycle/scale.js'),
      import('../../src/cli/moves.js'),
    ]);
    const { map } = await removeNodes(cluster, ids, {
      timeoutMs,
      signal,
      degrade: this.flags.degrade,
      wait: !this.flags['no-wait'],
      progress: (text) => progress.update(text),
      settle: (of, update) => settleMoves(of, client, { timeoutMs, signal, update }),
    });
    progress.clear();
    const result = this.flags['no-wait'] ? 'draining' : 'drained and removed from the cluster';
    for (const id of ids) this.note(`${id} ${result}`);
    return { drained: ids, moves: movesReport(map) };
  }
}
