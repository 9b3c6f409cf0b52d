import { ceilOf, floorOf, idealsOf, type PlaceInput } from '../../../src/core/ring/quotas.js';

/**
 * The exact least number of copies from `previous` to any placement that gives every member and every zone its
 * ideal rounded down or up, no partition a member twice and no zone more of a partition than it must: a flow of
 * least cost, found by Bellman and Ford's shortest paths. Slow and independent of the code it judges; for small
 * cases.
 */
export function exactLeastMoves(input: PlaceInput): number {
  const { ids, replicas, replicaIdeal, zones, zoneCount, perZone } = idealsOf(input);
  const source = 0;
  const sink = 1;
  const partition = (p: number): number => 2 + p;
  const member = (i: number): number => 2 + input.partitions + i;
  const zone = (z: number): number => 2 + input.partitions + ids.length + z;
  const zoneIn = (p: number, z: number): number => zone(zoneCount) + p * zoneCount + z;
  const from: number[] = [];
  const to: number[] = [];
  const room: number[] = [];
  const cost: number[] = [];
  const arc = (a: number, b: number, capacity: number, price: number): void => {
    from.push(a, b);
    to.push(b, a);
    room.push(capacity, 0);
    cost.push(price, -price);
  };
  for (let p = 0; p < input.partitions; p += 1) {
    arc(source, partition(p), replicas, 0);
    for (let z = 0; z < zoneCount; z += 1) arc(partition(p), zoneIn(p, z), perZone, 0);
    for (const [i, id] of ids.entries())
      arc(zoneIn(p, zones[i]!), member(i), 1, input.previous?.[p]?.includes(id) ? 0 : 1);
  }
  // What everybody must have is worth more than any detour; what it may have beyond that costs nothing.
  const must = -1_000_000;
  const bounded = (a: number, b: number, ideal: number): void => {
    arc(a, b, floorOf(ideal), must);
    arc(a, b, ceilOf(ideal) - floorOf(ideal), 0);
  };
  const zoneIdeals = Array.from({ length: zoneCount }, () => 0);
  for (const [i, ideal] of replicaIdeal.entries()) {
    bounded(member(i), zone(zones[i]!), ideal);
    zoneIdeals[zones[i]!]! += ideal;
  }
  for (const [z, ideal] of zoneIdeals.entries()) bounded(zone(z), sink, ideal);
  const nodes = zoneIn(input.partitions, 0);
  let flow = 0;
  let price = 0;
  for (;;) {
    const distance = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    const via = new Int32Array(nodes).fill(-1);
    distance[source] = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (let e = 0; e < to.length; e += 1) {
        const reached = distance[from[e]!]! + cost[e]!;
        if (room[e]! > 0 && reached < distance[to[e]!]!) {
          distance[to[e]!] = reached;
          via[to[e]!] = e;
          changed = true;
        }
      }
    }
    if (distance[sink] === Number.POSITIVE_INFINITY) break;
    let least = Number.POSITIVE_INFINITY;
    for (let at = sink; at !== source; at = from[via[at]!]!) least = Math.min(least, room[via[at]!]!);
    for (let at = sink; at !== source; at = from[via[at]!]!) {
      room[via[at]!]! -= least;
      room[via[at]! ^ 1]! += least;
    }
    flow += least;
    price += least * distance[sink]!;
  }
  if (flow !== input.partitions * replicas) throw new Error('no placement meets the ideals');
  const musts = [...replicaIdeal, ...zoneIdeals].reduce((sum, ideal) => sum + floorOf(ideal), 0);
  return price - must * musts;
}

/**
 * Whether a placement could be had for fewer copies: whether there is a round of replacements that leaves all loads
 * within their bounds and makes fewer copies. By the theorem of negative cycles there is none exactly when the
 * copies are the least possible, so this judges sizes that `exactLeastMoves` is too slow for.
 */
export function canBeCheaper(input: PlaceInput, placed: readonly (readonly string[])[]): boolean {
  const { ids, index, replicaIdeal, zones, zoneCount, perZone } = idealsOf(input);
  const root = ids.length + zoneCount;
  const load = new Int32Array(root);
  const ideal = new Float64Array(root);
  for (const [i, x] of replicaIdeal.entries()) {
    ideal[i]! += x;
    ideal[ids.length + zones[i]!]! += x;
  }
  // By pairs: what it costs at least that the second takes the place of the first somewhere.
  const cost = Array.from({ length: root + 1 }, () =>
    new Float64Array(root + 1).fill(Number.POSITIVE_INFINITY),
  );
  for (const [p, list] of placed.entries()) {
    const holders = list.map((id) => index.get(id)!);
    const old = new Set(input.previous?.[p]?.map((id) => index.get(id)));
    const inZone = new Int32Array(zoneCount);
    for (const i of holders) {
      load[i]! += 1;
      load[ids.length + zones[i]!]! += 1;
      inZone[zones[i]!]! += 1;
    }
    for (let to = 0; to < ids.length; to += 1) {
      if (holders.includes(to)) continue;
      for (const from of holders) {
        if (zones[from] !== zones[to] && inZone[zones[to]!]! >= perZone) continue;
        const price = (old.has(to) ? 0 : 1) - (old.has(from) ? 0 : 1);
        if (price < cost[from]![to]!) cost[from]![to] = price;
      }
    }
  }
  for (let node = 0; node < root; node += 1) {
    const above = node < ids.length ? ids.length + zones[node]! : root;
    if (load[node]! < ceilOf(ideal[node]!)) cost[node]![above] = 0;
    if (load[node]! > floorOf(ideal[node]!)) cost[above]![node] = 0;
  }
  const distance = new Float64Array(root + 1);
  for (let round = 0; round <= root; round += 1) {
    let changed = false;
    for (let a = 0; a <= root; a += 1) {
      for (let b = 0; b <= root; b += 1) {
        if (distance[a]! + cost[a]![b]! >= distance[b]!) continue;
        distance[b] = distance[a]! + cost[a]![b]!;
        changed = true;
      }
    }
    if (!changed) return false;
  }
  return true;
}

/**
 * The theoretical least number of primaries that change for any placement whose primaries are the ideals rounded
 * down or up: what members must gain, those that are rounded up being the ones that have as many already.
 */
export function leastPrimaryChanges(input: PlaceInput): number {
  const { index, primaryIdeal } = idealsOf(input);
  const led = new Int32Array(primaryIdeal.length);
  for (const list of input.previous ?? []) {
    const first = index.get(list[0] ?? '');
    if (first !== undefined) led[first]! += 1;
  }
  let least = 0;
  let up = input.partitions;
  for (const [i, ideal] of primaryIdeal.entries()) {
    least += Math.max(0, floorOf(ideal) - led[i]!);
    up -= floorOf(ideal);
  }
  const free = primaryIdeal.filter((ideal, i) => ceilOf(ideal) > floorOf(ideal) && led[i]! > floorOf(ideal));
  return least + Math.max(0, up - free.length);
}
