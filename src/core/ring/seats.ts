import { startOf } from './hash.js';
import type { Ring } from './ring.js';

/**
 * The ring with a bounded number of seats a member: consistent hashing with bounded loads (Mirrokni, Thorup,
 * Zadimoghaddam, arXiv:1608.01350). Points of members that are full are skipped through a union-find with path
 * compression, so that even the last partitions find their place at once.
 */
export class Seats {
  readonly #ring: Ring;
  readonly #partitions: number;
  readonly #room: Int32Array;
  /** The next point that may have room. */
  readonly #next: Int32Array;
  readonly #rejected: Int32Array;
  #stamp = 0;
  #open: number;

  /** `room[i]`: how many seats the ring's member i has; taken over, and counted down. */
  constructor(ring: Ring, partitions: number, room: Int32Array) {
    this.#ring = ring;
    this.#partitions = partitions;
    this.#room = room;
    this.#next = Int32Array.from({ length: ring.size }, (_, i) => i);
    this.#rejected = new Int32Array(room.length);
    this.#open = room.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
  }

  /** Takes a seat of the first member clockwise from the partition's start that has one and fits; −1: there is none. */
  take(partition: number, fits: (member: number) => boolean): number {
    this.#stamp += 1;
    const size = this.#ring.size;
    let at = this.#ring.indexAt(startOf(partition, this.#partitions)) % size;
    for (let tried = 0; tried < this.#open; at = (at + 1) % size) {
      at = this.#find(at);
      const member = this.#ring.memberAt(at);
      if (this.#rejected[member] === this.#stamp) continue;
      if (fits(member)) {
        this.#room[member]! -= 1;
        if (this.#room[member] === 0) this.#open -= 1;
        return member;
      }
      this.#rejected[member] = this.#stamp;
      tried += 1;
    }
    return -1;
  }

  /** The first point at or after `from` whose member has room; some member must have. */
  #find(from: number): number {
    const next = this.#next;
    let root = from;
    while (this.#room[this.#ring.memberAt(root)]! <= 0) {
      if (next[root] === root) next[root] = (root + 1) % next.length;
      root = next[root]!;
    }
    for (let at = from; at !== root; ) {
      const after = next[at]!;
      next[at] = root;
      at = after;
    }
    return root;
  }
}
