import type { Random } from '../core/random.js';
import type { LogRecord, NodeStorage } from '../storage/contract.js';
import type { SimDisk } from './disk.js';
import type { Gate } from './gate.js';
import type { HostWorld } from './host-process.js';

/** The storage of a process of the host on a simulated disk: what it does takes time, and is lost or not when the process ends. */
export async function mount(
  disk: SimDisk,
  { gate, random, world }: { gate: Gate; random: Random; world: HostWorld },
): Promise<NodeStorage> {
  const after = (ms: number): Promise<void> =>
    new Promise((resolve) => world.queue.after(ms, () => gate.run('disk', resolve)));
  await after(random.between(1, 20));
  disk.open(world.rules);
  return {
    recovered: disk.recovered,
    append: async (records: readonly LogRecord[]) => {
      const { slow, slowMs } = world.scenario.disk;
      let ms = random.between(0.2, 2);
      if (random.chance(slow) && !world.healed) ms += random.next() * slowMs;
      disk.begin(records);
      await new Promise<void>((resolve) =>
        world.queue.after(ms, () => {
          if (!gate.alive) return;
          // It is on the disk, whether the process stands still or not.
          disk.finish();
          gate.run('disk', resolve);
        }),
      );
    },
    checkpoint: async (deltas) => {
      disk.checkpoint(deltas);
      await after(random.between(0.5, 5));
    },
    setDamaged: async (damaged) => disk.setDamaged(damaged),
    stats: () => disk.stats,
    close: async () => {},
  };
}
