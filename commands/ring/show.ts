import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { mapOf } from '../../src/cli/cluster-actions.js';
import type { MovesReport } from '../../src/cli/moves.js';
import { type ClusterMap, nodeOf } from '../../src/core/map/types.js';
import { type Owner, ownership } from '../../src/render/ownership.js';

interface Shown {
  readonly cluster: string;
  readonly revision: number;
  readonly partitions: readonly { partition: number; primary: string; inSync: readonly string[] }[];
  readonly owners: readonly Owner[];
}

export default class RingShow extends BaseCommand<typeof RingShow> {
  static override summary = 'Draw the ring: which node is the primary of each arc of the key space';
  static override description = 'The ring is the circle of all key hashes, divided into partitions.';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> ring show',
    '<%= config.bin %> ring show --moves',
    '<%= config.bin %> ring show --svg ring.svg',
  ];
  static override complete = { svg: 'file' } as const;
  static override flags = {
    moves: Flags.boolean({
      description: 'show the last placement change instead: planned and completed moves',
    }),
    svg: Flags.string({ helpValue: 'FILE', description: 'also draw the ring into this file' }),
  };

  async run(): Promise<Shown | MovesReport> {
    const map = await mapOf(await this.findCluster(), this.timeoutMs());
    if (this.flags.svg !== undefined) {
      const { writeRingSvg } = await import('../../src/cli/ring-file.js');
      writeRingSvg(this.flags.svg, map);
      this.note(`wrote ${this.flags.svg}`);
    }
    if (this.flags.moves) return this.#moves(map);
    const partitions = map.partitions.map((config, partition) => ({
      partition,
      primary: nodeOf(config.primary),
      inSync: config.inSync.map(nodeOf),
    }));
    if (!this.jsonEnabled()) {
      const { ringPicture } = await import('../../src/render/ring/picture.js');
      const { unicodeOn } = await import('../../src/render/terminal.js');
      const picture = await ringPicture({
        partitions,
        nodes: Object.keys(map.members),
        width: this.io.stdout.columns ?? 80,
        color: this.paint.on,
        unicode: unicodeOn(),
      });
      this.out(picture.endsWith('\n') ? picture : `${picture}\n`);
    }
    return { cluster: map.name, revision: map.revision, partitions, owners: ownership(map) };
  }

  async #moves(map: ClusterMap): Promise<MovesReport> {
    const { movesLines, movesReport, movesColumns } = await import('../../src/cli/moves.js');
    const report = movesReport(map);
    await this.table(report.moves, movesColumns);
    this.note(movesLines(report));
    return report;
  }
}
