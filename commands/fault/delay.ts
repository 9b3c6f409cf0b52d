import * as Args from '@oclif/core/args';
import { FaultCommand } from '../../src/cli/fault-command.js';
import { linkArg } from '../../src/cli/node-flags.js';

export default class FaultDelay extends FaultCommand<typeof FaultDelay> {
  static override summary = 'Delay messages between nodes in both directions';
  static override description = 'Messages stay in order. Delays on the same link add up.';
  static override examples = [
    '<%= config.bin %> fault delay n1 50ms±20ms',
    '<%= config.bin %> fault delay n1-n2 1s',
  ];
  static override complete = { link: 'link' } as const;
  static override args = {
    link: linkArg,
    time: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'delay, such as 50ms or 50ms±20ms (or 50ms+-20ms)',
    }),
  };

  run(): Promise<unknown> {
    return this.inject(['delay', this.args.link, this.args.time]);
  }
}
