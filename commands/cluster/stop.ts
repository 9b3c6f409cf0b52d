import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/text/format.js';

export default class ClusterStop extends BaseCommand<typeof ClusterStop> {
  static override summary = 'Stops every node of a cluster; its data stays.';
  static override description = 'Nodes end by themselves; whoever has not within --timeout (10s) is killed.';
  static override examples = [
    '<%= config.bin %> cluster stop',
    '<%= config.bin %> cluster stop shop --timeout 2s',
  ];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'Name of the cluster.', ignoreStdin: true }) };

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
    if (killed.length > 0) this.caution(`had to be killed: ${killed.join(', ')}`);
    const { name } = cluster.file;
    this.note(
      stopped.length === 0
        ? `Cluster ${name} was not running.`
        : `Cluster ${name}: ${plural(stopped.length, 'node')} stopped.`,
    );
    return { cluster: name, stopped };
  }
}
