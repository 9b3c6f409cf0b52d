import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag } from '../src/cli/flags.js';

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary =
    'Starts 5 nodes, counts and moves money while nodes are killed, and gives a verdict.';
  static override description =
    'Shows the main promises on real processes: nothing acknowledged is lost or doubled, a transaction is all or nothing though its coordinator dies. Everything it starts it stops, and it removes its data, unless --keep.';
  static override examples = [
    '<%= config.bin %> demo',
    '<%= config.bin %> demo --for 20s --keep',
    '<%= config.bin %> demo --json',
  ];
  static override flags = {
    nodes: countFlag({ char: 'n', default: 5, description: 'How many nodes.' }),
    clients: countFlag({ default: 64, description: 'How many clients count at once.' }),
    for: durationFlag({ default: 10_000, helpValue: '10s', description: 'How long nodes are killed.' }),
    seed: countFlag({ description: 'Whom to kill, and when; drawn when left out.' }),
    keep: Flags.boolean({ description: 'Leave the cluster running, to look around in it.' }),
  };

  async run(): Promise<unknown> {
    const { runDemo } = await import('../src/cli/demo.js');
    const signal = this.interruptible();
    const progress = await this.progress('starting');
    const { flags } = this;
    const report = await runDemo({
      nodes: flags.nodes ?? 5,
      clients: flags.clients ?? 64,
      durationMs: flags.for ?? 10_000,
      seed: flags.seed ?? null,
      keep: flags.keep,
      signal,
      paint: this.paint,
      say: (text) => {
        progress.clear();
        this.out(text);
      },
      progress: (text) => progress.update(text),
    });
    if (report.verdict !== 'ok') this.exitWith(8);
    return report;
  }
}
