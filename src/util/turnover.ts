/**
 * After so many deletions, and four times as many as there are entries, the table is exchanged for a new one. A new one costs a
 * tenth of the operations a second; after 1024 deletions, as it once was, what was kept alive until then was most of 1024 requests,
 * and calls of services under 64 callers could settle at two thirds of the rate, with a p99 of 6 ms instead of 2.
 */
const EXCHANGE_AFTER = 64;

/**
 * A `Map` for what comes and goes with every request. V8's own links each table that it has outgrown to the next, for the sake of
 * iterators. When a full collection has moved one to the old space, it stays there, dead, until the next, and keeps alive all
 * tables after it, with what they held: nothing is young any more (decision 0023; `benchmarks/turnover.ts`). Here the table
 * is exchanged now and then, which ends the chain.
 *
 * Iterating is as of a `Map` as long as nothing is added meanwhile: what is added, or deleted after that, may be missed or seen still.
 */
export class TurnoverMap<K, V> {
  #map: Map<K, V>;
  #deleted = 0;

  constructor(entries?: Iterable<readonly [K, V]>) {
    this.#map = new Map(entries);
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    // Not when deleting: whoever deletes what it iterates over is not to lose its place.
    if (this.#deleted >= EXCHANGE_AFTER && this.#deleted >= 4 * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#deleted = 0;
    }
    this.#map.set(key, value);
  }

  /** Was it there? */
  delete(key: K): boolean {
    if (!this.#map.delete(key)) return false;
    this.#deleted++;
    return true;
  }

  clear(): void {
    if (this.#map.size === 0) return;
    this.#map = new Map();
    this.#deleted = 0;
  }

  keys(): MapIterator<K> {
    return this.#map.keys();
  }

  values(): MapIterator<V> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#map[Symbol.iterator]();
  }
}

/** A `Set` for what comes and goes with every request; see `TurnoverMap`. */
export class TurnoverSet<T> {
  readonly #map = new TurnoverMap<T, true>();

  get size(): number {
    return this.#map.size;
  }

  has(value: T): boolean {
    return this.#map.has(value);
  }

  add(value: T): void {
    this.#map.set(value, true);
  }

  /** Was it there? */
  delete(value: T): boolean {
    return this.#map.delete(value);
  }

  clear(): void {
    this.#map.clear();
  }

  [Symbol.iterator](): MapIterator<T> {
    return this.#map.keys();
  }
}
