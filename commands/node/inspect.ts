import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatBytes } from '../../src/render/bytes.js';
import { formatDuration } from '../../src/text/duration.js';

export default class NodeInspect extends BaseCommand<typeof NodeInspect> {
  static override summary = 'Show what a node reports about itself and its partitions';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> node inspect n1',
    '<%= config.bin %> node inspect n1 --json',
  ];
  static override complete = { id: 'node' } as const;
  static override args = { id: Args.string({ required: true, ignoreStdin: true, description: 'node ID' }) };

  async run(): Promise<unknown> {
    const cluster = await this.findCluster();
    const { liveProcess } = await import('../../src/cluster/processes/nodes.js');
    liveProcess(cluster, this.args.id);
    const client = await this.client();
    const status = await client.status(this.args.id, { timeoutMs: this.timeoutMs(2000) });
    const { paint } = this;
    this.out(
      [
        `${paint.bold(status.id)} in cluster ${status.cluster}, muster ${status.version}, pid ${status.pid}, ${status.url}`,
        `incarnation ${status.incarnation}, up ${formatDuration(status.uptimeMs)}, ${formatBytes(status.rssBytes)} resident, cluster map revision ${status.revision}`,
        `store ${status.store}: log ${formatBytes(status.storage.logBytes)} in ${status.storage.segments} segments, ${status.storage.syncs} syncs`,
        '',
      ].join('\n'),
    );
    await this.table(status.partitions, [
      { title: 'PARTITION', of: (row) => row.partition, align: 'right' },
      {
        title: 'ROLE',
        of: (row) => row.role,
        paint: (row) => (row.role === 'primary' ? paint.cyan : paint.dim),
      },
      { title: 'EPOCH', of: (row) => row.epoch, align: 'right' },
      {
        title: 'SERVING',
        of: (row) =>
          row.role !== 'primary' ? null : row.writable ? 'yes' : row.serving ? 'reads only' : 'no',
      },
      { title: 'COMMIT', of: (row) => row.commit, align: 'right' },
      { title: 'TAIL', of: (row) => row.tail, align: 'right' },
      { title: 'KEYS', of: (row) => row.keys, align: 'right' },
    ]);
    return status;
  }
}
