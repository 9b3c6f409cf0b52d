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
