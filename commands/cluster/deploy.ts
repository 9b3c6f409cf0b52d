import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import type { Deployed } from '../../src/cluster/lifecycle/deploy.js';
import { plural } from '../../src/text/format.js';

export default class ClusterDeploy extends BaseCommand<typeof ClusterDeploy> {
  static override summary = 'Deploy service modules to a cluster by rolling restart';
  static override description =
    'Modules that are already deployed are reloaded. Each node finishes its running requests before it restarts, and the next node restarts once all replicas are in sync again.';
  static override examples = ['<%= config.bin %> cluster deploy ./orders.js'];
  static override complete = { file: 'file' } as const;
  static override strict = false;
  static override args = {
    file: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'service modules, such as ./orders.js',
    }),
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
    this.note(`${plural(deployed.restarted.length, 'node')} restarted; services: ${names.join(', ')}`);
    return deployed;
  }
}
