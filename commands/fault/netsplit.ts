import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { FaultCommand } from '../../src/cli/fault-command.js';

export default class FaultNetsplit extends FaultCommand<typeof FaultNetsplit> {
  static override summary = 'Cut the network between groups of nodes';
  static override description =
    'Clients, and nodes in no group, still reach every node. The netsplit lasts until it is healed, even if nodes restart.';
  static override examples = [
    '<%= config.bin %> fault netsplit n1,n2/n3,n4,n5',
    '<%= config.bin %> fault netsplit n1/n2,n3 --one-way',
  ];
  static override complete = { groups: 'groups' } as const;
  static override args = {
    groups: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'two or more groups of nodes, such as n1,n2/n3',
    }),
  };
  static override flags = {
    'one-way': Flags.boolean({
      description: 'drop only what the first group sends; it still receives',
    }),
  };

  run(): Promise<unknown> {
    return this.inject(['netsplit', this.args.groups, ...(this.flags['one-way'] ? ['--one-way'] : [])]);
  }
}
