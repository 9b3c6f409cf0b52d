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
  /** Each rate is the median of three runs of about this long, in ms. Default 150. */
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

/** Calls of `lookup` per second over all keys in turn: the median of three runs, after one to warm up. */
export function rateOf(
  lookup: (key: string) => unknown,
  keys: readonly string[],
  options: BenchRingOptions,
): number {
  const { clock, runMs = 150 } = options;
  let sink: unknown;
  const run = (): number => {
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
  run();
  const rates = [run(), run(), run()].sort((a, b) => a - b);
  // Using the last result keeps the loop from being optimised away.
  return sink === undefined ? 0 : rates[1]!;
}

/** Measures one way of finding owners. `samples`: keys for the shares (fewer for slow peers). */
export function measureLocator(
  make: MakeLocator,
  nodes: number,
  options: BenchRingOptions,
  samples = 200_000,
): LocatorFigures {
  const names = benchNodes(nodes);
  const locator = make(names);
  const keys = benchKeys(samples);
  const lookupsPerSecond = rateOf((key) => locator.ownerOf(key), keys.slice(0, 65_536), options);
  const before = keys.map((key) => locator.ownerOf(key));
  const loads = new Map<string, number>();
  for (const owner of before) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  const other = locator.reversed();
  const same = keys.reduce((sum, key, i) => sum + (other.ownerOf(key) === before[i] ? 1 : 0), 0);
  const fewer = locator.without(names[0]!);
  const moved = keys.reduce((sum, key, i) => sum + (fewer.ownerOf(key) === before[i] ? 0 : 1), 0);
  return {
    nodes,
    lookupsPerSecond,
    maxOverMean: (Math.max(...loads.values()) * nodes) / samples,
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

/** All of muster's own figures of the ring; some seconds of one processor. */
export function benchRing(options: BenchRingOptions): RingFigures {
  const { nodes = [10, 100], clock } = options;
  const table = tableLocator(TABLE_PARTITIONS);
  return {
    hashesPerSecond: rateOf(hashKey, benchKeys(65_536), options),
    table: nodes.map((n) => measureLocator(table, n, options)),
    ring: nodes.map((n) => measureLocator(ringLocator, n, options)),
    tablePartitions: TABLE_PARTITIONS,
    placements: [
      measurePlacement(64, 5, clock),
      measurePlacement(TABLE_PARTITIONS, 100, clock),
      measurePlacement(16_384, 1000, clock),
    ],
  };
}
