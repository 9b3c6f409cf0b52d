/** When a node reads the map from the metastore: one read at a time, when somebody wants it, and now and then. */
export class MapReads {
  /** How many have begun. */
  count = 0;
  #isWanted = true;
  #isUnderWay = false;
  /** The revision in hand when the read under way began: it can show nothing older. */
  #revisionBefore = 0;
  #dueAt = 0;

  /** The map in hand may be old. */
  want(): void {
    this.#isWanted = true;
  }

  /** Watches and gossip are hints that may stay away: is it time to look for oneself? */
  isDue(now: number): boolean {
    return now >= this.#dueAt;
  }

  ended(): void {
    this.#isUnderWay = false;
  }

  /** Is that revision older than what was in hand before the last read began? */
  isOlder(revision: number): boolean {
    return revision < this.#revisionBefore;
  }

  /** The number of the read to begin now; null: none. The next is due `everyMs` later. */
  next(now: number, revision: number, everyMs: number): number | null {
    if (!this.#isWanted || this.#isUnderWay) return null;
    this.#isWanted = false;
    this.#isUnderWay = true;
    this.#dueAt = now + everyMs;
    this.#revisionBefore = revision;
    return ++this.count;
  }
}
