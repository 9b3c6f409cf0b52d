import { BaseCommand } from '../../src/cli/base-command.js';
import { oneOrMany, selectNodes } from '../../src/cli/cluster-actions.js';
import { nodeArgs, roleFlags } from '../../src/cli/node-flags.js';

export default class NodeRestart extends BaseCommand<typeof NodeRestart> {
  static override summary = 'Restart nodes gracefully, one at a time';
  static override description = 'Nodes that are down are started.';
  static override examples = ['<%= config.bin %> node restart n2', '<%= config.bin %> node restart all'];
  static override complete = { id: 'node', of: 'name' } as const;
  static override strict = false;
  static override asks = { id: ['role'] };
  static override args = nodeArgs;
  static override flags = roleFlags;

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { role, of } = this.flags;
    const timeoutMs = this.timeoutMs(30_000);
    const ids = await selectNodes(cluster, { ids: this.argvRest, role, of }, timeoutMs);
    const [{ restartNodes }, { withClusterLock }] = await Promise.all([
      import('../../src/cluster/lifecycle/restart.js'),
      import('../../src/cluster/folder/lock.js'),
    ]);
    const signal = this.interruptible();
    const progress = await this.progress(`restarting ${ids.join(', ')}`);
    const started = await withClusterLock(cluster.dir, timeoutMs, () =>
      restartNodes(cluster, ids, { timeoutMs, signal, progress: (text) => progress.update(text) }),
    );
    progress.clear();
    for (const { id, pid, url } of started) this.note(`${id} restarted (pid ${pid}, ${url})`);
    return oneOrMany(started);
  }
}
