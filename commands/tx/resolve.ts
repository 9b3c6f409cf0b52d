import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { MusterError } from '../../src/errors.js';

export default class TxResolve extends BaseCommand<typeof TxResolve> {
  static override summary =
    'Ends a transaction that is not decided; never overrides a decision (exit code 6).';
  static override examples = ['<%= config.bin %> tx resolve 12:1.7:3 --abort'];
  static override complete = { id: 'tx' } as const;
  static override args = {
    id: Args.string({ required: true, ignoreStdin: true, description: 'Its id, as `tx list` tells it.' }),
  };
  static override flags = {
    abort: Flags.boolean({ required: true, description: 'Abort it: nothing of it is written.' }),
  };

  async run(): Promise<{ id: string; outcome: 'aborting' }> {
    const { id } = this.args;
    const client = await this.client();
    const state = await client.tx.abort(id, { timeoutMs: this.timeoutMs() });
    const details = { tx: id };
    if (state === 'committed')
      throw new MusterError('tx-committed', `transaction ${id} is committed`, { details });
    if (state === 'unknown')
      throw new MusterError('unknown-tx', `no such transaction is open: ${id}`, { details });
    this.note(`${id} is being aborted`);
    return { id, outcome: state };
  }
}
