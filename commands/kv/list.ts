import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { listFlags } from '../../src/cli/flags.js';
import { collect } from '../../src/cli/listing.js';
import type { KvEntry } from '../../src/client/api.js';
import { shorten } from '../../src/text/format.js';

type Row = KvEntry | { readonly key: string };

export default class KvList extends BaseCommand<typeof KvList> {
  static override summary = 'List keys and values, sorted by key';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> kv list --prefix user/ --limit 20',
    '<%= config.bin %> kv list --keys-only',
    '<%= config.bin %> kv list --ndjson > backup.ndjson',
  ];
  static override complete = { prefix: 'key', after: 'key' } as const;
  static override flags = {
    ...listFlags,
    'keys-only': Flags.boolean({ description: 'print keys without values' }),
  };

  async run(): Promise<Row[]> {
    const { prefix, after, limit, ndjson } = this.flags;
    const bare = this.flags['keys-only'];
    const client = await this.client();
    const source = client.kv.list({
      prefix,
      ...(after === undefined ? {} : { after }),
      timeoutMs: this.timeoutMs(),
    });
    const seen = (entry: KvEntry): Row => (bare ? { key: entry.key } : entry);
    const line = ndjson ? (entry: KvEntry) => this.stream(`${JSON.stringify(seen(entry))}\n`) : null;
    const rows = await collect(source, limit, line);
    if (ndjson) return rows;
    if (bare) this.out(rows.map((row) => `${row.key}\n`).join(''));
    else {
      // On a terminal a long value would break the table; in a pipe it is printed in full.
      const width = this.io.stdout.isTTY
        ? Math.max(20, (this.io.stdout.columns ?? 80) - 40)
        : Number.POSITIVE_INFINITY;
      await this.table(rows, [
        { title: 'KEY', of: (row) => row.key },
        { title: 'VERSION', of: (row) => row.version, align: 'right' },
        { title: 'VALUE', of: (row) => shorten(row.value, width) },
      ]);
    }
    return rows.map(seen);
  }
}
