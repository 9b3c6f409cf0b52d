import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { countFlag } from '../../src/cli/flags.js';
import type { LogLine } from '../../src/cluster/observe/logs.js';
import { MusterError } from '../../src/errors.js';
import { formatLogLine } from '../../src/render/log-line.js';
import { colorOf } from '../../src/render/terminal.js';

export default class ClusterLogs extends BaseCommand<typeof ClusterLogs> {
  static override summary = 'Show the logs of nodes';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> cluster logs --node n1 --lines 50',
    '<%= config.bin %> cluster logs -f',
  ];
  static override complete = { name: 'cluster', node: 'node' } as const;
  static override args = { name: Args.string({ description: 'cluster name', ignoreStdin: true }) };
  static override flags = {
    follow: Flags.boolean({ char: 'f', description: 'keep printing new lines until Ctrl-C' }),
    node: Flags.string({ multiple: true, description: 'only this node; repeat for several' }),
    lines: countFlag({ default: 20, description: 'number of recent lines to print for each node' }),
  };

  async run(): Promise<LogLine[]> {
    const cluster = await this.findCluster(this.args.name);
    if (this.flags.follow && this.jsonEnabled())
      throw new MusterError('usage', '--json cannot be combined with --follow, which never ends');
    const [{ followLogs, LogTail, tailOffset }, { nodeLogFile }, { pickNodes }] = await Promise.all([
      import('../../src/cluster/observe/logs.js'),
      import('../../src/layout/paths.js'),
      import('../../src/cluster/processes/nodes.js'),
    ]);
    const ids = this.flags.node
      ? pickNodes(cluster.file, this.flags.node)
      : cluster.file.nodes.map((n) => n.id);
    const logs = ids.map((node) => {
      const path = nodeLogFile(cluster.dir, node);
      return { node, tail: new LogTail(path, tailOffset(path, this.flags.lines)) };
    });
    const width = Math.max(...ids.map((id) => id.length));
    const show = ({ node, text }: LogLine) =>
      this.out(
        `${colorOf(this.paint, ids.indexOf(node))(`${node.padEnd(width)} │`)} ${formatLogLine(text, this.paint)}\n`,
      );
    if (this.flags.follow) {
      await followLogs(logs, show, this.interruptible());
      return [];
    }
    const lines = logs.flatMap(({ node, tail }) => tail.poll().map((text) => ({ node, text })));
    for (const line of lines) show(line);
    return lines;
  }
}
