import { describe, expect, it } from 'vitest';
import type { Member } from '../../src/core/map/types.js';
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
  const trusted: readonly [string, Member, string, number][] = [
    ['the next start of the store that the map has', member, 'now', 5],
    ['a later one', member, 'now', 9],
    ['the next start of a store that the node had before and that still counts', member, 'before', 8],
    ['the first start of a new store', member, 'new', 1],
    ['a store that was made for a node that has never run', { ...member, incarnation: 0 }, 'now', 1],
    ['its second start, when the first was cut short', { ...member, incarnation: 0 }, 'now', 2],
  ];
  it.each(trusted)('trusts %s', (_, known, store, boot) => {
    expect(distrust(known, { store, boot })).toBeNull();
  });

  const distrusted: readonly [string, string, number, number][] = [
    ['a start that the map has seen', 'now', 4, 4],
    ['an earlier one', 'now', 2, 4],
    ['a start that was seen of a store that the node had before', 'before', 7, 7],
    ['a used store that the map does not know', 'unknown', 2, 0],
  ];
  it.each(distrusted)('distrusts %s', (_, store, boot, seen) => {
    expect(distrust(member, { store, boot })).toMatchObject({ seen });
  });
});
