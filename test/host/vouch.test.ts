import { describe, expect, it } from 'vitest';
import { withProcess } from '../../src/core/map/changes.js';
import type { ClusterMap, Member } from '../../src/core/map/types.js';
import { distrust } from '../../src/host/vouch.js';

const member: Member = {
  id: 'n1',
  store: 'now',
  incarnation: 4,
  url: 'ws://127.0.0.1:1',
  weight: 1,
  zone: '',
  state: 'active',
  former: { before: 7 },
};

describe('whether a store may count as the replica that it was', () => {
  const unborn = { ...member, incarnation: 0 };
  const trusted: readonly [string, Member, string, number, boolean][] = [
    ['the next start of the store that the map has', member, 'now', 5, false],
    ['a later one', member, 'now', 9, false],
    ['the next start of a store that the node had before and that still counts', member, 'before', 8, false],
    ['a store that was made just now', member, 'new', 1, true],
    ['a store that was made for a node that has never run', unborn, 'now', 1, false],
    ['its second start, when the first was cut short', unborn, 'now', 2, false],
    ['any store of a node that has never run', unborn, 'other', 2, false],
  ];
  it.each(trusted)('trusts %s', (_, known, store, boot, isNew) => {
    expect(distrust(known, { store, boot, isNew })).toBeNull();
  });

  const distrusted: readonly [string, string, number, string][] = [
    [
      'a start that the map has seen',
      'now',
      4,
      'recorded start 4 of this store, the store itself only start 3',
    ],
    ['an earlier one', 'now', 2, 'recorded start 4 of this store, the store itself only start 1'],
    [
      'a start that was seen of a store that the node had before',
      'before',
      7,
      'recorded start 7 of this store',
    ],
    [
      'a store that the map does not know, and that was started before',
      'unknown',
      2,
      'has used another store since',
    ],
    ['one that was made earlier and not started', 'unknown', 1, 'has used another store since'],
  ];
  it.each(distrusted)('distrusts %s', (_, store, boot, why) => {
    expect(distrust(member, { store, boot, isNew: false })).toContain(why);
  });

  it('trusts a store that the map counts, and whose first start ended before it was in the map', () => {
    const counted = { partitions: [{ inSync: ['n1/now'] }] } as unknown as ClusterMap;
    const next = withProcess(counted, unborn, { store: 'other', incarnation: 1, url: '' });
    expect(distrust(next, { store: 'now', boot: 2, isNew: false })).toBeNull();
  });
});
