import { Flow } from './flow.js';
import { NOBODY, type PlacementState } from './placement-state.js';
import { Rounding } from './rounding.js';

/** In order of importance: balance; few changes; that who becomes primary has the data already. */
const BEYOND = 2 ** 20;
const CHANGE = 2 ** 10;
const FRESH = 1;

/**
 * The preferred primary of each partition, one of its replicas, such that every member has its ideal number
 * rounded down or up, with the fewest changes that this takes. Such an assignment exists but for roundings (giving
 * every replica an equal part of its partition meets the ideals exactly); where it does not, it is as near as
 * can be.
 */
export class Primaries extends Flow {
  /** The primary of each partition. */
  readonly slots: Int32Array;
  protected readonly width = 1;
  protected readonly load: Int32Array;
  readonly #state: PlacementState;
  readonly #wanted: Int32Array;
  readonly #leads: Set<number>[];

  /** `wanted`: who would best be primary, by partition (NOBODY: all the same); `quota`: how many each may be. */
  constructor(state: PlacementState, wanted: Int32Array, quota: Int32Array) {
    const ideal = state.ideals.primaryIdeal;
    super(new Rounding(ideal, Int32Array.from(ideal.keys()), ideal.length, quota, BEYOND), state.partitions);
    this.load = new Int32Array(ideal.length);
    this.slots = new Int32Array(state.partitions).fill(NOBODY);
    this.#state = state;
    this.#wanted = wanted;
    this.#leads = Array.from(ideal, () => new Set());
    for (const [p, member] of wanted.entries()) {
      if (member !== NOBODY && state.has(p, member)) this.put(p, member, NOBODY);
    }
  }

  protected *places(member: number): Iterable<number> {
    if (member !== NOBODY) yield* this.#leads[member]!;
    else for (const [p, primary] of this.slots.entries()) if (primary === NOBODY) yield p;
  }

  protected openings(member: number): Iterable<number> {
    return this.#state.holds[member]!;
  }

  protected price(p: number, member: number): number {
    const wanted = this.#wanted[p]!;
    if (wanted === member) return 0;
    if (this.#state.heldBefore(p, member)) return CHANGE;
    return (wanted === NOBODY ? 2 * CHANGE : CHANGE) + FRESH;
  }

  protected allowed(p: number, from: number, to: number): boolean {
    return this.slots[p] === from && this.#state.has(p, to);
  }

  protected put(p: number, to: number, from: number): void {
    if (from !== NOBODY) {
      this.load[from]! -= 1;
      this.#leads[from]!.delete(p);
    }
    this.slots[p] = to;
    this.load[to]! += 1;
    this.#leads[to]!.add(p);
  }

  protected expand(p: number, from: number, base: number): void {
    for (const to of this.#state.members(p)) {
      if (to !== from) this.reach(to, base + this.price(p, to));
    }
  }
}
