import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';

export default class CounterGet extends BaseCommand<typeof CounterGet> {
  static override summary = 'Print the value of a counter';
  static override description = 'Prints 0 if the counter does not exist.';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> counter get hits'];
  static override complete = { name: 'counter' } as const;
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'counter name' }),
  };

  async run(): Promise<{ name: string; value: number }> {
    const { name } = this.args;
    const client = await this.client();
    const value = (await client.counter.get(name, { timeoutMs: this.timeoutMs() })) ?? 0;
    this.out(this.io.stdout.isTTY ? `${name} ${this.paint.bold(String(value))}\n` : `${value}\n`);
    return { name, value };
  }
}
