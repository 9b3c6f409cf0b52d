import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { MusterError } from '../../src/errors.js';

export default class TxResolve extends BaseCommand<typeof TxResolve> {
  static override summary = 'Abort a transaction that has no decision yet';
  static override description =
    'Never overrides a decision: it exits with code 6 if the transaction is committed.';
  static override examples = ['<%= config.bin %> tx resolve 12:1.7:3 --abort'];
  static override complete = { id: 'tx' } as const;
  static override args = {
    id: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'transaction ID from `muster tx list`',
    }),
  };
  static override flags = {
    abort: Flags.boolean({ required: true, description: 'abort the transaction without writing anything' }),
  };

  async run(): Promise<{ id: string; outcome: 'aborting' }> {
    const { id } = this.args;
    const client = await this.client();
    const state = await client.tx.abort(id, { timeoutMs: this.timeoutMs() });
    const details = { tx: id };
    if (state === 'committed')
      throw new MusterError('tx-committed', `transaction ${id} is committed`, { details });
    if (state === 'unknown')
      throw new MusterError('unknown-tx', `transaction ${id} is not open`, { details });
    this.note(`aborting ${id}`);
    return { id, outcome: state };
  }
}
