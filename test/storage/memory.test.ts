import { MemoryDisk, type MemoryStorage } from '../../src/storage/memory.js';
import { storageCompliance } from './compliance.js';

storageCompliance('memory', async () => {
  const disk = new MemoryDisk('disk', 8);
  return {
    open: async (durability) => disk.open(durability),
    kill: async (storage) => (storage as MemoryStorage).crash(),
    powerOff: async (storage) => (storage as MemoryStorage).crash({ machine: true }),
    destroy: async () => {},
  };
});
