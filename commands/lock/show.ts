import { BaseCommand } from '../../src/cli/base-command.js';
import { lockArgs, lockColumns } from '../../src/cli/lock-flags.js';
import type { LockView } from '../../src/client/api.js';

export default class LockShow extends BaseCommand<typeof LockShow> {
  static override summary = 'Show the holders of a lock and how many clients wait for it';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> lock show deploy',
    "<%= config.bin %> lock show deploy --json | jq '.holders[].token'",
  ];
  static override complete = { name: 'lock' } as const;
  static override args = lockArgs;

  async run(): Promise<LockView> {
    const { name } = this.args;
    const client = await this.client();
    // A lock exists only while it is held or waited for; otherwise it is free and has no permit count yet.
    const lock = (await client.locks.show(name, { timeoutMs: this.timeoutMs() })) ?? {
      name,
      permits: 0,
      holders: [],
      waiting: 0,
    };
    await this.table([lock], lockColumns);
    if (lock.holders.length === 0) this.note(`${name} is free`);
    return lock;
  }
}
