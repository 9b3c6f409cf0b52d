import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag } from '../../src/cli/flags.js';
import { parseFence } from '../../src/cli/parse.js';
import type { KvEntry } from '../../src/client/api.js';

export default class KvPut extends BaseCommand<typeof KvPut> {
  static override summary = 'Stores a value under a key; "-" reads the value from standard input.';
  static override examples = [
    '<%= config.bin %> kv put greeting hello',
    'cat page.html | <%= config.bin %> kv put page -',
    '<%= config.bin %> kv put greeting hi --if-version 7',
    '<%= config.bin %> kv put greeting hi --fence "$MUSTER_LOCK_NAME:$MUSTER_LOCK_TOKEN"',
  ];
  static override complete = { key: 'key', fence: 'fence' } as const;
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'The key.' }),
    value: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'The value, or "-" for standard input.',
    }),
  };
  static override flags = {
    'if-version': countFlag({
      description: 'Only if the key still has this version (0: only if there is no such key).',
    }),
    fence: Flags.string({
      helpValue: 'LOCK:TOKEN',
      description: 'Only if no newer token of that lock was used with this key.',
    }),
  };

  async run(): Promise<KvEntry> {
    const { key } = this.args;
    let { value } = this.args;
    const fence = this.flags.fence === undefined ? {} : { fence: parseFence(this.flags.fence) };
    if (value === '-') value = await (await import('../../src/cli/stdin.js')).readAll(this.io.stdin);
    const client = await this.client();
    const ifVersion = this.flags['if-version'];
    const entry = await client.kv.put(key, value, {
      timeoutMs: this.timeoutMs(),
      ...(ifVersion === undefined ? {} : { ifVersion }),
      ...fence,
    });
    this.note(`${key} stored, version ${entry.version}`);
    return entry;
  }
}
