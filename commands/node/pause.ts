import { BaseCommand } from '../../src/cli/base-command.js';
import { oneOrMany, selectNodes } from '../../src/cli/cluster-actions.js';
import { nodeArgs, roleFlags } from '../../src/cli/node-flags.js';

export default class NodePause extends BaseCommand<typeof NodePause> {
  static override summary = 'Pause nodes with SIGSTOP, as in a long stall of their machine';
  static override examples = [
    '<%= config.bin %> node pause n2',
    '<%= config.bin %> node pause --role primary --of hits',
  ];
  static override complete = { id: 'node', of: 'name' } as const;
  static override strict = false;
  static override asks = { id: ['role'] };
  static override args = nodeArgs;
  static override flags = roleFlags;

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { role, of } = this.flags;
    const ids = await selectNodes(
      cluster,
      { ids: this.argvRest, role, of, only: ['running'] },
      this.timeoutMs(),
    );
    const { pauseNode } = await import('../../src/cluster/processes/nodes.js');
    const done = ids.map((id) => ({ id, pid: pauseNode(cluster, id) }));
    for (const { id, pid } of done) this.note(`${id} paused (pid ${pid})`);
    if (ids.length === 0) this.note('no node is up: nothing to do');
    return oneOrMany(done);
  }
}
