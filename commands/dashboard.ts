import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag } from '../src/cli/flags.js';
import { MusterError } from '../src/errors.js';

/** Nodes that get a colour of their own. */
const COLORS = 100;

export default class Dashboard extends BaseCommand<typeof Dashboard> {
  static override summary =
    'Serves a live page on a cluster, until Ctrl-C: the ring, nodes, events, transactions, faults.';
  static override description = [
    'It prints the address to open. Whoever has that address may see the cluster and kill, pause and restart its nodes, so it holds a secret that is made anew each time; keep it to yourself. The page listens on this machine alone, loads nothing from elsewhere, and other web pages are refused.',
    'With --json it prints one line, {"url","port"}, when it listens.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> dashboard', '<%= config.bin %> dashboard shop --port 8090'];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'Name of the cluster.', ignoreStdin: true }) };
  static override flags = {
    port: countFlag({ default: 0, description: 'Where it listens on 127.0.0.1 (0: the system picks).' }),
    interval: durationFlag({ default: 1000, helpValue: '1s', description: 'From one look to the next.' }),
  };

  async run(): Promise<void> {
    const { port, interval: everyMs } = this.flags;
    if (port > 65_535) throw new MusterError('usage', `--port takes 0 to 65535, not ${port}`);
    if (everyMs < 100) throw new MusterError('usage', '--interval is 100ms or more');
    const cluster = (await this.findCluster(this.args.name)).file.name;
    const [{ Observer }, { act }, { openDashboard }, { loadPage }, { nodeColor }] = await Promise.all([
      import('../src/cluster/observe/observer.js'),
      import('../src/cluster/lifecycle/actions.js'),
      import('../src/dashboard/server.js'),
      import('../src/dashboard/page.js'),
      import('../src/render/node-colors.js'),
    ]);
    const signal = this.interruptible();
    const timeoutMs = this.timeoutMs(30_000);
    const observer = new Observer({ cluster, everyMs });
    const dashboard = await openDashboard({
      observer,
      cluster,
      named: this.clusterName(this.args.name).from === 'flag',
      everyMs,
      colors: Array.from({ length: COLORS }, (_, i) => nodeColor(i)),
      page: await loadPage(),
      port,
      act: (action) => act(observer.cluster, action, { timeoutMs, signal }),
      trace: async (tx) => (await observer.client()).tx.show(tx, { timeoutMs: 5000 }),
    });
    observer.start();
    const { url } = dashboard;
    await this.stream(`${this.jsonEnabled() ? JSON.stringify({ url, port: dashboard.port }) : url}\n`);
    this.note('Open it in a browser; keep it to yourself. Ctrl-C ends it.');
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    await dashboard.close();
    await observer.stop();
  }
}
