import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { checkSetting, settingsFile, writeSetting } from '../../src/cli/settings.js';
import { MusterError } from '../../src/errors.js';

export default class ConfigSet extends BaseCommand<typeof ConfigSet> {
  static override summary = 'Keeps a setting for this user; without a value, forgets it.';
  static override examples = [
    '<%= config.bin %> config set timeout 30s',
    '<%= config.bin %> config set timeout',
  ];
  static override complete = { key: 'setting' } as const;
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'cluster, timeout or color.' }),
    value: Args.string({ ignoreStdin: true, description: 'The value; left out: the setting is forgotten.' }),
  };

  async run(): Promise<{ key: string; value: string | null; file: string }> {
    const value = this.args.value ?? null;
    if (value === '')
      throw new MusterError('usage', 'the value is empty; leave it out to forget the setting');
    const key = checkSetting(this.args.key, value ?? undefined);
    await writeSetting(key, value);
    this.note(value === null ? `${key} is forgotten` : `${key} = ${value} (${settingsFile()})`);
    return { key, value, file: settingsFile() };
  }
}
