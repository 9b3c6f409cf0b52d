import { describe, expect, test } from 'vitest';
import { noChange } from '../../../src/core/map/changes.js';
import type { ClusterMap, PartitionConfig } from '../../../src/core/map/types.js';
import { Publisher } from '../../../src/core/publisher.js';
import { soundRules } from '../../../src/core/rules.js';
import { defaultTimings } from '../../../src/limits.js';

const config: PartitionConfig = {
  gen: 1,
  epoch: 1,
  primary: 'n1/a',
  inSync: ['n1/a', 'n2/b'],
  target: ['n1', 'n2'],
  placed: 1,
  handover: null,
};
const map: ClusterMap = {
  format: 1,
  cluster: 'c',
  name: 'c',
  revision: 7,
  settings: {
    partitions: 1,
    replicas: 2,
    minInSync: 1,
    durability: 'fsync',
    timings: defaultTimings,
    repairAfterMs: 30_000,
  },
  members: {},
  partitions: [config],
  placement: null,
};
const change = { ...noChange, partitions: new Map([[0, { ...config, epoch: 2 }]]) };

function begun(): Publisher {
  const publisher = new Publisher(soundRules);
  expect(publisher.start(map, change)).toMatchObject({ expected: 7, map: { revision: 8 } });
  return publisher;
}

describe('a publish', () => {
  test('is one at a time, and carries nothing when nothing is wanted', () => {
    const publisher = new Publisher(soundRules);
    expect(publisher.start(map, noChange)).toBeNull();
    expect(publisher.mayStart).toBe(true);
    publisher.start(map, change);
    expect(publisher.mayStart).toBe(false);
  });
  test('of unknown outcome stays open until a newer revision is in hand (R6)', () => {
    const publisher = begun();
    publisher.ended('unknown', 7, 3);
    expect(publisher.idle).toBe(false);
    expect(publisher.needsMap).toBe(true);
    publisher.sawMap(7, 3);
    expect(publisher.repeat()).toBeNull();
    publisher.sawMap(8, null);
    expect(publisher.idle).toBe(true);
  });
  test('is over at once when its conflict comes and the newer map is in hand already', () => {
    const publisher = begun();
    publisher.sawMap(8, null);
    expect(publisher.idle).toBe(false);
    publisher.ended('conflict', 8, 3);
    expect([publisher.idle, publisher.needsMap, publisher.mayStart]).toEqual([true, false, true]);
  });
  test('is sent again when a read begun since still shows the old revision', () => {
    const publisher = begun();
    publisher.ended('unknown', 7, 3);
    publisher.sawMap(7, 4);
    expect(publisher.repeat()).toMatchObject({ expected: 7, map: { revision: 8 } });
    expect(publisher.repeat()).toBeNull();
  });
  test('that failed after an attempt of unknown outcome is still open: the first may yet take effect', () => {
    const publisher = begun();
    publisher.ended('unknown', 7, 3);
    publisher.sawMap(7, 4);
    publisher.repeat();
    publisher.ended('failed', 7, 4);
    expect(publisher.idle).toBe(false);
    publisher.sawMap(9, 5);
    expect(publisher.idle).toBe(true);
  });
  test('that failed for certain is over, and the next waits a little', () => {
    const publisher = begun();
    publisher.ended('failed', 7, 3);
    expect(publisher.idle).toBe(true);
    expect(publisher.mayStart).toBe(false);
    for (let i = 0; i < 2; i++) publisher.tick();
    expect(publisher.mayStart).toBe(true);
  });
  test('that met a conflict is over only when the newer map is in hand: the conflict may be with its own first try', () => {
    const publisher = begun();
    publisher.ended('conflict', 7, 3);
    expect(publisher.idle).toBe(false);
    publisher.sawMap(8, 4);
    expect(publisher.idle).toBe(true);
  });
});
