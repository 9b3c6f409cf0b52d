import { hashKey, partitionOf } from '../core/ring/hash.js';
import { countMoves, leastMoves, type PlaceMember, place } from '../core/ring/placement.js';
import { Ring } from '../core/ring/ring.js';

/** Anything that says which node a key belongs to. `without` answers for the same nodes less one. */
export interface Locator {
  ownerOf(key: string): string;
  without(node: string): Locator;
  /** For the same nodes given in reverse order. */
  reversed(): Locator;
}

export type MakeLocator = (nodes: readonly string[]) => Locator;

export interface LocatorFigures {
  readonly nodes: number;
  readonly lookupsPerSecond: number;
  /** The keys of the fullest node, against the mean. */
  readonly maxOverMean: number;
  /** The share of keys whose owner changed when the first node was removed; ideal: 1/nodes. */
  readonly movedOnRemoval: number;
  /** The share of keys with the same owner when the nodes are given in reverse order; ideal: 1. */
  readonly sameInOtherOrder: number;
}

export interface PlacementFigures {
  readonly partitions: number;
  readonly replicas: number;
  readonly members: number;
  readonly ms: number;
  /** Replicas (and preferred primaries) of the fullest member, against the mean. */
  readonly maxOverMean: number;
  readonly primariesMaxOverMean: number;
  /** Placing anew without the first member: time, replicas copied, and the least possible. */
  readonly removal: { readonly ms: number; readonly moved: number; readonly least: number };
}

export interface RingFigures {
  /** Hashes of a 20-byte key per second. */
  readonly hashesPerSecond: number;
  /** Key → partition → primary by a flat table of `tablePartitions` partitions, as clients do. */
  readonly table: readonly LocatorFigures[];
  /** `Ring.ownerOf`, for those who want a ring without partitions. */
  readonly ring: readonly LocatorFigures[];
  readonly tablePartitions: number;
  readonly placements: readonly PlacementFigures[];
}

export interface BenchRingOptions {
  /** A monotonic clock, in ms with fractions. */
  readonly clock: () => number;
  readonly nodes?: readonly number[];
  /** Each rate is the median of five runs of about this long, in ms. Default 150. */
  readonly runMs?: number;
}

/** Partitions of the flat table that lookups are measured with. */
export const TABLE_PARTITIONS = 4096;

/** 20-byte keys, as in PEERS.md. */
export function benchKeys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `key:${String(i * 7919).padStart(16, '0')}`);
}

