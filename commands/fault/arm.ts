import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { FaultCommand } from '../../src/cli/fault-command.js';
import { armActions, failpoints } from '../../src/faults/plan.js';

export default class FaultArm extends FaultCommand<typeof FaultArm> {
  static override summary = 'Arm a one-time fault at a step of two-phase commit';
  static override description =
    'The fault fires at the next transaction over several partitions that reaches the step on that node. `muster fault heal` disarms it.';
  static override examples = [
    '<%= config.bin %> fault arm 2pc.after-prepare --node n2 --action crash',
    '<%= config.bin %> fault arm 2pc.before-decide --node n1 --action pause',
  ];
  static override complete = { failpoint: 'failpoint', node: 'node' } as const;
  static override args = {
    failpoint: Args.string({
      required: true,
      ignoreStdin: true,
      description: `one of ${Object.keys(failpoints).join(', ')}`,
    }),
  };
  static override flags = {
    node: Flags.string({ required: true, helpValue: 'ID', description: 'node to arm' }),
    action: Flags.option({
      options: armActions,
      required: true,
      description: 'what happens there: SIGKILL, SIGSTOP, or the loss of what the step sends',
    })(),
  };

  run(): Promise<unknown> {
    const { node, action } = this.flags;
    return this.inject(['arm', this.args.failpoint, '--node', node, '--action', action]);
  }
}
