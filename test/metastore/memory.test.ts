import { MemoryMaps, MemoryMetastore } from '../../src/metastore/memory.js';
import { metastoreCompliance } from './compliance.js';

metastoreCompliance('memory', async () => {
  const maps = new MemoryMaps();
  return { connect: () => new MemoryMetastore(maps), destroy: async () => {} };
});
