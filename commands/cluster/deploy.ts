import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import type { Deployed } from '../../src/cluster/lifecycle/deploy.js';
import { plural } from '../../src/text/format.js';

export default class ClusterDeploy extends BaseCommand<typeof ClusterDeploy> {
  static override summary = 'Gives modules of services to the nodes of a cluster, by a rolling restart.';
  static override description =
    'A module that the nodes run already is loaded anew. Each node finishes what it has begun, and the next is restarted when all replicas are in sync again.';
  static override examples = ['<%= config.bin %> cluster deploy ./orders.js'];
  static override complete = { file: 'file' } as const;
  static override strict = false;
  static override args = {
    file: Args.string({ required: true, ignoreStdin: true, description: 'The module; more may follow.' }),
  };

  async run(): Promise<Deployed> {
    const cluster = await this.findCluster();
    const { deploy } = await import('../../src/cluster/lifecycle/deploy.js');
    const paths = this.argvRest.map((path) => resolve(path));
    const progress = await this.progress(`deploying to ${cluster.file.name}`);
    const deployed = await deploy(cluster, paths, {
      timeoutMs: this.timeoutMs(60_000),
      signal: this.interruptible(),
      progress: (text) => progress.update(text),
    });
    progress.clear();
    const names = deployed.services.map(
      ({ name, methods }) => `${name} (${plural(methods.length, 'method')})`,
    );
    this.note(`${plural(deployed.restarted.length, 'node')} restarted, running ${names.join(', ')}`);
    return deployed;
  }
}
