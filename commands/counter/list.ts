import { BaseCommand } from '../../src/cli/base-command.js';
import { listFlags } from '../../src/cli/flags.js';
import { collect } from '../../src/cli/listing.js';
import type { CounterEntry } from '../../src/client/api.js';

export default class CounterList extends BaseCommand<typeof CounterList> {
  static override summary = 'List counters and their values, sorted by name';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> counter list --prefix page/',
    '<%= config.bin %> counter list --ndjson | jq .value',
  ];
  static override complete = { prefix: 'counter', after: 'counter' } as const;
  static override flags = listFlags;

  async run(): Promise<CounterEntry[]> {
    const { prefix, after, limit, ndjson } = this.flags;
    const client = await this.client();
    const source = client.counter.list({
      prefix,
      ...(after === undefined ? {} : { after }),
      timeoutMs: this.timeoutMs(),
    });
    const line = ndjson ? (entry: CounterEntry) => this.stream(`${JSON.stringify(entry)}\n`) : null;
    const rows = await collect(source, limit, line);
    if (ndjson) return rows;
    await this.table(rows, [
      { title: 'NAME', of: (row) => row.name },
      { title: 'VALUE', of: (row) => row.value, align: 'right' },
    ]);
    return rows;
  }
}
