import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { integerFlag } from '../../src/cli/flags.js';

export default class CounterDecr extends BaseCommand<typeof CounterDecr> {
  static override summary = 'Decrement a counter and print its value';
  static override description = 'Counts exactly once, even if the request has to be retried.';
  static override examples = [
    '<%= config.bin %> counter decr hits',
    '<%= config.bin %> counter decr hits --by 5 --json',
  ];
  static override complete = { name: 'counter' } as const;
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'counter name' }),
  };
  static override flags = { by: integerFlag({ default: 1, description: 'amount to subtract' }) };

  async run(): Promise<{ name: string; value: number }> {
    const { name } = this.args;
    const client = await this.client();
    const value = await client.counter.incr(name, -this.flags.by, { timeoutMs: this.timeoutMs() });
    this.out(this.io.stdout.isTTY ? `${name} ${this.paint.bold(String(value))}\n` : `${value}\n`);
    return { name, value };
  }
}
