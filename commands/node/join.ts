import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag } from '../../src/cli/flags.js';
import { movingFlags, movingTimeoutMs } from '../../src/cli/moving-flags.js';
import { parseWeights } from '../../src/cli/parse.js';
import { MusterError } from '../../src/errors.js';

export default class NodeJoin extends BaseCommand<typeof NodeJoin> {
  static override summary = 'Add nodes to the cluster without downtime';
  static override description =
    'New nodes get their share of the data. With --address and --token-file, a node of your data folder joins a cluster that was started with another data folder on this machine.';
  static override examples = [
    '<%= config.bin %> node join',
    '<%= config.bin %> node join n6 --weight 2 --zone b',
    '<%= config.bin %> node join guest --address 127.0.0.1:4001 --token-file ./token',
  ];
  static override complete = { 'token-file': 'file' } as const;
  static override strict = false;
  static override args = {
    id: Args.string({
      description: 'names for the new nodes (default: the next free name)',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...movingFlags,
    weight: Flags.string({
      helpValue: 'N',
      description: 'share of the data relative to other nodes',
      defaultHelp: async () => '1',
    }),
    zone: Flags.string({ helpValue: 'ZONE', description: 'failure domain of the node' }),
    port: countFlag({ description: 'port of the node (0: any free port)', defaultHelp: async () => '0' }),
    address: Flags.string({
      helpValue: 'HOST:PORT',
      description: 'address of a node in the cluster to join',
      dependsOn: ['token-file'],
    }),
    'token-file': Flags.string({ helpValue: 'FILE', description: 'file with the token of that cluster' }),
  };

  async run(): Promise<unknown> {
    const { address, weight, zone, port } = this.flags;
    const [{ addNodes }, { nextIds }, { settleMoves, movesReport }, { openClient }] = await Promise.all([
      import('../../src/cluster/lifecycle/scale.js'),
      import('../../src/cluster/lifecycle/membership.js'),
      import('../../src/cli/moves.js'),
      import('../../src/client/open.js'),
    ]);
    const timeoutMs = this.timeoutMs(movingTimeoutMs);
    const cluster = address === undefined ? await this.findCluster() : await this.#elsewhere(address);
    const client = await openClient({ clusterDir: cluster.dir, timeoutMs });
    try {
      const ids = this.argvRest.length > 0 ? this.argvRest : nextIds(await client.map(), 1);
      if (port !== undefined && ids.length > 1)
        throw new MusterError('usage', '--port applies to one node only: name a single node');
      const shared = {
        ...(weight === undefined ? {} : { weight: parseWeights(`x=${weight}`).x as number }),
        ...(zone === undefined ? {} : { zone }),
        ...(port === undefined ? {} : { port }),
      };
      const signal = this.interruptible();
      const progress = await this.progress(`adding ${ids.join(', ')}`);
      const { map } = await addNodes(
        cluster,
        ids.map((id) => ({ id, ...shared })),
        {
          timeoutMs,
          signal,
          wait: !this.flags['no-wait'],
          progress: (text) => progress.update(text),
          settle: (of, update) => settleMoves(of, client, { timeoutMs, signal, update }),
        },
      );
      progress.clear();
      this.note(`${ids.join(', ')} joined cluster ${map.name}`);
      return { joined: ids, cluster: map.name, moves: movesReport(map) };
    } finally {
      await client.close();
    }
  }

  async #elsewhere(address: string) {
    const [{ adoptCluster }, { readFileSync }] = await Promise.all([
      import('../../src/cluster/folder/adopt.js'),
      import('node:fs'),
    ]);
    const path = this.flags['token-file'] as string;
    let token: string;
    try {
      token = readFileSync(path, 'utf8').trim();
    } catch (cause) {
      throw new MusterError('usage', `cannot read ${path}: ${(cause as Error).message}`, {
        details: { command: 'node join' },
      });
    }
    return adoptCluster(address, token, this.timeoutMs());
  }
}
