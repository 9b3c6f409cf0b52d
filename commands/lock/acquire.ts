import { BaseCommand } from '../../src/cli/base-command.js';
import { durationFlag } from '../../src/cli/flags.js';
import { acquire, acquireFlags, lockArgs } from '../../src/cli/lock-flags.js';
import { formatDuration } from '../../src/text/duration.js';

export default class LockAcquire extends BaseCommand<typeof LockAcquire> {
  static override summary = 'Acquires a lock for its time to live, and prints its fencing token.';
  static override description =
    'Nobody renews it: after its time to live it is free again, whatever its holder does. Exit code 6 when it is held, 4 when waiting did not help. `lock run` keeps a lock while a command runs.';
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
      description: 'Time to live, at least 100 ms, at most a day.',
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
      `${name} is held for ${formatDuration(ttl)}; \`muster lock release ${name} ${token}\` frees it`,
    );
    return { name, token, expiresInMs: Math.max(0, Math.floor(validUntil - performance.now())) };
  }
}
