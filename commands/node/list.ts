import type { NodeRow } from '../../src/cluster/status.js';
import { BaseCommand } from '../../src/presentation/base-command.js';
import { statusOf } from '../../src/presentation/cluster-actions.js';
import { nodeColumns } from '../../src/presentation/cluster-view.js';

export default class NodeList extends BaseCommand<typeof NodeList> {
  static override summary = 'Lists the nodes of the cluster, the dead ones too.';
  static override examples = ['<%= config.bin %> node list', '<%= config.bin %> node list --json'];

  async run(): Promise<readonly NodeRow[]> {
    const { nodes } = await statusOf(await this.findCluster(), this.timeoutMs(2000));
    await this.table(nodes, nodeColumns);
    return nodes;
  }
}
