import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag } from '../../src/cli/flags.js';
import { parseFence } from '../../src/cli/parse.js';
import type { KvEntry } from '../../src/client/api.js';

export default class KvPut extends BaseCommand<typeof KvPut> {
  static override summary = 'Store a value under a key';
  static override examples = [
    '<%= config.bin %> kv put greeting hello',
    'cat page.html | <%= config.bin %> kv put page -',
    '<%= config.bin %> kv put greeting hi --if-version 7',
    '<%= config.bin %> kv put greeting hi --fence "$MUSTER_LOCK_NAME:$MUSTER_LOCK_TOKEN"',
  ];
  static override complete = { key: 'key', fence: 'fence' } as const;
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'key' }),
    value: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'value, or "-" to read it from standard input',
    }),
  };
  static override flags = {
    'if-version': countFlag({
      description: 'store only if the key still has this version (0: only if it does not exist)',
    }),
    fence: Flags.string({
      helpValue: 'LOCK:TOKEN',
      description: 'store only if no newer token of this lock was used with the key',
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
