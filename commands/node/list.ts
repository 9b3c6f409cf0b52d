import { BaseCommand } from '../../src/cli/base-command.js';
import { statusOf } from '../../src/cli/cluster-actions.js';
import type { NodeRow } from '../../src/cluster/observe/status.js';
import { nodeColumns } from '../../src/render/cluster-view.js';

export default class NodeList extends BaseCommand<typeof NodeList> {
  static override summary = 'List the nodes of the cluster, including those that are down';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> node list', '<%= config.bin %> node list --json'];

  async run(): Promise<readonly NodeRow[]> {
    const { nodes } = await statusOf(await this.findCluster(), this.timeoutMs(2000));
    await this.table(nodes, nodeColumns);
    return nodes;
  }
}
