import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { type Part, partColumns, withNodes } from '../../src/cli/tx-view.js';

export default class TxList extends BaseCommand<typeof TxList> {
  static override summary = 'List open transactions, one row for each partition';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> tx list', '<%= config.bin %> tx list --in-doubt --json'];
  static override flags = {
    'in-doubt': Flags.boolean({
      description: 'only parts that are prepared and have not learned the decision',
    }),
  };

  async run(): Promise<Part[]> {
    const client = await this.client();
    const all = await client.tx.list({ timeoutMs: this.timeoutMs() });
    const wanted = this.flags['in-doubt'] ? all.filter(({ state }) => state === 'in-doubt') : all;
    const parts = withNodes(await client.map(), wanted);
    if (parts.length === 0)
      this.note(this.flags['in-doubt'] ? 'no transactions in doubt' : 'no open transactions');
    else await this.table(parts, partColumns(60));
    return parts;
  }
}
