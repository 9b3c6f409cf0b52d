import { NOBODY, type PlacementState } from './placement-state.js';
import { ceilOf, floorOf } from './quotas.js';

/**
 * The preferred primary of each partition, one of its replicas, such that every member has its ideal number
 * rounded down or up. Moves a primary only where that is needed: along shortest paths of hand-overs from
 * members with too many to members with too few (a flow with lower and upper bounds). Such an assignment exists
 * because giving every replica an equal part of its partition meets the ideals exactly.
 */
export class Primaries {
  readonly #state: PlacementState;
  readonly primary: Int32Array;
  readonly count: Int32Array;
  readonly leads: Set<number>[];
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #parent: Int32Array;
  readonly #via: Int32Array;

  constructor(state: PlacementState) {
    const ideal = state.ideals.primaryIdeal;
    this.#state = state;
    this.primary = new Int32Array(state.partitions).fill(NOBODY);
    this.count = new Int32Array(ideal.length);
    this.leads = Array.from(ideal, () => new Set());
    this.#low = Int32Array.from(ideal, floorOf);
    this.#high = Int32Array.from(ideal, ceilOf);
    this.#parent = new Int32Array(ideal.length);
    this.#via = new Int32Array(ideal.length);
  }

  set(p: number, member: number): void {
    const old = this.primary[p]!;
    if (old !== NOBODY) {
      this.count[old]! -= 1;
      this.leads[old]!.delete(p);
    }
    this.primary[p] = member;
    if (member === NOBODY) return;
    this.count[member]! += 1;
    this.leads[member]!.add(p);
  }

  /** How many primaries a member has to give away at least. */
  excess(member: number): number {
    return Math.max(0, this.count[member]! - this.#high[member]!);
  }

  /** Gives a primary to each partition that has none: the holder furthest below its ideal, one that has the data already if any. */
  complete(): void {
    const { ideals } = this.#state;
    for (let p = 0; p < this.#state.partitions; p += 1) {
      if (this.primary[p] !== NOBODY) continue;
      const holders = [...this.#state.members(p)].filter((m) => m !== NOBODY);
      const old = holders.filter((m) => this.#state.heldBefore(p, m));
      const among = old.length > 0 ? old : holders;
      const lack = (m: number): number => ideals.primaryIdeal[m]! - this.count[m]!;
      if (among.length > 0)
        this.set(
          p,
          among.reduce((best, m) => (lack(m) > lack(best) ? m : best)),
        );
    }
  }

  /** Repairs the balance. Bounds that no choice of primaries can meet are left as near as they can be. */
  balance(): void {
    const { count } = this;
    const members = [...count.keys()];
    for (const m of members) {
      while (count[m]! > this.#high[m]! && this.#giveAway(m, (to) => count[to]! < this.#low[to]!)) {}
      while (count[m]! > this.#high[m]! && this.#giveAway(m, (to) => count[to]! < this.#high[to]!)) {}
    }
    for (const m of members) {
      while (count[m]! < this.#low[m]! && this.#receive(m, (from) => count[from]! > this.#low[from]!)) {}
    }
  }

  #giveAway(start: number, wanted: (member: number) => boolean): boolean {
    return this.#search(
      start,
      wanted,
      (at) => this.leads[at]!,
      (p) => this.#state.members(p),
      true,
    );
  }

  #receive(start: number, wanted: (member: number) => boolean): boolean {
    return this.#search(
      start,
      wanted,
      (at) => this.#state.holds[at]!,
      (p) => this.primary.subarray(p, p + 1),
      false,
    );
  }

  /** Breadth first over members; `via` are the partitions that may be handed over between `at` and `ends`. */
  #search(
    start: number,
    wanted: (member: number) => boolean,
    via: (at: number) => Iterable<number>,
    ends: (p: number) => Int32Array,
    forward: boolean,
  ): boolean {
    this.#parent.fill(NOBODY);
    this.#parent[start] = start;
    const queue = [start];
    for (let head = 0; head < queue.length; head += 1) {
      const at = queue[head]!;
      for (const p of via(at)) {
        for (const to of ends(p)) {
          if (to === NOBODY || this.#parent[to] !== NOBODY) continue;
          this.#parent[to] = at;
          this.#via[to] = p;
          if (wanted(to)) {
            this.#handOver(start, to, forward);
            return true;
          }
          queue.push(to);
        }
      }
    }
    return false;
  }

  #handOver(start: number, end: number, forward: boolean): void {
    for (let at = end; at !== start; at = this.#parent[at]!) {
      this.set(this.#via[at]!, forward ? at : this.#parent[at]!);
    }
  }
}
