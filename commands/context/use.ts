import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { sourceText, writeSetting } from '../../src/cli/settings.js';

export default class ContextUse extends BaseCommand<typeof ContextUse> {
  static override summary = 'Select the cluster that later commands use';
  static override examples = ['<%= config.bin %> context use shop'];
  static override complete = { name: 'cluster' } as const;
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'cluster name' }),
  };

  async run(): Promise<{ cluster: string }> {
    const { file } = await this.findCluster(this.args.name);
    await writeSetting('cluster', file.name);
    this.note(`current cluster set to ${file.name}`);
    const now = this.clusterName();
    if (now.value !== file.name)
      this.caution(`cluster ${now.value} takes precedence (${sourceText[now.from]})`);
    return { cluster: file.name };
  }
}
