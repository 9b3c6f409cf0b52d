import type { Ideals, PlaceInput } from './quotas.js';

/** No member: an empty slot, or a partition as the source of a path. */
export const NOBODY = -1;

/**
 * Who holds what while a placement is made: `replicas` slots a partition, loads, and the partitions of each
 * member. Members are indexes into `ideals.ids`.
 */
export class PlacementState {
  readonly partitions: number;
  readonly width: number;
  readonly slots: Int32Array;
  readonly load: Int32Array;
  /** The partitions that each member holds, in order of arrival. */
  readonly holds: Set<number>[];
  readonly ideals: Ideals;
  readonly #before: readonly Int32Array[] | null;

  constructor(input: PlaceInput, ideals: Ideals) {
    this.ideals = ideals;
    this.partitions = input.partitions;
    this.width = ideals.replicas;
    this.slots = new Int32Array(this.partitions * this.width).fill(NOBODY);
    this.load = new Int32Array(ideals.ids.length);
    this.holds = ideals.ids.map(() => new Set());
    const previous = input.previous;
    this.#before =
      previous === undefined
        ? null
        : Array.from({ length: this.partitions }, (_, p) => {
            const known = (previous[p] ?? []).map((id) => ideals.index.get(id) ?? NOBODY);
            return Int32Array.from(new Set(known.filter((m) => m !== NOBODY)));
          });
  }

  /** Is there a `previous` to stay close to? */
  get hasBefore(): boolean {
    return this.#before !== null;
  }

  /** The members that held the partition in `previous` and still exist, in that order. */
  before(p: number): Int32Array | readonly number[] {
    return this.#before?.[p] ?? [];
  }

  heldBefore(p: number, member: number): boolean {
    const before = this.before(p);
    for (let i = 0; i < before.length; i += 1) if (before[i] === member) return true;
    return false;
  }

  has(p: number, member: number): boolean {
    const end = (p + 1) * this.width;
    for (let s = p * this.width; s < end; s += 1) if (this.slots[s] === member) return true;
    return false;
  }

  members(p: number): Int32Array {
    return this.slots.subarray(p * this.width, (p + 1) * this.width);
  }

  /** How many more replicas of partition p the zone may hold when `leaving` (or NOBODY) makes room. */
  openIn(p: number, zone: number, leaving: number): number {
    const { zones, perZone } = this.ideals;
    let open = perZone;
    const end = (p + 1) * this.width;
    for (let s = p * this.width; s < end; s += 1) {
      const other = this.slots[s]!;
      if (other !== NOBODY && other !== leaving && zones[other] === zone) open -= 1;
    }
    return open;
  }

  /** May `member` enter partition p when `leaving` (or NOBODY) makes room? */
  fits(p: number, member: number, leaving: number): boolean {
    return !this.has(p, member) && this.openIn(p, this.ideals.zones[member]!, leaving) > 0;
  }

  /** Puts `member` where `leaving` was; with NOBODY into the first empty slot. */
  put(p: number, member: number, leaving: number): void {
    const own = this.members(p);
    own[own.indexOf(leaving)] = member;
    if (leaving !== NOBODY) {
      this.load[leaving]! -= 1;
      this.holds[leaving]!.delete(p);
    }
    this.load[member]! += 1;
    this.holds[member]!.add(p);
  }

  /**
   * Keeps what was there before, in its order. Where that is too much for a partition (fewer replicas are wanted
   * now, or zones were changed), those leave first that are furthest above their quota. True: some had to.
   */
  keepBefore(quota: Int32Array, held: Int32Array): boolean {
    const { zones, perZone } = this.ideals;
    const load = Int32Array.from(held);
    let left = false;
    for (let p = 0; p < this.partitions; p += 1) {
      const kept = [...this.before(p)];
      for (;;) {
        const crowded = kept.filter((m) => kept.filter((o) => zones[o] === zones[m]).length > perZone);
        const choice = crowded.length > 0 ? crowded : kept.length > this.width ? kept : [];
        if (choice.length === 0) break;
        const over = (m: number): number => load[m]! - quota[m]!;
        // The first is the primary; it stays as long as another may leave in its stead.
        const leaves = choice.reduce((worst, m) => (worst === kept[0] || over(m) >= over(worst) ? m : worst));
        load[leaves]! -= 1;
        kept.splice(kept.indexOf(leaves), 1);
        left = true;
      }
      for (const member of kept) this.put(p, member, NOBODY);
    }
    return left;
  }
}
