import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag, durationText } from '../src/cli/flags.js';
import { invalid } from '../src/errors.js';
import { mayAnimate, unicodeOn } from '../src/render/terminal.js';
import type { WatchLine } from '../src/watch/stream.js';

export default class Watch extends BaseCommand<typeof Watch> {
  static override summary = 'Watch a cluster live: nodes, ring, load, latency, lag, locks and events';
  static override description = [
    'On a terminal it uses the full screen. Keys: up and down select a node, K kills it, p pauses or resumes it, r restarts or starts it, h heals all faults, ? shows help, q quits. Actions that take a node down ask for confirmation.',
    'Otherwise, or with --plain, it prints a log: one line for each event, and a summary every 10 s. It keeps running while the cluster is stopped, until Ctrl-C or --count refreshes.',
    'Rates and latencies cover the time between two refreshes, as measured by the nodes. Latency is the time from decoding a request to sending its reply, in ms. With --json it refreshes twice and prints the second result.',
  ].join('\n\n');
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch shop --plain --every 1m',
    '<%= config.bin %> watch --ndjson --count 10',
  ];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };
  static override flags = {
    plain: Flags.boolean({ description: 'print a log even on a terminal' }),
    ndjson: Flags.boolean({
      exclusive: ['json', 'plain'],
      description: 'print each refresh as one line of JSON',
    }),
    interval: durationFlag({
      default: 1000,
      helpValue: '1s',
      description: 'refresh interval, at least 100ms',
    }),
    every: durationFlag({
      default: 10_000,
      helpValue: '10s',
      description: 'interval between summaries in the log',
    }),
    count: countFlag({ description: 'exit after N refreshes' }),
  };

  async run(): Promise<WatchLine | null> {
    const { plain, ndjson, interval, every } = this.flags;
    if (interval < 100) throw invalid('--interval', durationText(interval), 'at least 100ms');
    if (this.flags.count === 0) throw invalid('--count', 0, 'at least 1');
    const cluster = await this.findCluster(this.args.name);
    const { name } = cluster.file;
    const [{ Observer }, stream] = await Promise.all([
      import('../src/cluster/observe/observer.js'),
      import('../src/watch/stream.js'),
    ]);
    const observer = new Observer({ cluster: name, everyMs: interval });
    // In a session, the streams of the command wrap those of the process.
    const { stdin, stdout } = this.io as unknown as Pick<NodeJS.Process, 'stdin' | 'stdout'>;
    const count = this.flags.count ?? null;
    const ended = new AbortController();
    this.takeSignals(() => ended.abort());
    const common = { observer, count, signal: ended.signal, write: (text: string) => this.stream(text) };
    try {
      if (this.jsonEnabled()) return await stream.watchLast({ ...common, count: count ?? 2 });
      if (ndjson) await stream.watchNdjson(common);
      else if (plain || this.flags['no-input'] || count !== null || !mayAnimate(stdout) || !stdin.isTTY)
        await stream.watchPlain({ ...common, everyMs: every });
      else {
        const { watchFullScreen } = await import('../src/watch/full-screen.js');
        const named = this.clusterName(this.args.name).from === 'flag';
        const terminal = { out: stdout, input: stdin };
        const [paint, unicode, timeoutMs] = [this.paint, unicodeOn(), this.timeoutMs(30_000)];
        await watchFullScreen({
          ...common,
          cluster: name,
          named,
          terminal,
          paint,
          unicode,
          timeoutMs,
        });
      }
    } finally {
      await observer.stop();
    }
    return null;
  }
}
