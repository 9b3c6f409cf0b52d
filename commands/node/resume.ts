import { BaseCommand } from '../../src/cli/base-command.js';
import { oneOrMany, selectNodes } from '../../src/cli/cluster-actions.js';
import { nodeArgs, roleFlags } from '../../src/cli/node-flags.js';

export default class NodeResume extends BaseCommand<typeof NodeResume> {
  static override summary = 'Resume paused nodes with SIGCONT';
  static override examples = [
    '<%= config.bin %> node resume n2',
    '<%= config.bin %> node resume --role primary --of hits',
  ];
  static override complete = { id: 'node', of: 'name' } as const;
  static override strict = false;
  static override asks = { id: [] };
  static override args = nodeArgs;
  static override flags = roleFlags;

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { role, of } = this.flags;
    const ids = await selectNodes(
      cluster,
      { ids: this.argvRest, role, of, only: ['stopped'] },
      this.timeoutMs(),
    );
    const { resumeNode } = await import('../../src/cluster/processes/nodes.js');
    const done = ids.map((id) => ({ id, pid: resumeNode(cluster, id) }));
    for (const { id, pid } of done) this.note(`${id} resumed (pid ${pid})`);
    if (ids.length === 0) this.note('no node is paused: nothing to do');
    return oneOrMany(done);
  }
}
