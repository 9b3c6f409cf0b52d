import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag, durationFlag } from '../../src/cli/flags.js';
import { parseWeights, parseZones } from '../../src/cli/parse.js';
import type { CreateOptions } from '../../src/cluster/folder/create.js';
import { formatDuration } from '../../src/text/duration.js';
import { plural } from '../../src/text/format.js';

export default class ClusterStart extends BaseCommand<typeof ClusterStart> {
  static override summary = 'Starts a cluster of local nodes, creating it when there is none of that name.';
  static override description =
    'A stopped cluster comes back with its data. Comes back when every partition serves.';
  static override examples = [
    '<%= config.bin %> cluster start -n 5',
    '<%= config.bin %> cluster start shop -n 5 --replicas 3 --partitions 64 --weights n1=2',
    '<%= config.bin %> cluster start shop --service ./orders.js',
    '<%= config.bin %> cluster start --foreground --restart on-failure',
  ];
  static override complete = { name: 'cluster', service: 'file' } as const;
  static override args = { name: Args.string({ description: 'Name of the cluster.', ignoreStdin: true }) };
  static override flags = {
    nodes: countFlag({ char: 'n', description: 'How many nodes (3).' }),
    replicas: countFlag({ description: 'Copies of each partition (3, or as many as there are nodes).' }),
    partitions: countFlag({ description: 'Shards of the key space (64).' }),
    'min-in-sync': countFlag({ description: 'Copies that a write needs (2 of 3, 1 of 2).' }),
    weights: Flags.string({ helpValue: 'n1=2,…', description: 'Shares of the nodes; 1 when not named.' }),
    zones: Flags.string({
      helpValue: 'n1=a,…',
      description: 'What fails together; replicas go to distinct zones.',
    }),
    'repair-after': durationFlag({
      helpValue: '30s',
      description: 'How long a node may be silent before its replicas are rebuilt elsewhere.',
    }),
    port: countFlag({ description: 'Port of n1, the others follow (0: the system picks).' }),
    durability: Flags.option({
      options: ['fsync', 'process'] as const,
      description: 'What an acknowledged write survives: power loss (fsync, the default) or SIGKILL.',
    })(),
    service: Flags.string({
      helpValue: './orders.js',
      multiple: true,
      description: 'A module of handlers that every node runs.',
    }),
    'max-inflight': countFlag({ description: 'Handlers that a node runs at once (256).' }),
    foreground: Flags.boolean({ description: 'Stay attached, show every log; Ctrl-C stops all.' }),
    restart: Flags.option({
      options: ['on-failure', 'never'] as const,
      dependsOn: ['foreground'],
      description: 'Start nodes that fail again (on-failure).',
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
      this.note(
        `The cluster map had been put back to an older one: revision ${restored} was restored from the nodes’ copies.`,
      );
    // Commands that follow find this cluster by themselves, or need to be told.
    const of = this.clusterName().value === create.name ? '' : ` -c ${create.name}`;
    const took = performance.now() - begin;
    const what = created ? 'created and started' : 'started';
    this.note(
      `Cluster ${this.paint.bold(status.cluster)} ${what} in ${formatDuration(took)}: ${plural(status.nodes.length, 'node')}, ${plural(status.partitions.total, 'partition')}, ${plural(status.replicas, 'replica')}.`,
    );
    await this.table(status.nodes, [
      { title: 'NODE', of: (row) => row.id },
      { title: 'PID', of: (row) => row.pid, align: 'right' },
      { title: 'URL', of: (row) => row.url },
      { title: 'PRIMARY', of: (row) => row.primaries, align: 'right' },
      { title: 'BACKUP', of: (row) => row.backups, align: 'right' },
    ]);
    this.note(
      `Data and logs: ${cluster.dir}\nNext: muster counter incr hits${of} · muster cluster status${of} · muster cluster stop${of}`,
    );
    return { ...status, dir: cluster.dir, created, tookMs: Math.round(took) };
  }
}
