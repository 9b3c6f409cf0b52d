import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { lockArgs } from '../../src/cli/lock-flags.js';
import { parseToken } from '../../src/cli/parse.js';
import { MusterError } from '../../src/errors.js';

export default class LockRelease extends BaseCommand<typeof LockRelease> {
  static override summary = 'Release a lock by its token';
  static override description = 'Exits with code 6 if the token does not hold the lock.';
  static override examples = [
    '<%= config.bin %> lock release deploy 42',
    '<%= config.bin %> lock release deploy --token "$token"',
  ];
  static override complete = { name: 'lock' } as const;
  static override args = {
    ...lockArgs,
    token: Args.string({ ignoreStdin: true, description: 'fencing token printed by `muster lock acquire`' }),
  };
  static override flags = {
    token: Flags.string({ helpValue: 'TOKEN', description: 'fencing token, instead of the argument' }),
  };

  async run(): Promise<{ name: string; token: number; released: true }> {
    const { name } = this.args;
    const given = [this.args.token, this.flags.token].filter((text) => text !== undefined);
    if (given.length !== 1)
      throw new MusterError('usage', 'expected one token: pass it as the second argument or with --token');
    const token = parseToken(given[0]!);
    const client = await this.client();
    await client.locks.release(name, token, { timeoutMs: this.timeoutMs() });
    this.note(`${name} released`);
    return { name, token, released: true };
  }
}
