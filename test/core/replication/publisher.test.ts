import { describe, expect, test } from 'vitest';
import { applyChange, noChange } from '../../../src/core/map/changes.js';
import type { ClusterMap, PartitionConfig } from '../../../src/core/map/types.js';
import { Publisher, type PublishOutcome } from '../../../src/core/publisher.js';
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
  test('that took effect gives its map, and is over', () => {
    const publisher = begun();
    expect(publisher.asking).toEqual(change.partitions);
    expect(publisher.ended('ok', 7, 3)).toEqual(applyChange(map, change));
    expect([publisher.idle, publisher.mayStart, publisher.needsMap]).toEqual([true, true, false]);
    expect(publisher.asking.size).toBe(0);
    expect(publisher.ended('failed', 7, 3)).toBeNull();
    expect(publisher.mayStart).toBe(true);
  });
  test('may be begun however many ticks went by before', () => {
    const publisher = new Publisher(soundRules);
    for (let i = 0; i < 3; i++) publisher.tick();
    expect(publisher.mayStart).toBe(true);
  });
  test('waits twice as long after each failure in a row, up to 32 ticks', () => {
    const publisher = new Publisher(soundRules);
    const waitAfter = (outcome: PublishOutcome): number => {
      expect(publisher.start(map, change)).not.toBeNull();
      expect(publisher.ended(outcome, 8, 0)?.revision ?? null).toBe(outcome === 'ok' ? 8 : null);
      let ticks = 0;
      for (; !publisher.mayStart; ticks++) publisher.tick();
      return ticks;
    };
    expect(Array.from({ length: 7 }, () => waitAfter('failed'))).toEqual([2, 4, 8, 16, 32, 32, 32]);
    expect([waitAfter('unknown'), waitAfter('conflict'), waitAfter('failed')]).toEqual([0, 0, 32]);
    expect([waitAfter('ok'), waitAfter('failed')]).toEqual([0, 2]);
  });
  test('is not repeated while it waits after a failure', () => {
    const publisher = begun();
    publisher.ended('unknown', 7, 3);
    publisher.sawMap(7, 4);
    expect(publisher.needsMap).toBe(false);
    expect(publisher.repeat()).toEqual({ expected: 7, map: applyChange(map, change) });
    publisher.ended('failed', 7, 4);
    // A read begun before that failure proves nothing of the second try.
    publisher.sawMap(7, 4);
    expect(publisher.needsMap).toBe(true);
    publisher.sawMap(7, 5);
    expect([publisher.needsMap, publisher.repeat()]).toEqual([false, null]);
    publisher.tick();
    expect(publisher.repeat()).toBeNull();
    publisher.tick();
    expect(publisher.repeat()).toMatchObject({ expected: 7 });
    expect(publisher.ended('ok', 7, 5)).toMatchObject({ revision: 8 });
  });
  test('of unknown outcome is not settled by an older map, or by one that no read gave', () => {
    const publisher = begun();
    publisher.ended('unknown', 7, 3);
    for (const [revision, read] of [
      [6, null],
      [7, null],
      [7, 2],
      [7, 3],
    ] as const) {
      publisher.sawMap(revision, read);
      expect([publisher.idle, publisher.needsMap]).toEqual([false, true]);
    }
  });
  test('that is under way, or to be repeated, is not settled by a newer map', () => {
    const publisher = begun();
    publisher.sawMap(9, 9);
    expect([publisher.idle, publisher.needsMap, publisher.repeat()]).toEqual([false, false, null]);
    publisher.ended('unknown', 7, 3);
    publisher.sawMap(7, 4);
    publisher.sawMap(9, 9);
    expect(publisher.repeat()).toMatchObject({ expected: 7 });
  });
});
