import { BaseCommand } from '../../src/cli/base-command.js';
import { oneOrMany, selectNodes } from '../../src/cli/cluster-actions.js';
import { nodeArgs, roleFlags } from '../../src/cli/node-flags.js';

export default class NodeStop extends BaseCommand<typeof NodeStop> {
  static override summary = 'Stop nodes gracefully';
  static override description =
    'Other nodes take over their partitions. Stragglers are killed after --timeout (10s by default).';
  static override examples = [
    '<%= config.bin %> node stop n2',
    '<%= config.bin %> node stop --role primary --of hits',
  ];
  static override complete = { id: 'node', of: 'name' } as const;
  static override strict = false;
  static override asks = { id: ['role'] };
  static override args = nodeArgs;
  static override flags = roleFlags;

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { role, of } = this.flags;
    const timeoutMs = this.timeoutMs();
    const ids = await selectNodes(
      cluster,
      { ids: this.argvRest, role, of, only: ['running', 'stopped'] },
      timeoutMs,
    );
    const [{ endProcesses }, { withClusterLock }, { freshRoster }] = await Promise.all([
      import('../../src/cluster/lifecycle/stop.js'),
      import('../../src/cluster/folder/lock.js'),
      import('../../src/cluster/folder/registry.js'),
    ]);
    const stopped = await withClusterLock(cluster.dir, timeoutMs, () =>
      endProcesses(
        cluster.dir,
        freshRoster(cluster).filter((row) => ids.includes(row.id)),
        timeoutMs,
      ),
    );
    for (const { id, pid, killed } of stopped)
      this.note(`${id} ${killed ? 'killed because it did not stop in time' : 'stopped'} (pid ${pid})`);
    if (ids.length === 0) this.note('no node is up or paused: nothing to do');
    return oneOrMany(stopped);
  }
}
