import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { checkSetting, settingsFile, writeSetting } from '../../src/cli/settings.js';
import { invalid } from '../../src/errors.js';

export default class ConfigSet extends BaseCommand<typeof ConfigSet> {
  static override summary = 'Set a setting in your config, or unset it';
  static override description = 'Without a value, the setting is unset.';
  static override examples = [
    '<%= config.bin %> config set timeout 30s',
    '<%= config.bin %> config set timeout',
  ];
  static override complete = { key: 'setting' } as const;
  static override args = {
    key: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'setting: cluster, timeout or color',
    }),
    value: Args.string({ ignoreStdin: true, description: 'new value; omit it to unset the setting' }),
  };

  async run(): Promise<{ key: string; value: string | null; file: string }> {
    const value = this.args.value ?? null;
    if (value === '')
      throw invalid('value', value, 'at least one character; omit the value to unset the setting');
    const key = checkSetting(this.args.key, value ?? undefined);
    await writeSetting(key, value);
    this.note(value === null ? `${key} unset` : `${key} = ${value} (${settingsFile()})`);
    return { key, value, file: settingsFile() };
  }
}
