import { BaseCommand } from '../../src/cli/base-command.js';
import { sourceText } from '../../src/cli/settings.js';

export default class ContextShow extends BaseCommand<typeof ContextShow> {
  static override summary = 'Print the current cluster and where it is set';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> context show'];

  async run(): Promise<{ cluster: string; from: string; exists: boolean }> {
    const { clusterExists } = await import('../../src/cluster/folder/registry.js');
    const { value: cluster, from } = this.clusterName();
    const exists = clusterExists(cluster);
    this.out(`${cluster}\n`);
    this.note(`${sourceText[from]}${exists ? '' : '; this cluster does not exist yet'}`);
    return { cluster, from, exists };
  }
}
