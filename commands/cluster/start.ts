import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag, durationFlag, durationText } from '../../src/cli/flags.js';
import { parseWeights, parseZones } from '../../src/cli/parse.js';
import type { CreateOptions } from '../../src/cluster/folder/create.js';
import { defaultRepairAfterMs } from '../../src/limits.js';
import { formatDuration } from '../../src/text/duration.js';
import { plural } from '../../src/text/format.js';

export default class ClusterStart extends BaseCommand<typeof ClusterStart> {
  static override summary = 'Start a cluster of local nodes, creating it if needed';
  static override description =
    'A stopped cluster keeps its data. The command returns once every partition is available.';
  static override examples = [
    '<%= config.bin %> cluster start -n 5',
    '<%= config.bin %> cluster start shop -n 5 --replicas 3 --partitions 64 --weights n1=2',
    '<%= config.bin %> cluster start shop --service ./orders.js',
    '<%= config.bin %> cluster start --foreground --restart on-failure',
  ];
  static override complete = { name: 'cluster', service: 'file' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };
  static override flags = {
    nodes: countFlag({ char: 'n', description: 'number of nodes', defaultHelp: async () => '3' }),
    replicas: countFlag({
      description: 'number of copies of each partition',
      defaultHelp: async () => '3, or --nodes if that is lower',
    }),
    partitions: countFlag({
      description: 'number of partitions, the shards of the key space',
      defaultHelp: async () => '64',
    }),
    'min-in-sync': countFlag({
      description: 'number of in-sync copies that a write requires',
      defaultHelp: async () => '2, or 1 with fewer than 3 replicas',
    }),
    weights: Flags.string({
      helpValue: 'n1=2,…',
      description: 'relative share of the data for each node (unlisted nodes: 1)',
    }),
    zones: Flags.string({
      helpValue: 'n1=a,…',
      description: 'failure domain of each node; replicas go to distinct zones',
    }),
    'repair-after': durationFlag({
      helpValue: '30s',
      description: 'how long a node may be unreachable before its replicas are rebuilt elsewhere',
      defaultHelp: async () => durationText(defaultRepairAfterMs),
    }),
    port: countFlag({
      description: 'port of n1; n2 uses the next one, and so on (0: any free port)',
      defaultHelp: async () => '0',
    }),
    durability: Flags.option({
      options: ['fsync', 'process'] as const,
      description: 'what an acknowledged write survives: power loss (fsync) or SIGKILL (process)',
      defaultHelp: async () => 'fsync',
    })(),
    service: Flags.string({
      helpValue: './orders.js',
      multiple: true,
      description: 'service module that every node runs; repeat for several',
    }),
    'max-inflight': countFlag({
      description: 'maximum concurrent handler calls on each node',
      defaultHelp: async () => '256',
    }),
    foreground: Flags.boolean({ description: 'stay attached and print all logs; Ctrl-C stops the cluster' }),
    restart: Flags.option({
      options: ['on-failure', 'never'] as const,
      dependsOn: ['foreground'],
      description: 'whether to restart nodes that fail',
      defaultHelp: async () => 'on-failure',
    })(),
  };

  async run(): Promise<unknown> {
    const begin = performance.now();
    const { flags } = this;
    const create: CreateOptions = {
      name: this.newClusterName(this.args.name),
      ...(flags.nodes === undefined ? {} : { nodes: flags.nodes }),
      ...(flags.replicas === undefined ? {} : { replicas: flags.replicas }),
      ...(flags.partitions === undefined ? {} : { partitions: flags.partitions }),
      ...(flags['min-in-sync'] === undefined ? {} : { minInSync: flags['min-in-sync'] }),
      ...(flags.weights === undefined ? {} : { weights: parseWeights(flags.weights) }),
      ...(flags.zones === undefined ? {} : { zones: parseZones(flags.zones) }),
      ...(flags['repair-after'] === undefined ? {} : { repairAfterMs: flags['repair-after'] }),
      ...(flags.service === undefined ? {} : { services: flags.service.map((path) => resolve(path)) }),
      ...(flags['max-inflight'] === undefined ? {} : { maxInflight: flags['max-inflight'] }),
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...(flags.durability === undefined ? {} : { durability: flags.durability }),
    };
    const signal = this.interruptible();
    const progress = await this.progress(`starting cluster ${create.name}`);
    const [{ startCluster }, { withClusterLock }, { clusterDir }] = await Promise.all([
      import('../../src/cluster/lifecycle/start.js'),
      import('../../src/cluster/folder/lock.js'),
      import('../../src/layout/paths.js'),
    ]);
    if (flags.foreground) {
      const { runForeground } = await import('../../src/cli/foreground-view.js');
      return runForeground(create, {
        restart: flags.restart ?? 'on-failure',
        timeoutMs: this.timeoutMs(30_000),
        signal,
        paint: this.paint,
        out: (text) => this.out(text),
        note: (text) => this.note(text),
      });
    }
    const started = await withClusterLock(clusterDir(create.name), 0, () =>
      startCluster(create, {
        timeoutMs: this.timeoutMs(30_000),
        signal,
        progress: (text) => progress.update(text),
      }),
    );
    progress.clear();
    const { status, cluster, created, restored } = started;
    if (restored !== null)
      this.note(`cluster map was rolled back: restored revision ${restored} from the copies of the nodes`);
    // Later commands need -c only when this is not the cluster they use by default.
    const of = this.clusterName().value === create.name ? '' : ` -c ${create.name}`;
    const took = performance.now() - begin;
    const what = created ? 'created and started' : 'started';
    this.note(
      `cluster ${this.paint.bold(status.cluster)} ${what} in ${formatDuration(took)}: ${plural(status.nodes.length, 'node')}, ${plural(status.partitions.total, 'partition')}, ${plural(status.replicas, 'replica')}`,
    );
    await this.table(status.nodes, [
      { title: 'NODE', of: (row) => row.id },
      { title: 'PID', of: (row) => row.pid, align: 'right' },
      { title: 'URL', of: (row) => row.url },
      { title: 'PRIMARIES', of: (row) => row.primaries, align: 'right' },
      { title: 'BACKUPS', of: (row) => row.backups, align: 'right' },
    ]);
    this.note(
      `Data and logs: ${cluster.dir}\nNext: muster counter incr hits${of} · muster cluster status${of} · muster cluster stop${of}`,
    );
    return { ...status, dir: cluster.dir, created, tookMs: Math.round(took) };
  }
}
