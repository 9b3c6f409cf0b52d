import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/text/format.js';

export default class ClusterStop extends BaseCommand<typeof ClusterStop> {
  static override summary = 'Stop all nodes of a cluster, keeping its data';
  static override description =
    'Nodes shut down gracefully. Stragglers are killed after --timeout (10s by default).';
  static override examples = [
    '<%= config.bin %> cluster stop',
    '<%= config.bin %> cluster stop shop --timeout 2s',
  ];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };

  async run(): Promise<unknown> {
    const cluster = await this.findCluster(this.args.name);
    const [{ stopCluster }, { withClusterLock }] = await Promise.all([
      import('../../src/cluster/lifecycle/stop.js'),
      import('../../src/cluster/folder/lock.js'),
    ]);
    this.interruptible();
    const progress = await this.progress(`stopping cluster ${cluster.file.name}`);
    const stopped = await withClusterLock(cluster.dir, this.timeoutMs(), () =>
      stopCluster(cluster, this.timeoutMs()),
    );
    progress.clear();
    const killed = stopped.filter((node) => node.killed).map((node) => node.id);
    if (killed.length > 0) this.caution(`did not stop in time and were killed: ${killed.join(', ')}`);
    const { name } = cluster.file;
    this.note(
      stopped.length === 0
        ? `cluster ${name} was not running`
        : `cluster ${name} stopped: ${plural(stopped.length, 'node')}`,
    );
    return { cluster: name, stopped };
  }
}
