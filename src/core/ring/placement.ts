import { MusterError } from '../../errors.js';
import type { NodeId } from '../map/types.js';
import { mix32, murmur3 } from './hash.js';
import { Paths } from './paths.js';
import { NOBODY, PlacementState } from './placement-state.js';
import { Primaries } from './primaries.js';
import { ceilOf, floorOf, heldOf, type Ideals, idealsOf, type PlaceInput, quotasOf } from './quotas.js';
import { Ring } from './ring.js';
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
 * - With `previous`, members keep what they hold up to their quota; what must go to others goes straight there,
 *   so the copies made are `leastMoves`. With few members or tight zones that bound cannot always be reached (who
 *   lacks a partition may not be who may have it); without zones the copies then are, but for rare cases of two
 *   more, within 1.1 times of (or one above) the exact optimum. With zones there is no such measurement.
 * - No zone holds more replicas of a partition than it must.
 *
 * Fewer members (with a weight above 0) than `replicas`: all of them hold everything. None: all lists are empty.
 * Throws `usage` for impossible numbers, double ids and bad weights.
 */
export function place(input: PlaceInput): NodeId[][] {
  const ideals = idealsOf(input);
  if (ideals.replicas === 0) return Array.from({ length: input.partitions }, () => []);
  const held = heldOf(ideals, input.previous);
  const quota = quotasOf(ideals, held);
  const state = new PlacementState(input, ideals);
  const primaries = new Primaries(state);
  const ring = ringOf(ideals);

  if (input.previous === undefined) {
    seatPrimaries(state, primaries, ring, quota);
  } else {
    state.keepBefore(quota, held);
    for (let p = 0; p < state.partitions; p += 1) {
      const first = ideals.index.get(input.previous[p]?.[0] ?? '');
      if (first !== undefined && state.has(p, first)) primaries.set(p, first);
    }
  }
  const room = quota.map((q, i) => Math.max(0, q - state.load[i]!));
  const seats = new Seats(ring, state.partitions, room.slice());
  fillEmpty(state, seats, room);
  relieve(state, primaries, seats, quota);
  repair(state, quota);
  for (const [p, primary] of primaries.primary.entries()) {
    if (primary !== NOBODY && !state.has(p, primary)) primaries.set(p, NOBODY);
  }
  primaries.complete();
  primaries.balance();

  return Array.from({ length: state.partitions }, (_, p) => {
    const first = primaries.primary[p]!;
    const others = [...state.members(p)].filter((m) => m !== first);
    return [first, ...others].map((m) => ideals.ids[m]!);
  });
}

function ringOf(ideals: Ideals): Ring {
  const sum = ideals.weights.reduce((s, w) => s + w, 0);
  const members = ideals.ids.map((id, i) => ({ id, weight: ideals.weights[i]! }));
  return new Ring(members, { points: (POINTS * members.length) / sum });
}

/** From scratch every partition first gets a primary, so that primaries are balanced and near their place on the ring. */
function seatPrimaries(state: PlacementState, primaries: Primaries, ring: Ring, quota: Int32Array): void {
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
  for (let p = 0; p < state.partitions; p += 1) {
    const member = seats.take(p, () => true);
    if (member === NOBODY) continue;
    state.put(p, member, NOBODY);
    primaries.set(p, member);
  }
}

/**
 * Fills the empty slots, partition by partition. A zone whose open seats are as many as the partitions to come can
 * take gets its seat here before the ring is asked: otherwise the last partitions would all lack that zone.
 */
function fillEmpty(state: PlacementState, seats: Seats, room: Int32Array): void {
  const { zones, zoneCount } = state.ideals;
  const zoned = zoneCount < zones.length;
  const seatsOf = new Int32Array(zoneCount);
  const ahead = new Int32Array(zoneCount);
  const open = Array.from({ length: state.partitions }, (_, p) => p).filter((p) =>
    state.members(p).includes(NOBODY),
  );
  if (zoned) {
    for (const [member, n] of room.entries()) seatsOf[zones[member]!]! += n;
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
      ahead[z]! -= state.openIn(p, z, NOBODY);
      for (let due = seatsOf[z]! - ahead[z]!; due > 0; due -= 1) seat(p, (m) => zones[m] === z);
    }
    for (let n = 0; n < state.width; n += 1) seat(p, () => true);
  }
}

/** Members above their quota hand partitions straight to members below; first those whose primary has to move anyway. */
function relieve(state: PlacementState, primaries: Primaries, seats: Seats, quota: Int32Array): void {
  for (const [member, id] of state.ideals.ids.entries()) {
    if (state.load[member]! <= quota[member]!) continue;
    const salt = murmur3(id);
    const mixed = [...state.holds[member]!]
      .map((p) => ({ p, order: mix32(p ^ salt) }))
      .sort((a, b) => a.order - b.order)
      .map(({ p }) => p);
    const leading = mixed.filter((p) => primaries.primary[p] === member);
    const backing = mixed.filter((p) => primaries.primary[p] !== member);
    const now = primaries.excess(member);
    for (const p of [...leading.slice(0, now), ...backing, ...leading.slice(now)]) {
      if (state.load[member]! <= quota[member]!) break;
      const to = seats.take(p, (m) => state.fits(p, m, member));
      if (to === NOBODY) continue;
      state.put(p, to, member);
      if (primaries.primary[p] === member) primaries.set(p, to);
    }
  }
}

/**
 * What found no place directly finds it along a path. One exists by the integrality of flows: with every replica
 * of every partition spread in parts quota/partitions, all bounds hold, so they can be held by whole ones too.
 */
function repair(state: PlacementState, quota: Int32Array): void {
  const paths = new Paths(state, quota);
  for (let p = 0; p < state.partitions; p += 1) {
    while (state.members(p).includes(NOBODY)) {
      if (!paths.fill(p)) throw new MusterError('internal', `no member can take partition ${p}`);
    }
  }
  for (const member of state.ideals.ids.keys()) {
    while (state.load[member]! > quota[member]!) {
      if (!paths.relieve(member))
        throw new MusterError('internal', `${state.ideals.ids[member]} cannot be relieved`);
    }
  }
}
