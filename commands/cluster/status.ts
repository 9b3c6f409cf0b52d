import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import type { ClusterStatus as Status } from '../../src/cluster/observe/status.js';
import {
  clusterLine,
  faultLines,
  mapLines,
  nodeColumns,
  partitionLines,
} from '../../src/render/cluster-view.js';

export default class ClusterStatus extends BaseCommand<typeof ClusterStatus> {
  static override summary = 'Show the nodes of a cluster, their state, and the health of its partitions';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> cluster status',
    '<%= config.bin %> cluster status shop --json',
  ];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };

  async run(): Promise<Status> {
    const cluster = await this.findCluster(this.args.name);
    const [{ clusterStatus }, { openClient }] = await Promise.all([
      import('../../src/cluster/observe/status.js'),
      import('../../src/client/open.js'),
    ]);
    const timeoutMs = this.timeoutMs(2000);
    const client = await openClient({ clusterDir: cluster.dir, timeoutMs, evenRolledBack: true });
    try {
      const status = await clusterStatus(cluster, client, timeoutMs);
      this.out(clusterLine(status, this.paint));
      await this.table(status.nodes, nodeColumns);
      this.out(partitionLines(status, this.paint));
      this.out(mapLines(status, this.paint));
      this.out(faultLines(status, this.paint));
      return status;
    } finally {
      await client.close();
    }
  }
}
