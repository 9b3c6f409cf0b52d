import { BaseCommand } from '../../src/cli/base-command.js';
import type { FaultRow } from '../../src/faults/plan.js';

export default class FaultList extends BaseCommand<typeof FaultList> {
  static override summary = 'List active faults';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> fault list', '<%= config.bin %> fault list --json'];

  async run(): Promise<FaultRow[]> {
    const cluster = await this.findCluster();
    const [{ readFaults }, { faultRows }] = await Promise.all([
      import('../../src/faults/store.js'),
      import('../../src/faults/plan.js'),
    ]);
    const rows = faultRows(readFaults(cluster.dir));
    if (rows.length === 0) this.note('no active faults');
    else {
      await this.table(rows, [
        { title: 'ID', of: (row) => row.id },
        { title: 'FAULT', of: (row) => row.text },
      ]);
    }
    return rows;
  }
}
