import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { checkSetting, resolveSetting } from '../../src/cli/settings.js';
import { MusterError } from '../../src/errors.js';

export default class ConfigGet extends BaseCommand<typeof ConfigGet> {
  static override summary = 'Print the effective value of a setting';
  static override description = 'Exits with code 1 if it has no value.';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> config get cluster'];
  static override complete = { key: 'setting' } as const;
  static override args = {
    key: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'setting: cluster, timeout or color',
    }),
  };

  async run(): Promise<{ key: string; value: string; from: string }> {
    const key = checkSetting(this.args.key);
    const found = resolveSetting(key, undefined, this.caution);
    if (!found) throw new MusterError('not-found', `${key} is not set`, { details: { key } });
    this.out(`${found.value}\n`);
    return { key, ...found };
  }
}
