import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag } from '../src/cli/flags.js';

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary = 'Run a demo: start nodes, kill some under load, and verify the result';
  static override description =
    'Shows the main guarantees on real processes: no acknowledged write is lost or applied twice, and a transaction is all or nothing even if its coordinator dies. The demo stops its nodes and deletes their data, unless --keep is given.';
  static override examples = [
    '<%= config.bin %> demo',
    '<%= config.bin %> demo --for 20s --keep',
    '<%= config.bin %> demo --json',
  ];
  static override flags = {
    nodes: countFlag({ char: 'n', default: 5, description: 'number of nodes' }),
    clients: countFlag({ default: 64, description: 'number of clients that count concurrently' }),
    for: durationFlag({ default: 10_000, helpValue: '10s', description: 'how long to keep killing nodes' }),
    seed: countFlag({
      description: 'random seed that decides which nodes are killed, and when',
      defaultHelp: async () => 'random',
    }),
    keep: Flags.boolean({ description: 'leave the cluster running' }),
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
