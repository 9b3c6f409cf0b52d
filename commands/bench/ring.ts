import type { RingFigures } from '../../src/bench/ring.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatDuration } from '../../src/text/duration.js';

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(1)} M`;

export default class BenchRing extends BaseCommand<typeof BenchRing> {
  static override summary = 'Measure hashing, owner lookups and placement on this machine, without a cluster';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> bench ring', '<%= config.bin %> bench ring --json'];

  async run(): Promise<RingFigures> {
    const { benchRing } = await import('../../src/bench/ring.js');
    // The measurement blocks the event loop, so the spinner does not move.
    const progress = await this.progress('measuring the ring, which takes a few seconds');
    const figures = benchRing({ clock: () => performance.now() });
    progress.clear();
    const ways = [
      ...figures.table.map((of) => ({ way: `partition table (${figures.tablePartitions})`, ...of })),
      ...figures.ring.map((of) => ({ way: 'ring without a table', ...of })),
    ];
    await this.table(ways, [
      { title: 'LOOKUP', of: (row) => row.way },
      { title: 'NODES', of: (row) => row.nodes, align: 'right' },
      {
        title: 'OPS/S',
        of: (row) => millions(row.lookupsPerSecond),
        align: 'right',
        paint: (_, paint) => paint.bold,
      },
      { title: 'MAX/MEAN KEYS', of: (row) => row.maxOverMean.toFixed(3), align: 'right' },
      { title: 'MOVED ON REMOVAL', of: (row) => row.movedOnRemoval.toFixed(3), align: 'right' },
    ]);
    this.out('\n');
    await this.table(figures.placements, [
      {
        title: 'PLACEMENT',
        of: (row) => `${row.partitions} partitions × ${row.replicas} on ${row.members} nodes`,
      },
      { title: 'TIME', of: (row) => formatDuration(row.ms), align: 'right' },
      { title: 'MAX/MEAN', of: (row) => row.maxOverMean.toFixed(3), align: 'right' },
      { title: 'MAX/MEAN PRIMARIES', of: (row) => row.primariesMaxOverMean.toFixed(3), align: 'right' },
      { title: 'COPIES ON REMOVAL', of: (row) => row.removal.moved, align: 'right' },
      { title: 'MINIMUM', of: (row) => row.removal.least, align: 'right' },
    ]);
    this.note(`murmur3 of a 20-byte key: ${millions(figures.hashesPerSecond)} hashes/s`);
    return figures;
  }
}
