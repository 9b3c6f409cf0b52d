import { BaseCommand } from '../../src/cli/base-command.js';
import { resolveSetting, type SettingKey, settingKeys } from '../../src/cli/settings.js';

interface Row {
  readonly key: string;
  readonly value: string | null;
  readonly from: string | null;
  readonly about: string;
}

export default class ConfigList extends BaseCommand<typeof ConfigList> {
  static override summary = 'List all settings with their effective values and sources';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> config list --json'];

  async run(): Promise<Row[]> {
    const rows = (Object.keys(settingKeys) as SettingKey[]).map((key): Row => {
      const found = resolveSetting(key, undefined, this.caution);
      return { key, value: found?.value ?? null, from: found?.from ?? null, about: settingKeys[key].about };
    });
    await this.table(rows, [
      { title: 'SETTING', of: (row) => row.key },
      { title: 'VALUE', of: (row) => row.value },
      { title: 'SOURCE', of: (row) => row.from },
      { title: 'DESCRIPTION', of: (row) => row.about },
    ]);
    return rows;
  }
}
