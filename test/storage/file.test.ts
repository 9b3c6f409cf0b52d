import { Random } from '../../src/core/random.js';
import { type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { openSimStorage } from '../../src/simulator/sim-storage.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage } from '../../src/storage/open.js';
import { storageCompliance } from './compliance.js';
import { type Folder, temporaryFolder } from './folder.js';

storageCompliance('folder', async () => {
  const folder: Folder = temporaryFolder();
  let machine = 1;
  return {
    open: (durability = 'fsync') =>
      openStorage({ dir: folder.path, durability, segmentBytes: 4096, machine: String(machine) }),
    kill: (storage) => (storage as FileStorage).abandon(),
    powerOff: async (storage) => {
      await (storage as FileStorage).abandon();
      machine++;
    },
    destroy: async () => folder.remove(),
  };
});

storageCompliance('simulated disk', async () => {
  const random = new Random(1);
  const disk = new SimFileSystem({ random: random.fork(), step: async () => {} });
  const processes = new Map<unknown, SimFileProcess>();
  let machine = 1;
  return {
    open: async (durability = 'fsync') => {
      const process = disk.process('node', { immediate: true });
      const options = { process, dir: '/n1', random, durability, machine: String(machine) };
      const storage = await openSimStorage(options);
      processes.set(storage, process);
      return storage;
    },
    kill: async (storage) => processes.get(storage)?.kill(),
    powerOff: async () => {
      disk.powerFailure();
      machine++;
    },
    destroy: async () => {},
  };
});
