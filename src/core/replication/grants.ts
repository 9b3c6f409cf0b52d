import type { NodeId } from '../map/types.js';

/** One run of a node: its store and which start of it. */
export interface Process {
  readonly node: NodeId;
  readonly store: string;
  readonly incarnation: number;
}

/**
 * Whom this replica let believe to be its primary, and until when. Granting a beacon at time t promises not to
 * act in another epoch before t + G on this clock, unless the process it was granted to is proven gone (R9, R10, R12a).
 */
export class Grants {
  readonly #granted = new Map<NodeId, { process: Process; at: number }>();
  /** Before this start, grants may have been given to anyone: the start counts as one. */
  readonly #startedAt: number | null;

  constructor(startedAt: number | null) {
    this.#startedAt = startedAt;
  }

  grant(process: Process, now: number): void {
    const known = this.#granted.get(process.node)?.process;
    // A late beacon of an earlier run of the same store: that run has ended, and the grant in force is the newer one's.
    if (known?.store === process.store && known.incarnation > process.incarnation) return;
    this.#granted.set(process.node, { process, at: now });
  }

  /** When the last grant still in force was given; −∞ when none is. */
  last(isGone: (process: Process) => boolean): number {
    let last = this.#startedAt ?? Number.NEGATIVE_INFINITY;
    for (const { process, at } of this.#granted.values()) {
      if (at > last && !isGone(process)) last = at;
    }
    return last;
  }
}
