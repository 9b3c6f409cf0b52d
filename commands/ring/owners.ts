import { BaseCommand } from '../../src/cli/base-command.js';
import { mapOf } from '../../src/cli/cluster-actions.js';
import { type Owner, ownership } from '../../src/render/ownership.js';
import { percent } from '../../src/text/format.js';

export default class RingOwners extends BaseCommand<typeof RingOwners> {
  static override summary = 'Show the share of the key space that each node owns, and its ideal share';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> ring owners', '<%= config.bin %> ring owners --json'];

  async run(): Promise<Owner[]> {
    const rows = ownership(await mapOf(await this.findCluster(), this.timeoutMs()));
    await this.table(rows, [
      { title: 'NODE', of: (row) => row.node },
      { title: 'PRIMARIES', of: (row) => row.partitions, align: 'right' },
      { title: 'SHARE', of: (row) => percent(row.share), align: 'right' },
      { title: 'IDEAL', of: (row) => percent(row.ideal), align: 'right' },
      { title: 'REPLICAS', of: (row) => row.copies, align: 'right' },
    ]);
    return rows;
  }
}
