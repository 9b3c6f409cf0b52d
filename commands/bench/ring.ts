import type { RingFigures } from '../../src/bench/ring.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatDuration } from '../../src/text/duration.js';

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(1)} M`;

export default class BenchRing extends BaseCommand<typeof BenchRing> {
  static override summary =
    'Measures hashing, look-ups of owners and placement on this machine; needs no cluster.';
  static override examples = ['<%= config.bin %> bench ring', '<%= config.bin %> bench ring --json'];

  async run(): Promise<RingFigures> {
    const { benchRing } = await import('../../src/bench/ring.js');
    // The measurement holds the thread, so this text stands still.
    const progress = await this.progress('measuring the ring, some seconds');
    const figures = benchRing({ clock: () => performance.now() });
    progress.clear();
    const ways = [
      ...figures.table.map((of) => ({ way: `table of ${figures.tablePartitions} partitions`, ...of })),
      ...figures.ring.map((of) => ({ way: 'ring without partitions', ...of })),
    ];
    await this.table(ways, [
      { title: 'LOOK-UP', of: (row) => row.way },
      { title: 'NODES', of: (row) => row.nodes, align: 'right' },
      {
        title: 'A SECOND',
        of: (row) => millions(row.lookupsPerSecond),
        align: 'right',
        paint: (_, paint) => paint.bold,
      },
      { title: 'MAX/MEAN KEYS', of: (row) => row.maxOverMean.toFixed(3), align: 'right' },
      { title: 'MOVED, ONE GONE', of: (row) => row.movedOnRemoval.toFixed(3), align: 'right' },
    ]);
    this.out('\n');
    await this.table(figures.placements, [
      { title: 'PLACEMENT', of: (row) => `${row.partitions} × ${row.replicas} on ${row.members}` },
      { title: 'TAKES', of: (row) => formatDuration(row.ms), align: 'right' },
      { title: 'MAX/MEAN', of: (row) => row.maxOverMean.toFixed(3), align: 'right' },
      { title: 'PRIMARIES', of: (row) => row.primariesMaxOverMean.toFixed(3), align: 'right' },
      { title: 'COPIES, ONE GONE', of: (row) => row.removal.moved, align: 'right' },
      { title: 'LEAST', of: (row) => row.removal.least, align: 'right' },
    ]);
    this.note(`murmur3 of a 20-byte key: ${millions(figures.hashesPerSecond)} a second`);
    return figures;
  }
}
