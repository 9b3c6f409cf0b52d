import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { oneOrMany, selectNodes } from '../../src/cli/cluster-actions.js';
import { nodeArgs, roleFlags } from '../../src/cli/node-flags.js';

export default class NodeKill extends BaseCommand<typeof NodeKill> {
  static override summary = 'Kill nodes with SIGKILL, as in a power loss';
  static override examples = [
    '<%= config.bin %> node kill n2',
    '<%= config.bin %> node kill --role primary --of hits',
    '<%= config.bin %> node kill n2 --if-safe',
  ];
  static override complete = { id: 'node', of: 'name' } as const;
  static override strict = false;
  static override asks = { id: ['role'] };
  static override args = nodeArgs;
  static override flags = {
    ...roleFlags,
    'if-safe': Flags.boolean({
      description: 'refuse (exit code 1) if an acknowledged write would be left on too few disks',
    }),
  };

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { role, of } = this.flags;
    const ids = await selectNodes(
      cluster,
      { ids: this.argvRest, role, of, ifSafe: this.flags['if-safe'], only: ['running', 'stopped'] },
      this.timeoutMs(),
    );
    const { killNode } = await import('../../src/cluster/processes/nodes.js');
    const done = await Promise.all(ids.map(async (id) => ({ id, pid: await killNode(cluster, id) })));
    for (const { id, pid } of done) this.note(`${id} killed (pid ${pid})`);
    if (ids.length === 0) this.note('no node is up or paused: nothing to do');
    return oneOrMany(done);
  }
}
