import type { LocalReplica } from './replication/context.js';

/** Does some log of this store lack, or may it lack, what was acknowledged (PROTOCOL.md R9a)? The store remembers it across starts. */
export class StoreTrust {
  isDamaged: boolean;
  #news: boolean | null = null;

  /** `damaged`: as the store remembers. */
  constructor(damaged: boolean) {
    this.isDamaged = damaged;
  }

  foundDamaged(): void {
    if (this.isDamaged) return;
    this.isDamaged = true;
    this.#news = true;
  }

  /** The store is whole again when each of its copies is: before this process is in the map, it may not know of all. */
  look(registered: boolean, replicas: Iterable<LocalReplica>): void {
    if (!this.isDamaged || !registered) return;
    for (const { check } of replicas) if (check.trust === 'damaged') return;
    this.isDamaged = false;
    this.#news = false;
  }

  /** What the store is to remember from now on; null: as it was. */
  takeNews(): boolean | null {
    const news = this.#news;
    this.#news = null;
    return news;
  }
}
