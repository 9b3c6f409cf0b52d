import { BaseCommand } from '../../src/cli/base-command.js';
import type { ListedCluster } from '../../src/cluster/folder/registry.js';

export default class ClusterList extends BaseCommand<typeof ClusterList> {
  static override summary = 'List the clusters on this machine';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> cluster list', '<%= config.bin %> cluster list --json'];

  async run(): Promise<ListedCluster[]> {
    const { listClusters } = await import('../../src/cluster/folder/registry.js');
    const rows = listClusters();
    if (rows.length === 0) this.note('no clusters found: create one with `muster cluster start -n 5`');
    else {
      await this.table(rows, [
        { title: 'CLUSTER', of: (row) => row.name },
        {
          title: 'STATE',
          of: (row) => row.state,
          paint: (row, paint) =>
            row.state === 'running' ? paint.green : row.state === 'stopped' ? paint.dim : paint.yellow,
        },
        { title: 'NODES UP', of: (row) => `${row.up}/${row.nodes}`, align: 'right' },
        { title: 'FOLDER', of: (row) => row.dir },
      ]);
    }
    return rows;
  }
}
