import { BaseCommand } from '../../src/cli/base-command.js';
import { mapOf } from '../../src/cli/cluster-actions.js';
import { keyArgs } from '../../src/cli/node-flags.js';
import { nodeOf } from '../../src/core/map/types.js';
import { hashKey, partitionOf } from '../../src/core/ring/hash.js';
import { MusterError } from '../../src/errors.js';

interface Row {
  readonly key: string;
  readonly hash: number;
  readonly partition: number;
  readonly primary: string;
  readonly backups: readonly string[];
}

export default class RingLocate extends BaseCommand<typeof RingLocate> {
  static override summary = 'Show the hash, partition, primary and backups of keys';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> ring locate hits user/7'];
  static override complete = { key: 'name' } as const;
  static override strict = false;
  static override asks = { key: [] };
  static override args = keyArgs;

  async run(): Promise<Row[]> {
    if (this.argvRest.length === 0) throw new MusterError('usage', 'missing keys: name the keys to locate');
    const map = await mapOf(await this.findCluster(), this.timeoutMs());
    const rows = this.argvRest.map((key): Row => {
      const hash = hashKey(key);
      const partition = partitionOf(hash, map.partitions.length);
      const config = map.partitions[partition]!;
      const backups = config.inSync.filter((replica) => replica !== config.primary).map(nodeOf);
      return { key, hash, partition, primary: nodeOf(config.primary), backups };
    });
    await this.table(rows, [
      { title: 'KEY', of: (row) => row.key },
      { title: 'HASH', of: (row) => row.hash.toString(16).padStart(8, '0') },
      { title: 'PARTITION', of: (row) => row.partition, align: 'right' },
      { title: 'PRIMARY', of: (row) => row.primary, paint: (_, paint) => paint.cyan },
      { title: 'BACKUPS', of: (row) => row.backups.join(', ') || null },
    ]);
    return rows;
  }
}
