import { BaseCommand } from '../../src/cli/base-command.js';

export default class ContextShow extends BaseCommand<typeof ContextShow> {
  static override summary = 'Prints which cluster commands are for, and who says so.';
  static override examples = ['<%= config.bin %> context show'];

  async run(): Promise<{ cluster: string; from: string; exists: boolean }> {
    const { clusterExists } = await import('../../src/cluster/folder/registry.js');
    const { value: cluster, from } = this.clusterName();
    const exists = clusterExists(cluster);
    this.out(`${cluster}\n`);
    this.note(`by ${from}${exists ? '' : '; there is no such cluster yet'}`);
    return { cluster, from, exists };
  }
}
