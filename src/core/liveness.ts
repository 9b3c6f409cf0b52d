import { limits } from '../limits.js';
import type { NodeId } from './map/types.js';

/** What a node thinks of the others, as it says with every beacon. */
export interface Opinion {
  /** Not heard for so long that their replicas ought to be rebuilt. */
  readonly silent: readonly NodeId[];
  /** Out, or only joining, and heard for long enough to have their share. */
  readonly back: readonly NodeId[];
}

/**
 * How long each other node has been silent, or heard, on this node's clock, in ms. Counted in ticks of bounded length: a
 * process that stood still does not blame the others for the time.
 */
export class Liveness {
  readonly #silent = new Map<NodeId, number>();
  readonly #heard = new Map<NodeId, number>();
  readonly #opinions = new Map<NodeId, Opinion>();
  #tickAt: number | null = null;

  /** A message came from that node. */
  heard(node: NodeId): void {
    this.#silent.set(node, 0);
  }

  /** That node said what it thinks. */
  told(node: NodeId, opinion: Opinion): void {
    this.#opinions.set(node, opinion);
  }

  /** What a node last said that is heard now; null: it is not, or said nothing. */
  opinionFrom(node: NodeId): Opinion | null {
    return this.heardMs(node) > 0 ? (this.#opinions.get(node) ?? null) : null;
  }

  /** `lossMs`: a node silent for this long is no longer heard. */
  tick(now: number, others: Iterable<NodeId>, lossMs: number): void {
    const step = Math.min(Math.max(0, now - (this.#tickAt ?? now)), limits.livenessStepMs);
    this.#tickAt = now;
    for (const node of others) {
      const silent = (this.#silent.get(node) ?? lossMs) + step;
      this.#silent.set(node, silent);
      this.#heard.set(node, silent < lossMs ? (this.#heard.get(node) ?? 0) + step : 0);
    }
  }

  silentMs(node: NodeId): number {
    return this.#silent.get(node) ?? 0;
  }

  /** For how long it has been heard without a gap. */
  heardMs(node: NodeId): number {
    return this.#heard.get(node) ?? 0;
  }
}
