import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { MusterError } from '../../src/errors.js';

export default class ClusterDestroy extends BaseCommand<typeof ClusterDestroy> {
  static override summary = 'Stop a cluster and delete all its data';
  static override examples = ['<%= config.bin %> cluster destroy shop --yes'];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };

  async run(): Promise<{ cluster: string; destroyed: boolean }> {
    const { value: name } = this.clusterName(this.args.name);
    const [
      { listClusters, findCluster },
      { clusterDir },
      { endLeftovers, removeCluster, stopCluster },
      { withClusterLock },
    ] = await Promise.all([
      import('../../src/cluster/folder/registry.js'),
      import('../../src/layout/paths.js'),
      import('../../src/cluster/lifecycle/stop.js'),
      import('../../src/cluster/folder/lock.js'),
    ]);
    const dir = clusterDir(name);
    // The files of a damaged cluster are not needed: its folder name identifies it.
    const damaged = listClusters().some((row) => row.name === name && row.state === 'damaged');
    if (!damaged) findCluster(name);
    if (!(await this.confirm(`Delete cluster ${name} and all its data (${dir})?`)))
      return { cluster: name, destroyed: false };
    const progress = await this.progress(`destroying cluster ${name}`);
    const signal = this.interruptible();
    await withClusterLock(dir, this.timeoutMs(), async () => {
      if (damaged) await endLeftovers(dir, this.timeoutMs());
      else await stopCluster(findCluster(name), this.timeoutMs());
      if (signal.aborted) {
        throw new MusterError(
          'interrupted',
          `interrupted: cluster ${name} was stopped, but its data was not deleted`,
          {
            tookEffect: 'no',
          },
        );
      }
      removeCluster(dir);
    });
    progress.clear();
    this.note(`cluster ${name} destroyed`);
    return { cluster: name, destroyed: true };
  }
}
