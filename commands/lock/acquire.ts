import { BaseCommand } from '../../src/cli/base-command.js';
import { durationFlag } from '../../src/cli/flags.js';
import { acquire, acquireFlags, lockArgs } from '../../src/cli/lock-flags.js';
import { formatDuration } from '../../src/text/duration.js';

export default class LockAcquire extends BaseCommand<typeof LockAcquire> {
  static override summary = 'Acquire a lock and print its fencing token';
  static override description =
    'The lock is not renewed: it expires after --ttl, whatever its holder does. Exits with code 6 if the lock is held, 4 if it is still held after --wait. To hold a lock while a command runs, use `muster lock run`.';
  static override examples = [
    '<%= config.bin %> lock acquire deploy --ttl 30s',
    'token=$(<%= config.bin %> lock acquire deploy --ttl 5m --wait 10s) && <%= config.bin %> kv put release v2 --fence "deploy:$token"',
    '<%= config.bin %> lock acquire licence --ttl 1h --permits 5 --json',
  ];
  static override complete = { name: 'lock' } as const;
  static override args = lockArgs;
  static override flags = {
    ttl: durationFlag({
      required: true,
      helpValue: '30s',
      description: 'time to live, from 100ms to 24h',
    }),
    ...acquireFlags,
  };

  async run(): Promise<{ name: string; token: number; expiresInMs: number }> {
    const { name } = this.args;
    const { ttl, wait, permits } = this.flags;
    const client = await this.client();
    const signal = this.interruptible();
    const progress = wait > 0 ? await this.progress(`waiting for ${name}`) : null;
    const options = { ttlMs: ttl, waitMs: wait, permits, timeoutMs: this.timeoutMs(), signal };
    const { token, validUntil } = await acquire(client, name, options);
    progress?.clear();
    this.out(`${token}\n`);
    this.note(
      `${name} acquired for ${formatDuration(ttl)}; release it with \`muster lock release ${name} ${token}\``,
    );
    return { name, token, expiresInMs: Math.max(0, Math.floor(validUntil - performance.now())) };
  }
}
