import { NOBODY, type PlacementState } from './placement-state.js';
import { ceilOf, floorOf } from './quotas.js';

/**
 * Repair by augmenting paths (Ford and Fulkerson; shortest first, as Edmonds and Karp; least cost first, as
 * Busacker and Gowen). One step replaces member i by member j in a partition; a path of steps carries one
 * replica too many from its start to a member that has room, and leaves all loads between as they were. It
 * finds a place whenever there is one, so no partition is left short because the last members with room
 * already hold it. Where it saves a copy, the choice of who is rounded up is revised: a member below its quota
 * passes one place on to a member at its quota, both staying within one partition of their ideals.
 */
export class Paths {
  readonly #state: PlacementState;
  readonly #quota: Int32Array;
  readonly #parent: Int32Array;
  readonly #via: Int32Array;
  /** By zone, or for all when there are no zones: a member that could pass on a place; NOBODY: none. */
  #lenders = new Map<number, number>();

  /** `quota` is changed where a rounding is passed on. */
  constructor(state: PlacementState, quota: Int32Array) {
    this.#state = state;
    this.#quota = quota;
    this.#parent = new Int32Array(state.load.length);
    this.#via = new Int32Array(state.load.length);
  }

  /** Fills one empty slot of partition p. False: not possible. */
  fill(p: number): boolean {
    return this.#search(NOBODY, [p]);
  }

  /** Takes one replica off `member`, or allows it one more. False: not possible. */
  relieve(member: number): boolean {
    this.#findLenders();
    if (this.#borrow(member)) return true;
    return this.#search(member, this.#state.holds[member]!);
  }

  #search(start: number, partitions: Iterable<number>): boolean {
    const rest = new Unreached(this.#state.ideals.zones, this.#state.ideals.zoneCount, start);
    if (start !== NOBODY) this.#parent[start] = start;
    this.#findLenders();
    let level: number[] = [];
    const reach = (from: number, via: Iterable<number>, newcomers: boolean, found: number[]): number => {
      for (const p of via) {
        if (rest.zones.length === 0) break;
        const target = this.#reach(from, p, newcomers, rest, found);
        if (target !== NOBODY) return target;
      }
      return NOBODY;
    };
    const apply = (target: number): boolean => {
      this.#apply(target, start);
      return true;
    };

    // All that can be had without one more replica to copy, then with one more, and so on.
    let target = reach(start, partitions, start === NOBODY, level);
    if (target !== NOBODY) return apply(target);
    let sources: [number, Iterable<number>][] = [[start, partitions]];
    for (;;) {
      for (let at = 0; at < level.length; at += 1) {
        const from = level[at]!;
        target = reach(from, this.#state.holds[from]!, false, level);
        if (target !== NOBODY) return apply(target);
      }
      const next: number[] = [];
      for (const from of level) sources.push([from, this.#state.holds[from]!]);
      for (const [from, via] of sources) {
        target = reach(from, via, true, next);
        if (target !== NOBODY) return apply(target);
      }
      if (next.length === 0) return false;
      level = next;
      sources = [];
    }
  }

  /**
   * Moves from `rest` to `found` all members that may take the place of `from` in partition p. Without
   * `newcomers` only where that makes no more copies: `from` is new there itself, or the other was there before.
   * Returns the first that has room.
   */
  #reach(from: number, p: number, newcomers: boolean, rest: Unreached, found: number[]): number {
    const state = this.#state;
    const free = newcomers || from === NOBODY || !state.heldBefore(p, from);
    if ((!free && state.before(p).length === 0) || this.#crosses(from, p)) return NOBODY;
    for (let z = rest.zones.length - 1; z >= 0; z -= 1) {
      const zone = rest.zones[z]!;
      if (state.openIn(p, zone, from) <= 0) continue;
      const members = rest.byZone[zone]!;
      for (let k = members.length - 1; k >= 0; k -= 1) {
        const to = members[k]!;
        if (state.has(p, to) || (!free && !state.heldBefore(p, to))) continue;
        this.#parent[to] = from;
        this.#via[to] = p;
        if (state.load[to]! < this.#quota[to]! || (state.load[to] === this.#quota[to] && this.#borrow(to)))
          return to;
        found.push(to);
        removeAt(members, k);
      }
      if (members.length === 0) removeAt(rest.zones, z);
    }
    return NOBODY;
  }

  /** Zones are rounded too, so places pass only within a zone (or among members without any). */
  #scope(member: number): number {
    const { zones, zoneCount, ids } = this.#state.ideals;
    return zoneCount === ids.length ? NOBODY : zones[member]!;
  }

  #findLenders(): void {
    this.#lenders.clear();
    if (!this.#state.hasBefore) return;
    for (const [m, load] of this.#state.load.entries()) {
      const ideal = this.#state.ideals.replicaIdeal[m]!;
      if (load < this.#quota[m]! && this.#quota[m]! > floorOf(ideal)) this.#lenders.set(this.#scope(m), m);
    }
  }

  /** Gives `member`, full, one more place if its ideal allows it and another need not have it. */
  #borrow(member: number): boolean {
    if (this.#quota[member]! >= ceilOf(this.#state.ideals.replicaIdeal[member]!)) return false;
    const lender = this.#lenders.get(this.#scope(member));
    if (lender === undefined || lender === member) return false;
    this.#quota[lender]! -= 1;
    this.#quota[member]! += 1;
    return true;
  }

  /** Does the path to `member` use partition p already? Two steps in one partition might crowd a zone together. */
  #crosses(member: number, p: number): boolean {
    const { zoneCount, ids } = this.#state.ideals;
    if (zoneCount === ids.length) return false;
    for (let at = member; at !== NOBODY && this.#parent[at] !== at; at = this.#parent[at]!) {
      if (this.#via[at] === p) return true;
    }
    return false;
  }

  /** From the end backwards, so that nobody ever holds a partition twice. */
  #apply(target: number, start: number): void {
    for (let at = target; at !== start; at = this.#parent[at]!) {
      this.#state.put(this.#via[at]!, at, this.#parent[at]!);
    }
  }
}

/** The members no path has reached yet, by zone, so that a zone that is full in a partition is passed over at once. */
class Unreached {
  readonly byZone: number[][];
  /** The zones that still have some. */
  readonly zones: number[];

  constructor(zones: Int32Array, zoneCount: number, start: number) {
    this.byZone = Array.from({ length: zoneCount }, () => []);
    for (const [member, zone] of zones.entries()) if (member !== start) this.byZone[zone]!.push(member);
    this.zones = [...this.byZone.keys()].filter((zone) => this.byZone[zone]!.length > 0);
  }
}

/** Order does not matter here, so the last one fills the gap. */
function removeAt(list: number[], at: number): void {
  const last = list.pop()!;
  if (at < list.length) list[at] = last;
}
