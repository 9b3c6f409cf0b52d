import { MusterError } from '../../errors.js';
import type { NodeId } from '../map/types.js';
import { checkMembers } from './ring.js';

export interface PlaceMember {
  readonly id: NodeId;
  /** Its share of the replicas is in proportion; 0: holds nothing (it is being drained). */
  readonly weight: number;
  /** What fails together (a rack, a site); '' is no zone: such a member fails alone. */
  readonly zone: string;
}

export interface PlaceInput {
  readonly partitions: number;
  /** Wanted of each partition; fewer are placed when fewer members have a weight above 0. */
  readonly replicas: number;
  /** In any order: it makes no difference. */
  readonly members: readonly PlaceMember[];
  /** What is placed now, by partition, preferred primary first. Ids that are no members count as gone. */
  readonly previous?: readonly (readonly NodeId[])[];
}

/** What everybody ought to hold, before whole partitions are dealt out. Arrays are by index into `ids`. */
export interface Ideals {
  /** Members with a weight above 0, by id. */
  readonly ids: readonly NodeId[];
  readonly index: ReadonlyMap<NodeId, number>;
  readonly weights: readonly number[];
  /** Replicas that each partition really gets. */
  readonly replicas: number;
  /** The zone of each member, numbered; a member without a zone has a number of its own. */
  readonly zones: Int32Array;
  readonly zoneCount: number;
  /** Most replicas of one partition in one zone: 1 when there are zones enough. */
  readonly perZone: number;
  readonly replicaIdeal: Float64Array;
  readonly primaryIdeal: Float64Array;
}

/** Guards floor and ceil against the last bits of sums of doubles. */
const EPS = 1e-7;
export const floorOf = (x: number): number => Math.floor(x + EPS);
export const ceilOf = (x: number): number => Math.ceil(x - EPS);

/**
 * Shares by weight, except where they cannot be: a member holds at most one replica of a partition, a zone at
 * most `perZone`, the least number that gives every partition all its replicas. What is beyond such a cap goes
 * to the others by their weight. (So with three zones and three replicas every zone holds each partition once,
 * and members of a small zone hold more: surviving the loss of a zone comes before even load.) Primaries have
 * no such caps and go strictly by weight.
 *
 * Throws `usage` for impossible numbers or members; see `checkMembers`.
 */
export function idealsOf(input: PlaceInput): Ideals {
  const { partitions } = input;
  for (const name of ['partitions', 'replicas'] as const) {
    if (!Number.isInteger(input[name]) || input[name] < 1) {
      throw new MusterError('usage', `${name} must be a whole number of 1 or more, not ${input[name]}`);
    }
  }
  const members = checkMembers(input.members).filter((m) => m.weight > 0);
  const weights = members.map((m) => m.weight);
  const numbers = new Map<string, number>();
  const zones = Int32Array.from(members, (m) => {
    const name = m.zone === '' ? `member ${m.id}` : `zone ${m.zone}`;
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name)!;
  });
  const byZone: number[][] = Array.from({ length: numbers.size }, () => []);
  for (const [i, zone] of zones.entries()) byZone[zone]!.push(i);

  const replicas = Math.min(input.replicas, members.length);
  let perZone = 1;
  while (byZone.reduce((sum, zone) => sum + Math.min(perZone, zone.length), 0) < replicas) perZone += 1;

  const all = weights.reduce((sum, w) => sum + w, 0);
  return {
    ids: members.map((m) => m.id),
    index: new Map(members.map((m, i) => [m.id, i])),
    weights,
    replicas,
    zones,
    zoneCount: numbers.size,
    perZone,
    replicaIdeal: fill(weights, byZone, partitions, perZone, partitions * replicas),
    primaryIdeal: Float64Array.from(weights, (w) => (partitions * w) / all),
  };
}

