import { expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { murmur3 } from '../../../src/core/ring/hash.js';
import { type PlaceInput, type PlaceMember, place } from '../../../src/core/ring/placement.js';
import { Ring } from '../../../src/core/ring/ring.js';

/**
 * During an upgrade nodes of two versions publish placements side by side: what one wants the other must not change back. So these
 * values change only on purpose, with a note for whoever upgrades.
 */
const shape = (lists: readonly (readonly string[])[]): number => murmur3(JSON.stringify(lists));

const members = (n: number, more: (i: number) => Partial<PlaceMember> = () => ({})): PlaceMember[] =>
  Array.from({ length: n }, (_, i) => ({ id: `n${i + 1}`, weight: 1, zone: '', ...more(i) }));

const zoned = (i: number): Partial<PlaceMember> => ({ zone: `z${i % 3}` });
const weighted = (i: number): Partial<PlaceMember> => ({ weight: 1 + (i % 4) });
const lopsided = (i: number): Partial<PlaceMember> => ({
  zone: i < 5 ? 'big' : `z${i}`,
  weight: 1 + (i % 3),
});

/** Placed from scratch, then after each of these changes of the members. */
function history(
  input: Omit<PlaceInput, 'previous'>,
  changes: readonly (readonly PlaceMember[])[],
): number[] {
  let placed = place(input);
  const shapes = [shape(placed)];
  for (const next of changes) {
    placed = place({ ...input, members: next, previous: placed });
    shapes.push(shape(placed));
  }
  return shapes;
}

const changes = (more: (i: number) => Partial<PlaceMember>): PlaceMember[][] => [
  members(8, more),
  members(9, more).slice(1),
  members(9, more).map((m) => (m.id === 'n3' ? { ...m, weight: 5 } : m)),
  members(4, more),
  members(12, more),
];

test('placements are those of other versions', () => {
  const of = (more: (i: number) => Partial<PlaceMember>): number[] =>
    history({ partitions: 128, replicas: 3, members: members(7, more) }, changes(more));
  expect([of(() => ({})), of(zoned), of(weighted), of(lopsided)]).toEqual([
    [900248788, 1655536425, 3673689393, 3490044310, 4267678517, 2268599457],
    [3260757594, 82275515, 3748884521, 4065339284, 151252471, 1331379112],
    [276399244, 1783004684, 69593895, 89686195, 2516664961, 1944727875],
    [2167133369, 1663632256, 3220394102, 743405421, 1561015328, 4283759065],
  ]);
});

test('a placement that loses replicas or zones is that of other versions', () => {
  const before = place({ partitions: 64, replicas: 4, members: members(6) });
  const fewer = place({ partitions: 64, replicas: 2, members: members(6), previous: before });
  const split = place({ partitions: 64, replicas: 3, members: members(6, zoned), previous: before });
  expect([shape(before), shape(fewer), shape(split)]).toEqual([2783475168, 2965069516, 4066777067]);
});

test('a ring has the owners that other versions give it', () => {
  const ring = new Ring(members(5, weighted), { points: 16 });
  const owners = Array.from({ length: 200 }, (_, i) => ring.ownerOf(`key:${i}`));
  const walks = [0, 1, 2 ** 31, 2 ** 32 - 1].map((hash) => [...ring.walk(hash)]);
  const shares = [...ring.shares()].map(([id, share]) => [id, share.toFixed(12)]);
  expect([ring.size, shape([owners]), shape(walks), shape(shares)]).toEqual([
    176, 747132865, 2196315747, 3710489115,
  ]);
});

/** What surrounds a few small clusters: their members, and what is placed before. */
interface Surroundings {
  readonly zones: readonly string[];
  readonly weights: readonly number[];
  /** Members that come, go or change at a time. */
  readonly changes: number;
  /** Begins with partitions anywhere instead of a placement. */
  readonly scattered?: boolean;
}

/** A hash over the placements of small random clusters and of what becomes of them. */
function shapesOf({ zones, weights, changes, scattered = false }: Surroundings): number {
  const random = new Random(zones.length * 1000 + weights.length * 100 + changes);
  const placements: (readonly (readonly string[])[])[] = [];
  for (let cluster = 0; cluster < 12; cluster += 1) {
    const one = (i: number): PlaceMember => ({
      id: `n${i}`,
      weight: random.pick(weights),
      zone: random.pick(zones),
    });
    let list = Array.from({ length: 2 + random.below(9) }, (_, i) => one(i));
    const partitions = 1 + random.below(24);
    let previous: readonly (readonly string[])[] | undefined;
    if (scattered)
      previous = Array.from({ length: random.below(partitions + 2) }, () =>
        Array.from({ length: random.below(5) }, () => `n${random.below(12)}`),
      );
    for (let step = 0; step < 5; step += 1) {
      const replicas = 1 + random.below(4);
      const placed = place({ partitions, replicas, members: list, ...(previous && { previous }) });
      placements.push(placed);
      previous = placed;
      for (let n = 0; n < changes; n += 1) {
        const at = random.below(list.length);
        const kind = random.below(3);
        if (kind === 0) list = [...list, one(100 * cluster + 10 * step + n + 20)];
        else if (kind === 1 && list.length > 1) list = list.filter((_, i) => i !== at);
        else list = list.map((m, i) => (i === at ? { ...one(0), id: m.id } : m));
      }
    }
  }
  return murmur3(JSON.stringify(placements));
}

test.each<[what: string, surroundings: Surroundings, shape: number]>([
  ['equal members', { zones: [''], weights: [1], changes: 1 }, 260476625],
  ['weights', { zones: [''], weights: [1, 2, 3, 4], changes: 1 }, 1975833159],
  ['fractions, and none', { zones: [''], weights: [0, 0.5, 1, 1.7, 6], changes: 2 }, 1627405043],
  ['three zones', { zones: ['a', 'b', 'c'], weights: [1], changes: 2 }, 1886005001],
  ['zones and none', { zones: ['', 'a', 'a', 'b'], weights: [1, 3], changes: 3 }, 1307597861],
  ['two zones', { zones: ['a', 'b'], weights: [1, 1, 2], changes: 1 }, 1471466289],
  ['partitions anywhere', { zones: [''], weights: [1, 2], changes: 1, scattered: true }, 2300345052],
  [
    'partitions anywhere in zones',
    { zones: ['a', 'a', 'b', ''], weights: [1, 2], changes: 2, scattered: true },
    3177851669,
  ],
])('small placements are those of other versions: %s', (_, surroundings, known) => {
  expect(shapesOf(surroundings)).toBe(known);
});
