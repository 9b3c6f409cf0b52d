import { MusterError } from '../../errors.js';
import type { NodeId } from '../map/types.js';
import { mix32, murmur3, RING } from './hash.js';
import { NOBODY, PlacementState } from './placement-state.js';
import { Primaries } from './primaries.js';
import { ceilOf, floorOf, heldOf, type Ideals, idealsOf, type PlaceInput, quotasOf } from './quotas.js';
import { Replicas } from './replicas.js';
import { Ring } from './ring.js';
import { Rounding } from './rounding.js';
import { Seats } from './seats.js';

export { countMoves, countPrimaryChanges, leastMoves, type PlaceInput, type PlaceMember } from './quotas.js';

/** Virtual nodes of an average member; the quotas make the balance, so a moderate number is enough. */
const POINTS = 64;

/**
 * Places partitions on members: for each partition its members, preferred primary first.
 *
 * - Balanced: every member holds its share by weight (see `idealsOf` for caps), rounded down or up, and is the
 *   preferred primary of its share by weight, rounded down or up.
 * - A pure function of its input; the order of the members makes no difference.
 * - From scratch by consistent hashing with bounded loads: clockwise from the partition's start on the ring, the
 *   first members that have room (Karger et al., STOC 1997; arXiv:1608.01350).
 * - With `previous`, as few replicas are copied as in any balanced placement. That is `leastMoves`, except where
 *   who lacks a partition may not be who may have it: with few members (fewer than four times the replicas) and
 *   within zones it can be more. Of all such placements one is taken that moves few primaries, too.
 * - No zone holds more replicas of a partition than it must.
 *
 * Fewer members (with a weight above 0) than `replicas`: all of them hold everything. None: all lists are empty.
 * Throws `usage` for impossible numbers, double ids and bad weights.
 */
export function place(input: PlaceInput): NodeId[][] {
  const ideals = idealsOf(input);
  if (ideals.replicas === 0) return Array.from({ length: input.partitions }, () => []);
  const held = heldOf(ideals, input);
  const quota = quotasOf(ideals.replicaIdeal, ideals.zones, ideals.zoneCount, held);
  const state = new PlacementState(input, ideals);
  const ring = ringOf(ideals);
  const { previous } = input;
  const wanted =
    previous === undefined
      ? seatPrimaries(state, ring, quota)
      : Int32Array.from(
          { length: state.partitions },
          (_, p) => ideals.index.get(previous[p]?.[0] ?? '') ?? NOBODY,
        );
  const leads = leadsOf(ideals, wanted);
  const leaders = leadersOf(ideals, wanted, leads);
  // Paths alone must decide where some had to leave a partition that they may return to at no cost.
  if (!state.keepBefore(quota, held)) {
    const room = quota.map((q, i) => Math.max(0, q - state.load[i]!));
    const seats = new Seats(ring, state.partitions, room);
    fillEmpty(state, seats, quota);
    relieve(state, wanted, leaders, seats, quota);
  }
  // From scratch nothing is gained by passing roundings on: who has the largest remainder keeps it.
  const bounds = state.hasBefore ? ideals.replicaIdeal : Float64Array.from(quota);
  const rounding = new Rounding(bounds, ideals.zones, ideals.zoneCount, quota);
  const replicas = new Replicas(state, rounding, leaders);
  const primaries = replicas.settle() ? new Primaries(state, wanted, leads) : null;
  if (!primaries?.settle()) throw new MusterError('internal', 'a replica or a primary found no place');

  return Array.from({ length: state.partitions }, (_, p) => {
    const first = primaries.slots[p]!;
    const others = [...state.members(p)].filter((m) => m !== first);
    return [first, ...others].map((m) => ideals.ids[m]!);
  });
}

function ringOf(ideals: Ideals): Ring {
  const sum = ideals.weights.reduce((s, w) => s + w, 0);
  const members = ideals.ids.map((id, i) => ({ id, weight: ideals.weights[i]! }));
  return new Ring(members, { points: (POINTS * members.length) / sum });
}

/** How many partitions each member is to be the primary of; zones make no difference to that. */
function leadsOf({ primaryIdeal }: Ideals, wanted: Int32Array): Int32Array {
  const now = new Int32Array(primaryIdeal.length);
  for (const member of wanted) if (member !== NOBODY) now[member]! += 1;
  return quotasOf(primaryIdeal, Int32Array.from(primaryIdeal.keys()), primaryIdeal.length, now);
}

