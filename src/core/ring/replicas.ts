import { Flow } from './flow.js';
import { NOBODY, type PlacementState } from './placement-state.js';
import type { Rounding } from './rounding.js';

/** A copy outweighs any number of primaries that have to move; whoever is neither costs little. */
const COPY = 2 ** 10;
const OTHER = 1;

/**
 * Replicas that found no place directly find it along paths, at the least number of copies: a member costs one
 * where it has no data yet. A place exists by the integrality of flows: with every replica of every partition
 * spread in parts quota/partitions, all bounds hold, so they can be held by whole ones too.
 */
export class Replicas extends Flow {
  protected readonly slots: Int32Array;
  protected readonly width: number;
  protected readonly load: Int32Array;
  readonly #state: PlacementState;
  readonly #leaders: Int32Array;
  /** The partitions that each member held before. */
  readonly #formerly: readonly number[][];
  /** The members by zone; first those that are alone in theirs. */
  readonly #groups: readonly (readonly number[])[];
  /** The largest distance in each group, so that groups that are near already are passed over at once. */
  readonly #farthest: Float64Array;

  /** `leaders`: whom it would be best to leave where it is, by partition. */
  constructor(state: PlacementState, rounding: Rounding, leaders: Int32Array) {
    super(rounding, state.partitions);
    this.#state = state;
    this.#leaders = leaders;
    this.#formerly = state.ideals.ids.map(() => []);
    for (let p = 0; p < state.partitions; p += 1) for (const m of state.before(p)) this.#formerly[m]!.push(p);
    this.slots = state.slots;
    this.width = state.width;
    this.load = state.load;
    const { zones, zoneCount } = state.ideals;
    const byZone: number[][] = Array.from({ length: zoneCount }, () => []);
    for (const [member, zone] of zones.entries()) byZone[zone]!.push(member);
    const shared = byZone.filter((group) => group.length > 1);
    this.#groups = [byZone.filter((group) => group.length === 1).flat(), ...shared];
    this.#farthest = new Float64Array(this.#groups.length);
  }

  protected override begin(): void {
    super.begin();
    this.#farthest.fill(Number.POSITIVE_INFINITY);
  }

  protected *places(member: number): Iterable<number> {
    const { holds, partitions } = this.#state;
    if (member !== NOBODY) yield* holds[member]!;
    else for (let p = 0; p < partitions; p += 1) if (this.#state.has(p, NOBODY)) yield p;
  }

  protected *openings(member: number): Iterable<number> {
    if (this.distance[member]! < COPY) yield* this.#formerly[member]!;
    else for (let p = 0; p < this.#state.partitions; p += 1) yield p;
  }

  protected price(p: number, member: number): number {
    if (this.#leaders[p] === member) return 0;
    return this.#state.heldBefore(p, member) ? OTHER : OTHER + COPY;
  }

  protected allowed(p: number, from: number, to: number): boolean {
    return this.#state.has(p, from) && this.#state.fits(p, to, from);
  }

  protected put(p: number, to: number, from: number): void {
    this.#state.put(p, to, from);
  }

  protected expand(p: number, from: number, base: number): void {
    const state = this.#state;
    for (const to of state.before(p)) {
      const distance = base + this.price(p, to);
      if (this.distance[to]! > distance && state.fits(p, to, from)) this.reach(to, distance);
    }
    const distance = base + OTHER + COPY;
    for (let g = 0; g < this.#groups.length; g += 1) {
      if (this.#farthest[g]! <= distance) continue;
      const group = this.#groups[g]!;
      if (group.length === 0) continue;
      if (g > 0 && state.openIn(p, state.ideals.zones[group[0]!]!, from) <= 0) continue;
      let farthest = Number.NEGATIVE_INFINITY;
      for (const to of group) {
        if (this.distance[to]! > distance && !state.has(p, to)) this.reach(to, distance);
        farthest = Math.max(farthest, this.distance[to]!);
      }
      this.#farthest[g] = farthest;
    }
  }
}
