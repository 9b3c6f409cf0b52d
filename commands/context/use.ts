import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { writeSetting } from '../../src/cli/settings.js';

export default class ContextUse extends BaseCommand<typeof ContextUse> {
  static override summary = 'From now on commands are for this cluster.';
  static override examples = ['<%= config.bin %> context use shop'];
  static override complete = { name: 'cluster' } as const;
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'Name of the cluster.' }),
  };

  async run(): Promise<{ cluster: string }> {
    const { file } = await this.findCluster(this.args.name);
    await writeSetting('cluster', file.name);
    this.note(`Commands are now for cluster ${file.name}.`);
    const now = this.clusterName();
    if (now.value !== file.name) this.caution(`the ${now.from} says ${now.value}, and goes before`);
    return { cluster: file.name };
  }
}
