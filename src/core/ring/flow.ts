import { MusterError } from '../../errors.js';
import { NOBODY } from './placement-state.js';
import type { Rounding } from './rounding.js';

/** In partition `via`, `to` takes the place of `from` (NOBODY: of an empty slot). `via` NOBODY: a rounding is passed on. */
interface Step {
  readonly from: number;
  readonly to: number;
  readonly via: number;
}

/** Added to the price of every step: of equally cheap paths the one of fewest steps is nearest. */
const STEP = 2 ** -20;

/**
 * A flow of least cost by successive shortest paths (Busacker and Gowen), many from each search (as Dinic;
 * distances by Bellman and Ford with a queue). A step replaces a member by another in a partition; a path
 * of steps carries what a member has too much, or a partition lacks, to a member that has room, and leaves the
 * loads between as they were. Begun where nothing could be cheaper, it ends with the cheapest of all ways.
 */
export abstract class Flow {
  protected readonly rounding: Rounding;
  /** How far each node is from whatever is too much. */
  protected readonly distance: Float64Array;
  /** The nearest distance at which a place in a partition can be left, before the price of who takes it. */
  readonly #base: Float64Array;
  /**
   * The partitions that a path has led through since the last search. No other path may: in the others two steps
   * of one path cannot crowd a zone, for either could then be cut short, and the path was not the shortest.
   */
  readonly #used: Uint8Array;
  readonly #queued: Uint8Array;
  #queue: number[] = [];
  readonly #entries = new Map<number, Iterator<Step>>();

  constructor(rounding: Rounding, partitions: number) {
    const nodes = rounding.root + 1;
    this.rounding = rounding;
    this.distance = new Float64Array(nodes);
    this.#base = new Float64Array(partitions);
    this.#used = new Uint8Array(partitions);
    this.#queued = new Uint8Array(nodes);
  }

  /** Who has the places of each partition, `width` of them. */
  protected abstract readonly slots: Int32Array;
  protected abstract readonly width: number;
  /** How many places each member has. */
  protected abstract readonly load: Int32Array;
  /** The partitions that `member` has a place in; NOBODY: those with an empty slot. */
  protected abstract places(member: number): Iterable<number>;
  /** The partitions that `member` might enter. */
  protected abstract openings(member: number): Iterable<number>;
  /** What it costs that `member` holds a place in partition p. */
  protected abstract price(p: number, member: number): number;
  /** May `to` take the place of `from` in partition p? */
  protected abstract allowed(p: number, from: number, to: number): boolean;
  protected abstract put(p: number, to: number, from: number): void;
  /** Calls `reach` for every member that may take the place of `from`; `base` is the distance before its price. */
  protected abstract expand(p: number, from: number, base: number): void;

  /** Carries all that is too much to where there is room. False: something found no way. */
  settle(): boolean {
    for (;;) {
      const starts = this.#search();
      if (starts === 0) return true;
      let carried = 0;
      for (let end = 0; end < this.load.length; end += 1) {
        while (carried < starts && this.#room(end) > 0 && this.#carry(end)) carried += 1;
      }
      if (carried === 0) return false;
    }
  }

  protected reach(node: number, distance: number): void {
    if (distance >= this.distance[node]!) return;
    this.distance[node] = distance;
    if (this.#queued[node] === 1) return;
    this.#queued[node] = 1;
    this.#queue.push(node);
  }

  protected begin(): void {
    this.distance.fill(Number.POSITIVE_INFINITY);
    this.#base.fill(Number.POSITIVE_INFINITY);
    this.#used.fill(0);
    this.#entries.clear();
    this.#queue = [];
  }

  #room(member: number): number {
    return this.rounding.level[member]! - this.load[member]!;
  }

  /** Finds all distances. Returns how many paths may begin. */
  #search(): number {
    this.begin();
    const { load, rounding } = this;
    let starts = 0;
    for (let m = 0; m < load.length; m += 1) {
      if (this.#room(m) >= 0) continue;
      this.reach(m, 0);
      starts -= this.#room(m);
    }
    for (const p of this.places(NOBODY)) {
      this.#leave(p, NOBODY, STEP);
      starts += 1;
    }
    for (let head = 0; head < this.#queue.length; head += 1) {
      const node = this.#queue[head]!;
      this.#queued[node] = 0;
      const distance = this.distance[node]!;
      if (distance - Math.floor(distance) > this.distance.length * STEP) {
        throw new MusterError(
          'internal',
          'a cycle costs less than nothing: the flow began where it could not',
        );
      }
      for (const next of rounding.beside(node))
        this.reach(next, distance + rounding.price(node, next) + STEP);
      if (node >= load.length) continue;
      for (const p of this.places(node)) this.#leave(p, node, distance - this.price(p, node) + STEP);
    }
    return starts;
  }

  #leave(p: number, from: number, base: number): void {
    if (base < this.#base[p]!) this.#base[p] = base;
    this.expand(p, from, base);
  }

  /** Takes a shortest path to `end`, found backwards, depth first. False: there is none any more. */
  #carry(end: number): boolean {
    const steps: Step[] = [];
    let at = end;
    if (this.distance[end] === Number.POSITIVE_INFINITY) return false;
    while (!this.#spare(at)) {
      const entries = this.#entries.get(at) ?? this.#into(at);
      this.#entries.set(at, entries);
      const step = entries.next();
      if (step.done !== true) {
        steps.push(step.value);
        at = step.value.from;
      } else {
        const last = steps.pop();
        if (last === undefined) return false;
        at = last.to;
      }
    }
    this.#take(steps);
    return true;
  }

  /** May a path begin here? */
  #spare(node: number): boolean {
    return node === NOBODY || (node < this.load.length && this.#room(node) < 0 && this.distance[node] === 0);
  }

  /** The steps that end shortest paths to a node. */
  *#into(to: number): Generator<Step, void, undefined> {
    const { distance, rounding } = this;
    if (to < this.load.length) {
      for (const via of this.openings(to)) {
        if (this.#used[via] === 1 || this.#base[via]! > distance[to]!) continue;
        const before = distance[to]! - STEP - this.price(via, to);
        for (let slot = via * this.width; slot < (via + 1) * this.width; slot += 1) {
          const from = this.slots[slot]!;
          const base = from === NOBODY ? 0 : distance[from]!;
          if (base < before || base - (from === NOBODY ? 0 : this.price(via, from)) !== before) continue;
          if (this.allowed(via, from, to)) yield { from, to, via };
        }
      }
    }
    for (const from of rounding.beside(to)) {
      if (distance[from]! + rounding.price(from, to) + STEP === distance[to]!)
        yield { from, to, via: NOBODY };
    }
  }

  /** From the end backwards, so that nobody ever holds a partition twice. */
  #take(steps: readonly Step[]): void {
    for (const { from, to, via } of steps) {
      if (via === NOBODY) {
        this.rounding.pass(from, to);
      } else {
        this.put(via, to, from);
        this.#used[via] = 1;
      }
    }
  }
}