export const benchNodes = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:7000`);

/**
 * Calls per second of each contender over all keys in turn: medians of five rounds. All are warmed up before any
 * is measured, for the first one alone would have its call inlined and the later ones not; and they take turns,
 * each round beginning with another one, so that a busy moment of the machine meets all alike.
 */
export function ratesOf(
  lookups: readonly ((key: string) => unknown)[],
  keys: readonly string[],
  options: BenchRingOptions,
): number[] {
  const { clock, runMs = 150 } = options;
  let sink: unknown;
  const run = (lookup: (key: string) => unknown): number => {
    const start = clock();
    let calls = 0;
    let elapsed = 0;
    do {
      // The clock is asked now and then only: it costs as much as a lookup. Slow peers still end in time.
      for (let n = 0; n < 1000; n += 1) sink = lookup(keys[(calls + n) % keys.length]!);
      calls += 1000;
      elapsed = clock() - start;
    } while (elapsed < runMs);
    return (calls / elapsed) * 1000;
  };
  for (let n = 0; n < 2; n += 1) for (const lookup of lookups) run(lookup);
  const rates: number[][] = lookups.map(() => []);
  for (let round = 0; round < 5; round += 1) {
    for (let k = 0; k < lookups.length; k += 1) {
      const at = (round + k) % lookups.length;
      rates[at]!.push(run(lookups[at]!));
    }
  }
  // Using the last result keeps the loop from being optimised away.
  return rates.map((of) => (sink === undefined ? 0 : of.sort((x, y) => x - y)[2]!));
}

export interface Contender {
  readonly make: MakeLocator;
  /** Keys that the shares are taken from; fewer for slow peers. Default 200,000. */
  readonly samples?: number;
}

/** Measures ways of finding owners side by side; figures in the order of the contenders. */
export function measureLocators(
  contenders: readonly Contender[],
  nodes: number,
  options: BenchRingOptions,
): LocatorFigures[] {
  const names = benchNodes(nodes);
  const locators = contenders.map(({ make }) => make(names));
  const rates = ratesOf(
    locators.map((locator) => (key: string) => locator.ownerOf(key)),
    benchKeys(65_536),
    options,
  );
  return locators.map((locator, i) => ({
    nodes,
    lookupsPerSecond: rates[i]!,
    ...shares(locator, names, contenders[i]!.samples ?? 200_000),
  }));
}

function shares(
  locator: Locator,
  names: readonly string[],
  samples: number,
): Omit<LocatorFigures, 'nodes' | 'lookupsPerSecond'> {
  const keys = benchKeys(samples);
  const before = keys.map((key) => locator.ownerOf(key));
  const loads = new Map<string, number>();
  for (const owner of before) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  const other = locator.reversed();
  const same = keys.reduce((sum, key, i) => sum + (other.ownerOf(key) === before[i] ? 1 : 0), 0);
  const fewer = locator.without(names[0]!);
  const moved = keys.reduce((sum, key, i) => sum + (fewer.ownerOf(key) === before[i] ? 0 : 1), 0);
  return {
    maxOverMean: (Math.max(...loads.values()) * names.length) / samples,
    movedOnRemoval: moved / samples,
    sameInOtherOrder: same / samples,
  };
}

const toMembers = (nodes: readonly string[]): PlaceMember[] =>
  nodes.map((id) => ({ id, weight: 1, zone: '' }));

/** muster's own way: the key's partition, and the preferred primary of that in a flat table. */
export const tableLocator =
  (partitions: number, previous?: readonly (readonly string[])[]): MakeLocator =>
  (nodes) => {
    const placed = place({
      partitions,
      replicas: Math.min(3, nodes.length),
      members: toMembers(nodes),
      previous,
    });
    const table = placed.map((list) => list[0]!);
    return {
      ownerOf: (key) => table[partitionOf(hashKey(key), partitions)]!,
      without: (node) => tableLocator(partitions, placed)(nodes.filter((n) => n !== node)),
      reversed: () => tableLocator(partitions)([...nodes].reverse()),
    };
  };

export const ringLocator: MakeLocator = (nodes) => {
  const ring = new Ring(nodes.map((id) => ({ id, weight: 1 })));
  return {
    ownerOf: (key) => ring.ownerOf(key),
    without: (node) => ringLocator(nodes.filter((n) => n !== node)),
    reversed: () => ringLocator([...nodes].reverse()),
  };
};

/** Times a placement from scratch and one after a removal; medians of three. */
export function measurePlacement(partitions: number, count: number, clock: () => number): PlacementFigures {
  const members = toMembers(benchNodes(count));
  const replicas = Math.min(3, count);
  const timed = <T>(make: () => T): { ms: number; value: T } => {
    const runs = [0, 1, 2].map(() => {
      const start = clock();
      const value = make();
      return { ms: clock() - start, value };
    });
    return runs.sort((a, b) => a.ms - b.ms)[1]!;
  };
  const input = { partitions, replicas, members };
  const { ms, value: previous } = timed(() => place(input));
  const fewer = { ...input, members: members.slice(1), previous };
  const after = timed(() => place(fewer));
  const most = (ids: readonly string[]): number => {
    const loads = new Map<string, number>();
    for (const id of ids) loads.set(id, (loads.get(id) ?? 0) + 1);
    return (Math.max(...loads.values()) * count) / ids.length;
  };
  return {
    partitions,
    replicas,
    members: count,
    ms,
    maxOverMean: most(previous.flat()),
    primariesMaxOverMean: most(previous.map((list) => list[0]!)),
    removal: { ms: after.ms, moved: countMoves(previous, after.value), least: leastMoves(fewer) },
  };
}

/** muster's two ways, first the table. */
export const ownContenders: readonly Contender[] = [
  { make: tableLocator(TABLE_PARTITIONS) },
  { make: ringLocator },
];

/** Placements of a small, a middling and the largest cluster. */
export function measurePlacements(clock: () => number): PlacementFigures[] {
  return [
    measurePlacement(64, 5, clock),
    measurePlacement(TABLE_PARTITIONS, 100, clock),
    measurePlacement(16_384, 1000, clock),
  ];
}

/** All of muster's own figures of the ring; some seconds of one processor. */
export function benchRing(options: BenchRingOptions): RingFigures {
  const measured = (options.nodes ?? [10, 100]).map((n) => measureLocators(ownContenders, n, options));
  return {
    hashesPerSecond: ratesOf([hashKey], benchKeys(65_536), options)[0]!,
    table: measured.map(([table]) => table!),
    ring: measured.map(([, ring]) => ring!),
    tablePartitions: TABLE_PARTITIONS,
    placements: measurePlacements(options.clock),
  };
}
