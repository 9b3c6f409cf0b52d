import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { checkSetting, resolveSetting } from '../../src/cli/settings.js';
import { MusterError } from '../../src/errors.js';

export default class ConfigGet extends BaseCommand<typeof ConfigGet> {
  static override summary = 'Prints a setting as it holds here; exit code 1 when it has no value.';
  static override examples = ['<%= config.bin %> config get cluster'];
  static override complete = { key: 'setting' } as const;
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'cluster, timeout or color.' }),
  };

  async run(): Promise<{ key: string; value: string; from: string }> {
    const key = checkSetting(this.args.key);
    const found = resolveSetting(key, undefined, this.caution);
    if (!found) throw new MusterError('not-found', `${key} is not set`, { details: { key } });
    this.out(`${found.value}\n`);
    return { key, ...found };
  }
}
