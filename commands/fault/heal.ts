import * as Args from '@oclif/core/args';
import { type Changed, FaultCommand } from '../../src/cli/fault-command.js';
import { type FaultRow, faultRows, withoutFaults } from '../../src/faults/plan.js';

export default class FaultHeal extends FaultCommand<typeof FaultHeal> {
  static override summary = 'Heal some or all faults';
  static override description = 'Without IDs it heals all faults and also repairs a damaged fault plan.';
  static override examples = ['<%= config.bin %> fault heal', '<%= config.bin %> fault heal f1 f3'];
  static override complete = { id: 'fault' } as const;
  static override strict = false;
  static override args = {
    id: Args.string({
      ignoreStdin: true,
      description: 'fault IDs from `muster fault list`, such as f1 f3 (default: all)',
    }),
  };

  async run(): Promise<Changed<{ healed: FaultRow[] }>> {
    const cluster = await this.findCluster();
    const { changeFaults } = await import('../../src/cluster/lifecycle/faults.js');
    const ids = this.argvRest.length === 0 ? 'all' : this.argvRest;
    const progress = await this.progress('waiting for every node to heal');
    let before: FaultRow[] = [];
    const { plan, repaired, applied } = await changeFaults(
      cluster,
      (found) => {
        before = faultRows(found);
        return withoutFaults(found, ids);
      },
      { timeoutMs: this.timeoutMs(), signal: this.interruptible(), repair: ids === 'all' },
    );
    progress.clear();
    const healed = before.filter(({ id }) => !plan.faults.some((fault) => fault.id === id));
    const names = healed.map(({ id, text }) => `${id} (${text})`).join(', ');
    const what = repaired
      ? 'replaced the damaged fault plan with an empty one'
      : names === ''
        ? 'no faults to heal'
        : `healed ${names}`;
    this.tell(what, applied);
    return { healed, ...applied };
  }
}
