import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag } from '../src/cli/flags.js';
import { MusterError } from '../src/errors.js';
import { mayAnimate, unicodeOn } from '../src/render/terminal.js';
import type { WatchLine } from '../src/watch/stream.js';

export default class Watch extends BaseCommand<typeof Watch> {
  static override summary =
    'Shows a cluster live: nodes, ring, throughput, latency, lag, locks, what happens.';
  static override description = [
    'On a terminal it takes the whole screen: up and down select a node, K kills it, p pauses it (and lets it go on), r restarts it (or starts it), h heals the faults, ? tells the rest, q leaves. What takes a node away is asked for first.',
    'Elsewhere, or with --plain, it is a log: one line for each thing that happens, and one on the whole every 10 s. It goes on while the cluster is stopped, and until Ctrl-C or --count looks.',
    'Rates and latencies are of the time between two looks, as the nodes counted; latencies are from the decoding of a request to its reply, in ms. With --json it looks twice and prints the second look.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch shop --plain --every 1m',
    '<%= config.bin %> watch --ndjson --count 10',
  ];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'Name of the cluster.', ignoreStdin: true }) };
  static override flags = {
    plain: Flags.boolean({ description: 'A log, also on a terminal.' }),
    ndjson: Flags.boolean({ exclusive: ['json', 'plain'], description: 'Each look as one line of JSON.' }),
    interval: durationFlag({ default: 1000, helpValue: '1s', description: 'From one look to the next.' }),
    every: durationFlag({
      default: 10_000,
      helpValue: '10s',
      description: 'In a log, how often to say how all stands.',
    }),
    count: countFlag({ description: 'End after so many looks.' }),
  };

  async run(): Promise<WatchLine | null> {
    const { plain, ndjson, interval, every } = this.flags;
    if (interval < 100) throw new MusterError('usage', '--interval is 100ms or more');
    if (this.flags.count === 0) throw new MusterError('usage', '--count is 1 or more');
    const cluster = await this.findCluster(this.args.name);
    const { name } = cluster.file;
    const [{ Observer }, stream] = await Promise.all([
      import('../src/cluster/observe/observer.js'),
      import('../src/watch/stream.js'),
    ]);
    const observer = new Observer({ cluster: name, everyMs: interval });
    // A session's terminal is the process's, seen through its own eyes.
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
