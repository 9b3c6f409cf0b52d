import type { NodeId, Process } from '../map/types.js';

/**
 * Whom this replica let believe to be its primary, and until when. Granting a beacon at time t promises not to
 * act in another epoch before t + G on this clock, unless the process it was granted to is proven gone (R9, R10, R12a).
 */
export class Grants {
  readonly #granted = new Map<NodeId, { process: Process; epoch: number; at: number }>();
  /** Before this start, grants may have been given to anyone: the start counts as one. */
  readonly #startedAt: number | null;

  constructor(startedAt: number | null) {
    this.#startedAt = startedAt;
  }

  grant(process: Process, epoch: number, now: number): void {
    const known = this.#granted.get(process.node)?.process;
    // A late beacon of an earlier run of the same store: that run has ended, and the grant in force is the newer one's.
    if (known?.store === process.store && known.incarnation > process.incarnation) return;
    this.#granted.set(process.node, { process, epoch, at: now });
  }

  /** `process` has stopped acting in every epoch before `epoch`: what it was granted for those binds no more. */
  release(process: Process, epoch: number): void {
    const known = this.#granted.get(process.node);
    if (known === undefined || known.epoch >= epoch) return;
    if (known.process.store === process.store && known.process.incarnation === process.incarnation)
      this.#granted.delete(process.node);
  }

  /** Only for the variant that takes one primary's yielding for all others' too. */
  releaseAll(): void {
    this.#granted.clear();
  }

  /** Did this replica let that very process be primary of that epoch? */
  hasGranted({ node, store, incarnation }: Process, epoch: number): boolean {
    const known = this.#granted.get(node);
    return (
      known?.epoch === epoch && known.process.store === store && known.process.incarnation === incarnation
    );
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
