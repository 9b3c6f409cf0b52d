import { BaseCommand } from '../../src/cli/base-command.js';
import { lockColumns } from '../../src/cli/lock-flags.js';
import type { LockView } from '../../src/client/api.js';

export default class LockList extends BaseCommand<typeof LockList> {
  static override summary = 'List the locks that are held or waited for';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> lock list',
    "<%= config.bin %> lock list --json | jq -r '.[].name'",
  ];

  async run(): Promise<readonly LockView[]> {
    const client = await this.client();
    const locks = await client.locks.list({ timeoutMs: this.timeoutMs() });
    await this.table(locks, lockColumns);
    return locks;
  }
}