/** Water-filling with caps on members and on zones: raise one level for all; whoever meets its cap stays there. */
function fill(
  weights: readonly number[],
  byZone: number[][],
  cap: number,
  perZone: number,
  total: number,
): Float64Array {
  const out = new Float64Array(weights.length);
  const capped = new Uint8Array(weights.length);
  let open = byZone;
  let left = total;
  for (;;) {
    const free = open.flat().filter((i) => capped[i] === 0);
    const held = open.flat().reduce((sum, i) => sum + (capped[i] === 1 ? cap : 0), 0);
    const sum = free.reduce((s, i) => s + weights[i]!, 0);
    const level = sum > 0 ? (left - held) / sum : 0;
    const want = (i: number): number => (capped[i] === 1 ? cap : level * weights[i]!);
    const zoneCap = perZone * cap;
    const full = open.filter(
      (zone) => zone.length > perZone && zone.reduce((s, i) => s + want(i), 0) > zoneCap * (1 + 1e-12),
    );
    if (full.length > 0) {
      // Such a zone is done, apart from the others, with members' caps found anew.
      for (const zone of full) {
        const own = zone.map((i) => weights[i]!);
        const parts = fill(
          own,
          own.map((_, k) => [k]),
          cap,
          1,
          zoneCap,
        );
        for (const [k, i] of zone.entries()) out[i] = parts[k]!;
        left -= zoneCap;
      }
      open = open.filter((zone) => !full.includes(zone));
      continue;
    }
    const over = free.filter((i) => want(i) > cap * (1 + 1e-12));
    for (const i of over) capped[i] = 1;
    if (over.length > 0) continue;
    for (const i of open.flat()) out[i] = Math.min(cap, want(i));
    return out;
  }
}

/** How many replicas each member holds in `previous`, by index into `ids`. */
export function heldOf(ideals: Ideals, { previous, partitions }: PlaceInput): Int32Array {
  const held = new Int32Array(ideals.ids.length);
  for (const list of previous?.slice(0, partitions) ?? []) {
    for (const id of new Set(list)) {
      const i = ideals.index.get(id);
      if (i !== undefined) held[i]! += 1;
    }
  }
  return held;
}

/**
 * Whole numbers for the ideals: everybody gets its ideal rounded down or up (and so does every zone). Who is
 * rounded up: first those that hold that many already, which moves least, then by the largest remainder
 * (Hamilton's method), then by id.
 */
export function quotasOf(
  ideal: Float64Array,
  zones: Int32Array,
  zoneCount: number,
  held: Int32Array,
): Int32Array {
  const quota = Int32Array.from(ideal, floorOf);
  const zoneIdeal = new Float64Array(zoneCount);
  const zoneSum = new Int32Array(zoneCount);
  let left = 0;
  for (const [i, zone] of zones.entries()) {
    zoneIdeal[zone]! += ideal[i]!;
    zoneSum[zone]! += quota[i]!;
    left += ideal[i]!;
  }
  left = Math.round(left) - quota.reduce((sum, q) => sum + q, 0);

  const free = (i: number): number => (held[i]! > quota[i]! ? 0 : 1);
  const candidates = [...ideal.keys()]
    .filter((i) => ceilOf(ideal[i]!) > quota[i]!)
    .sort((a, b) => free(a) - free(b) || ideal[b]! - quota[b]! - (ideal[a]! - quota[a]!) || a - b);
  const chosen = new Set<number>();
  for (const round of [floorOf, ceilOf]) {
    for (const i of candidates) {
      const zone = zones[i]!;
      if (left === 0 || chosen.has(i) || zoneSum[zone]! >= round(zoneIdeal[zone]!)) continue;
      chosen.add(i);
      zoneSum[zone]! += 1;
      left -= 1;
    }
  }
  for (const i of chosen) quota[i]! += 1;
  return quota;
}

/**
 * The theoretical least number of replicas that must be copied to a member that has none of the partition yet,
 * for any placement whose loads are the ideals rounded down or up: every member below its quota has to gain
 * the difference, and the quotas are chosen so that those differences are least. A bound from below: that who
 * has to gain can do so directly is not certain.
 */
export function leastMoves(input: PlaceInput): number {
  const ideals = idealsOf(input);
  const held = heldOf(ideals, input);
  const quota = quotasOf(ideals.replicaIdeal, ideals.zones, ideals.zoneCount, held);
  return quota.reduce((sum, q, i) => sum + Math.max(0, q - held[i]!), 0);
}

/** How many replicas of `next` are not in `previous`: the copies of partitions that have to be made. */
export function countMoves(previous: PlaceInput['previous'], next: readonly (readonly NodeId[])[]): number {
  let moves = 0;
  for (const [p, list] of next.entries()) {
    const before = previous?.[p] ?? [];
    for (const id of list) if (!before.includes(id)) moves += 1;
  }
  return moves;
}

/** How many partitions of `next` prefer another primary than `previous` did. */
export function countPrimaryChanges(
  previous: PlaceInput['previous'],
  next: readonly (readonly NodeId[])[],
): number {
  return next.reduce((sum, list, p) => sum + (list[0] === previous?.[p]?.[0] ? 0 : 1), 0);
}
