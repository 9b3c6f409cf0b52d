import { ceilOf, floorOf } from './quotas.js';

/**
 * Who is rounded up, as a tree of flows: members below zones below the root. A level is what a member may hold,
 * or a zone in all; it may be one whole number on either side of its ideal. Raising one level means lowering
 * another, so a path that goes up the tree and down again passes a rounding on.
 */
export class Rounding {
  /** By node: first the members, then the zones. */
  readonly level: Int32Array;
  readonly root: number;
  /** The node above each node but the root. */
  readonly #above: Int32Array;
  /** The nodes below each node. */
  readonly #below: readonly (readonly number[])[];
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #beyond: number;

  /** `beyond`: what each step beyond a whole number next to the ideal costs; Infinity forbids it. */
  constructor(
    ideal: Float64Array,
    zones: Int32Array,
    zoneCount: number,
    quota: Int32Array,
    beyond = Number.POSITIVE_INFINITY,
  ) {
    const members = ideal.length;
    this.root = members + zoneCount;
    this.level = new Int32Array(this.root);
    this.level.set(quota);
    this.#above = new Int32Array(this.root).fill(this.root);
    const below: number[][] = Array.from({ length: this.root + 1 }, () => []);
    const ideals = new Float64Array(this.root);
    ideals.set(ideal);
    for (const [member, number] of zones.entries()) {
      const zone = members + number;
      this.level[zone]! += quota[member]!;
      ideals[zone]! += ideal[member]!;
      this.#above[member] = zone;
      below[zone]!.push(member);
    }
    for (let zone = members; zone < this.root; zone += 1) below[this.root]!.push(zone);
    this.#below = below;
    this.#low = Int32Array.from(ideals, floorOf);
    this.#high = Int32Array.from(ideals, ceilOf);
    this.#beyond = beyond;
  }

  /** The nodes above and below one. */
  *beside(node: number): Generator<number, void, undefined> {
    if (node !== this.root) yield this.#above[node]!;
    yield* this.#below[node]!;
  }

  /** Passing a place up raises the level of `from`, passing one down lowers that of `to`. */
  price(from: number, to: number): number {
    const up = this.#above[from] === to;
    const node = up ? from : to;
    const level = this.level[node]!;
    if (up ? level < this.#low[node]! : level > this.#high[node]!) return -this.#beyond;
    return (up ? level < this.#high[node]! : level > this.#low[node]!) ? 0 : this.#beyond;
  }

  pass(from: number, to: number): void {
    if (this.#above[from] === to) this.level[from]! += 1;
    else this.level[to]! -= 1;
  }
}
