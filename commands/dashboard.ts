import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag, durationFlag, durationText } from '../src/cli/flags.js';
import { invalid } from '../src/errors.js';

/** Number of distinct node colors. */
const COLORS = 100;

export default class Dashboard extends BaseCommand<typeof Dashboard> {
  static override summary = 'Serve a live web dashboard of a cluster until Ctrl-C';
  static override description = [
    'Shows the ring, nodes, events, transactions and faults, and prints the URL to open. Anyone with the URL can view the cluster and kill, pause and restart its nodes. It contains a secret that is new each time; keep it private. The server listens on this machine only, loads nothing from other sites, and rejects requests from other web pages.',
    'With --json it prints one line, {"url","port"}, once it is listening.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> dashboard', '<%= config.bin %> dashboard shop --port 8090'];
  static override complete = { name: 'cluster' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };
  static override flags = {
    port: countFlag({ default: 0, description: 'port on 127.0.0.1 (0: any free port)' }),
    interval: durationFlag({
      default: 1000,
      helpValue: '1s',
      description: 'refresh interval, at least 100ms',
    }),
  };

  async run(): Promise<void> {
    const { port, interval: everyMs } = this.flags;
    if (port > 65_535) throw invalid('--port', port, 'a port number from 0 to 65535');
    if (everyMs < 100) throw invalid('--interval', durationText(everyMs), 'at least 100ms');
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
    this.note('Open the URL in a browser, and keep it private. Press Ctrl-C to stop.');
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    await dashboard.close();
    await observer.stop();
  }
}