/** Whom it would be best to leave where it is: the primaries, less those that a member has too many of. */
function leadersOf({ ids }: Ideals, wanted: Int32Array, leads: Int32Array): Int32Array {
  const leaders = wanted.slice();
  const left = leads.slice();
  const salts = ids.map((id) => murmur3(id));
  const mixed = (p: number): number => mix32(p ^ salts[wanted[p]!]!);
  const led = [...wanted.keys()].filter((p) => wanted[p] !== NOBODY);
  for (const p of led.sort((a, b) => mixed(b) - mixed(a))) {
    if (left[wanted[p]!]! > 0) left[wanted[p]!]! -= 1;
    else leaders[p] = NOBODY;
  }
  return leaders;
}

/** From scratch every partition first gets a primary, so that primaries are balanced and near their place on the ring. */
function seatPrimaries(state: PlacementState, ring: Ring, quota: Int32Array): Int32Array {
  const { primaryIdeal } = state.ideals;
  const room = Int32Array.from(primaryIdeal, (x, i) => Math.min(floorOf(x), quota[i]!));
  const byRemainder = [...primaryIdeal.keys()].sort(
    (a, b) => primaryIdeal[b]! - room[b]! - (primaryIdeal[a]! - room[a]!) || a - b,
  );
  let left = state.partitions - room.reduce((s, n) => s + n, 0);
  for (const i of byRemainder) {
    if (left === 0) break;
    if (room[i]! >= Math.min(ceilOf(primaryIdeal[i]!), quota[i]!)) continue;
    room[i]! += 1;
    left -= 1;
  }
  const seats = new Seats(ring, state.partitions, room);
  return Int32Array.from({ length: state.partitions }, (_, p) => {
    const member = seats.take(p, () => true);
    if (member !== NOBODY) state.put(p, member, NOBODY);
    return member;
  });
}

/**
 * Fills the empty slots, partition by partition. A zone whose open seats are as many as the partitions to come can
 * take gets its seat here before the ring is asked: otherwise the last partitions would all lack that zone.
 */
function fillEmpty(state: PlacementState, seats: Seats, quota: Int32Array): void {
  const { zones, zoneCount } = state.ideals;
  const zoned = zoneCount < zones.length;
  const seatsOf = new Int32Array(zoneCount);
  const ahead = new Int32Array(zoneCount);
  const open = Array.from({ length: state.partitions }, (_, p) => p).filter((p) =>
    state.members(p).includes(NOBODY),
  );
  if (zoned) {
    for (const [member, q] of quota.entries())
      seatsOf[zones[member]!]! += Math.max(0, q - state.load[member]!);
    for (const p of open) for (let z = 0; z < zoneCount; z += 1) ahead[z]! += state.openIn(p, z, NOBODY);
  }
  const seat = (p: number, wanted: (member: number) => boolean): void => {
    if (!state.members(p).includes(NOBODY)) return;
    const member = seats.take(p, (m) => wanted(m) && state.fits(p, m, NOBODY));
    if (member === NOBODY) return;
    state.put(p, member, NOBODY);
    seatsOf[zones[member]!]! -= 1;
  };
  for (const p of open) {
    for (let z = 0; zoned && z < zoneCount; z += 1) {
      const here = state.openIn(p, z, NOBODY);
      ahead[z]! -= here;
      for (let due = Math.min(here, seatsOf[z]! - ahead[z]!); due > 0; due -= 1)
        seat(p, (m) => zones[m] === z);
    }
    for (let n = 0; n < state.width; n += 1) seat(p, () => true);
  }
}

/** Members above their quota hand partitions straight to members below; first those whose primary has to move anyway. */
function relieve(
  state: PlacementState,
  wanted: Int32Array,
  leaders: Int32Array,
  seats: Seats,
  quota: Int32Array,
): void {
  for (const [member, id] of state.ideals.ids.entries()) {
    if (state.load[member]! <= quota[member]!) continue;
    const salt = murmur3(id);
    const order = [...state.holds[member]!]
      .filter((p) => leaders[p] !== member)
      .map((p) => ({ p, rank: mix32(p ^ salt) + (wanted[p] === member ? 0 : RING) }))
      .sort((a, b) => a.rank - b.rank);
    for (const { p } of order) {
      if (state.load[member]! <= quota[member]!) break;
      const to = seats.take(p, (m) => state.fits(p, m, member));
      if (to !== NOBODY) state.put(p, to, member);
    }
  }
}
