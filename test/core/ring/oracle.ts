import { ceilOf, floorOf, idealsOf, type PlaceInput } from '../../../src/core/ring/quotas.js';

/**
 * The exact least number of copies from `previous` to any placement that gives every member its ideal rounded
 * down or up and no partition a member twice: a flow of least cost, found by Bellman and Ford's shortest paths.
 * Slow and independent of the code it judges; for small cases without zones.
 */
export function exactLeastMoves(input: PlaceInput): number {
  const { ids, replicas, replicaIdeal } = idealsOf(input);
  const source = 0;
  const sink = 1;
  const partition = (p: number): number => 2 + p;
  const member = (i: number): number => 2 + input.partitions + i;
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
    for (const [i, id] of ids.entries())
      arc(partition(p), member(i), 1, input.previous?.[p]?.includes(id) ? 0 : 1);
  }
  // What everybody must have is worth more than any detour; what it may have beyond that costs nothing.
  const must = -1_000_000;
  for (const [i, ideal] of replicaIdeal.entries()) {
    arc(member(i), sink, floorOf(ideal), must);
    arc(member(i), sink, ceilOf(ideal) - floorOf(ideal), 0);
  }
  const nodes = 2 + input.partitions + ids.length;
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
  return price - must * replicaIdeal.reduce((sum, ideal) => sum + floorOf(ideal), 0);
}
