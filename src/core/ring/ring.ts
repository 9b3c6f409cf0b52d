import { MusterError } from '../../errors.js';
import type { NodeId } from '../map/types.js';
import { hashKey, murmur3, RING } from './hash.js';

export interface RingMember {
  readonly id: NodeId;
  /** Its share is in proportion; 0 leaves it out. */
  readonly weight: number;
}

export interface RingOptions {
  /** Virtual nodes of a member of weight 1. Shares vary by about 1/√points. Default 512. */
  readonly points?: number;
}

/** Most points of one member, so that an odd weight cannot fill the memory. */
const MOST_POINTS = 65_536;

/**
 * Consistent hashing with virtual nodes and weights (Karger et al., STOC 1997; virtual nodes as in Dynamo,
 * SOSP 2007). A key belongs to the member of the first point at or clockwise after the key's hash. The same
 * members make the same ring in whatever order they are given; adding or removing one moves only its own keys.
 *
 * A lookup does not search: the ring is cut into at least as many equal buckets as there are points, each
 * knowing its first point, so that on average less than one point is passed over.
 */
export class Ring {
  /** The members that have points, by id (UTF-16 order). */
  readonly ids: readonly NodeId[];
  /** The points, ascending; `owners[i]` indexes `ids`. */
  readonly #points: Uint32Array;
  readonly #owners: Int32Array;
  readonly #buckets: Int32Array;
  readonly #shift: number;
  /** `#owners` as names, one step less in a lookup. Ends with the first again: the wrap costs no test. */
  readonly #names: NodeId[];

  /** Throws `usage` when no member has a positive weight, an id occurs twice, or a weight is no finite number ≥ 0. */
  constructor(members: readonly RingMember[], options: RingOptions = {}) {
    const sorted = checkMembers(members).filter((m) => m.weight > 0);
    if (sorted.length === 0) throw new MusterError('usage', 'a ring needs a member with a weight above 0');
    const per = options.points ?? 512;
    this.ids = sorted.map((m) => m.id);
    const counts = sorted.map((m) => Math.min(MOST_POINTS, Math.max(1, Math.round(per * m.weight))));
    const total = counts.reduce((sum, n) => sum + n, 0);

    // Point and owner in one double (32 + 20 bits): the typed array's native sort does the rest, ties by id.
    const packed = new Float64Array(total);
    let at = 0;
    for (const [owner, member] of sorted.entries()) {
      for (let n = 0; n < counts[owner]!; n += 1) packed[at++] = murmur3(member.id, n) * 2 ** 20 + owner;
    }
    packed.sort();
    this.#points = new Uint32Array(total);
    this.#owners = new Int32Array(total);
    for (let i = 0; i < total; i += 1) {
      this.#points[i] = Math.floor(packed[i]! / 2 ** 20);
      this.#owners[i] = packed[i]! % 2 ** 20;
    }
    this.#names = Array.from(this.#owners, (owner) => this.ids[owner]!);
    this.#names.push(this.#names[0]!);

    const bits = Math.min(22, Math.max(1, Math.ceil(Math.log2(total))));
    this.#shift = 32 - bits;
    this.#buckets = new Int32Array(2 ** bits);
    for (let bucket = 0, i = 0; bucket < 2 ** bits; bucket += 1) {
      while (i < total && this.#points[i]! < bucket * 2 ** this.#shift) i += 1;
      this.#buckets[bucket] = i;
    }
  }

  /** How many points the ring has. */
  get size(): number {
    return this.#points.length;
  }

  /** The member that a key belongs to. */
  ownerOf(key: string): NodeId {
    return this.#names[this.indexAt(hashKey(key))]!;
  }

  /** The number of the first point at or after `hash` (a uint32); `size` when it wraps round to the first. */
  indexAt(hash: number): number {
    const points = this.#points;
    let i = this.#buckets[hash >>> this.#shift]!;
    while (i < points.length && points[i]! < hash) i += 1;
    return i;
  }

  /** The member, as an index into `ids`, of the point with this number (0 ≤ index < size). */
  memberAt(index: number): number {
    return this.#owners[index]!;
  }

  /** Every member once, in the order in which their points follow `hash` clockwise: first the owner, then who would be next. */
  *walk(hash: number): Generator<NodeId, void, undefined> {
    const seen = new Uint8Array(this.ids.length);
    const start = this.indexAt(hash);
    for (let step = 0, left = this.ids.length; left > 0 && step < this.size; step += 1) {
      const owner = this.#owners[(start + step) % this.size]!;
      if (seen[owner] === 1) continue;
      seen[owner] = 1;
      left -= 1;
      yield this.ids[owner]!;
    }
  }

  /** The exact share of the ring's points that each member owns; the sum is 1. */
  shares(): Map<NodeId, number> {
    const sums = new Float64Array(this.ids.length);
    const last = this.#points[this.size - 1]! - RING;
    for (let i = 0; i < this.size; i += 1) {
      sums[this.#owners[i]!]! += this.#points[i]! - (i === 0 ? last : this.#points[i - 1]!);
    }
    return new Map(this.ids.map((id, i) => [id, sums[i]! / RING]));
  }
}

/** Sorted by id (UTF-16 order, the same everywhere). Throws `usage` for an id that occurs twice or a weight that is no finite number ≥ 0. */
export function checkMembers<M extends RingMember>(members: readonly M[]): M[] {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (const [i, member] of sorted.entries()) {
    if (i > 0 && sorted[i - 1]!.id === member.id) {
      throw new MusterError('usage', `two members are called ${member.id}`);
    }
    if (!Number.isFinite(member.weight) || member.weight < 0) {
      throw new MusterError(
        'usage',
        `the weight of ${member.id} is ${member.weight}; it must be a number, 0 or more`,
      );
    }
  }
  return sorted;
}
