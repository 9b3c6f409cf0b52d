import { BaseCommand } from '../../src/cli/base-command.js';

interface Row {
  readonly cluster: string;
  readonly current: boolean;
  readonly state: string;
}

export default class ContextList extends BaseCommand<typeof ContextList> {
  static override summary = 'List clusters and mark the current one';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> context list'];

  async run(): Promise<Row[]> {
    const { listClusters } = await import('../../src/cluster/folder/registry.js');
    const { value } = this.clusterName();
    const rows = listClusters().map(
      ({ name, state }): Row => ({ cluster: name, current: name === value, state }),
    );
    if (rows.length === 0) this.note('no clusters found: create one with `muster cluster start -n 5`');
    else {
      await this.table(rows, [
        { title: 'CURRENT', of: (row) => (row.current ? '*' : '') },
        {
          title: 'CLUSTER',
          of: (row) => row.cluster,
          paint: (row, paint) => (row.current ? paint.bold : (text) => text),
        },
        { title: 'STATE', of: (row) => row.state },
      ]);
    }
    return rows;
  }
}
