import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { integerFlag } from '../../src/cli/flags.js';

export default class CounterReset extends BaseCommand<typeof CounterReset> {
  static override summary = 'Set a counter to a value and print it';
  static override examples = [
    '<%= config.bin %> counter reset hits',
    '<%= config.bin %> counter reset hits --to 100',
  ];
  static override complete = { name: 'counter' } as const;
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'counter name' }),
  };
  static override flags = { to: integerFlag({ default: 0, description: 'new value' }) };

  async run(): Promise<{ name: string; value: number }> {
    const { name } = this.args;
    const client = await this.client();
    const value = await client.counter.reset(name, this.flags.to, { timeoutMs: this.timeoutMs() });
    this.out(this.io.stdout.isTTY ? `${name} ${this.paint.bold(String(value))}\n` : `${value}\n`);
    return { name, value };
  }
}
