import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag } from '../../src/cli/flags.js';
import { MusterError } from '../../src/errors.js';

export default class KvDelete extends BaseCommand<typeof KvDelete> {
  static override summary = 'Delete a key';
  static override description = 'Exits with code 1 if the key does not exist.';
  static override examples = ['<%= config.bin %> kv delete greeting'];
  static override complete = { key: 'key' } as const;
  static override args = { key: Args.string({ required: true, ignoreStdin: true, description: 'key' }) };
  static override flags = {
    'if-version': countFlag({ description: 'delete only if the key still has this version' }),
  };

  async run(): Promise<{ key: string; deleted: true }> {
    const { key } = this.args;
    const client = await this.client();
    const ifVersion = this.flags['if-version'];
    const deleted = await client.kv.delete(key, {
      timeoutMs: this.timeoutMs(),
      ...(ifVersion === undefined ? {} : { ifVersion }),
    });
    if (!deleted) throw new MusterError('not-found', `key "${key}" not found`, { details: { key } });
    this.note(`${key} deleted`);
    return { key, deleted };
  }
}
