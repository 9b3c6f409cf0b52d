import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { FaultCommand } from '../../src/cli/fault-command.js';

export default class FaultNetsplit extends FaultCommand<typeof FaultNetsplit> {
  static override summary = 'Cuts the network between groups of nodes.';
  static override description =
    'Nodes that are not named hear everybody, and so do clients. It stays, also when nodes are restarted, until it is healed.';
  static override examples = [
    '<%= config.bin %> fault netsplit n1,n2/n3,n4,n5',
    '<%= config.bin %> fault netsplit n1/n2,n3 --one-way',
  ];
  static override complete = { groups: 'groups' } as const;
  static override args = {
    groups: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'Two or more groups, like n1,n2/n3.',
    }),
  };
  static override flags = {
    'one-way': Flags.boolean({
      description: 'Only what the first group sends to the others is lost; it hears them.',
    }),
  };

  run(): Promise<unknown> {
    return this.inject(['netsplit', this.args.groups, ...(this.flags['one-way'] ? ['--one-way'] : [])]);
  }
}
