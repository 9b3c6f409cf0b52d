import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import type { KvEntry } from '../../src/client/api.js';
import { MusterError } from '../../src/errors.js';

export default class KvGet extends BaseCommand<typeof KvGet> {
  static override summary = 'Print the value of a key';
  static override description = 'Exits with code 1 if the key does not exist.';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> kv get greeting',
    '<%= config.bin %> kv get greeting --json',
  ];
  static override complete = { key: 'key' } as const;
  static override args = { key: Args.string({ required: true, ignoreStdin: true, description: 'key' }) };

  async run(): Promise<KvEntry> {
    const { key } = this.args;
    const client = await this.client();
    const entry = await client.kv.get(key, { timeoutMs: this.timeoutMs() });
    if (!entry) throw new MusterError('not-found', `key "${key}" not found`, { details: { key } });
    this.out(`${entry.value}\n`);
    return entry;
  }
}
