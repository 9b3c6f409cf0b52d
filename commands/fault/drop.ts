import * as Args from '@oclif/core/args';
import { FaultCommand } from '../../src/cli/fault-command.js';
import { linkArg } from '../../src/cli/node-flags.js';

export default class FaultDrop extends FaultCommand<typeof FaultDrop> {
  static override summary = 'Drop a share of the messages between nodes in both directions';
  static override examples = [
    '<%= config.bin %> fault drop n1-n2 5%',
    '<%= config.bin %> fault drop n1 0.5%',
  ];
  static override complete = { link: 'link' } as const;
  static override args = {
    link: linkArg,
    share: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'share of messages to drop, such as 5%',
    }),
  };

  run(): Promise<unknown> {
    return this.inject(['drop', this.args.link, this.args.share]);
  }
}
