import type { ClusterMap } from '../../src/core/map/types.js';
import { defaultTimings } from '../../src/limits.js';

/** A small map of a revision; `name` tells who made it. */
export const mapOf = (revision: number, name = 'test'): ClusterMap => ({
  format: 1,
  cluster: 'c-1',
  name,
  revision,
  settings: {
    partitions: 1,
    replicas: 1,
    minInSync: 1,
    durability: 'fsync',
    timings: defaultTimings,
    repairAfterMs: 30_000,
  },
  members: {},
  partitions: [],
  placement: null,
});
