import { BaseCommand } from '../../src/cli/base-command.js';
import { inState, meansAll, oneOrMany } from '../../src/cli/cluster-actions.js';
import { nodeArgs } from '../../src/cli/node-flags.js';
import { MusterError } from '../../src/errors.js';

export default class NodeStart extends BaseCommand<typeof NodeStart> {
  static override summary = 'Start nodes that are down';
  static override description = 'Started nodes catch up automatically.';
  static override examples = ['<%= config.bin %> node start n2', '<%= config.bin %> node start all'];
  static override complete = { id: 'node' } as const;
  static override strict = false;
  static override asks = { id: [] };
  static override args = nodeArgs;

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    if (this.argvRest.length === 0)
      throw new MusterError('usage', 'missing nodes: name the nodes to start, or all');
    const [{ pickNodes }, { startAndAwait }, { withClusterLock }, { freshRoster }] = await Promise.all([
      import('../../src/cluster/processes/nodes.js'),
      import('../../src/cluster/processes/node-start.js'),
      import('../../src/cluster/folder/lock.js'),
      import('../../src/cluster/folder/registry.js'),
    ]);
    const named = pickNodes(cluster.file, this.argvRest);
    const timeoutMs = this.timeoutMs(30_000);
    const signal = this.interruptible();
    const progress = await this.progress(`starting ${named.join(', ')}`);
    const started = await withClusterLock(cluster.dir, timeoutMs, async () => {
      const ids = inState(freshRoster(cluster), named, ['gone'], meansAll(this.argvRest));
      return startAndAwait(cluster, ids, { timeoutMs, signal });
    });
    progress.clear();
    for (const { id, pid, url } of started) this.note(`${id} started (pid ${pid}, ${url})`);
    if (started.length === 0) this.note('all nodes are already running');
    return oneOrMany(started);
  }
}
