import { nodeOf } from '../../src/core/map/types.js';
import { BaseCommand } from '../../src/presentation/base-command.js';
import { mapOf } from '../../src/presentation/cluster-actions.js';
import { type Owner, ownership } from '../../src/presentation/ownership.js';

interface Shown {
  readonly cluster: string;
  readonly revision: number;
  readonly partitions: readonly { partition: number; primary: string; inSync: readonly string[] }[];
  readonly owners: readonly Owner[];
}

export default class RingShow extends BaseCommand<typeof RingShow> {
  static override summary = 'Draws the ring: which node is primary of which arc, against the ideal.';
  static override examples = ['<%= config.bin %> ring show', '<%= config.bin %> ring show --json'];

  async run(): Promise<Shown> {
    const map = await mapOf(await this.findCluster(), this.timeoutMs());
    const partitions = map.partitions.map((config, partition) => ({
      partition,
      primary: nodeOf(config.primary),
      inSync: config.inSync.map(nodeOf),
    }));
    if (!this.jsonEnabled()) {
      const { ringPicture } = await import('../../src/presentation/ring-picture.js');
      const { unicodeOn } = await import('../../src/presentation/terminal.js');
      const picture = await ringPicture({
        partitions,
        nodes: Object.keys(map.members),
        width: process.stdout.columns ?? 80,
        color: this.paint.on,
        unicode: unicodeOn(),
      });
      this.out(picture.endsWith('\n') ? picture : `${picture}\n`);
    }
    return { cluster: map.name, revision: map.revision, partitions, owners: ownership(map) };
  }
}
