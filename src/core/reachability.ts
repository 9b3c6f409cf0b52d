import type { NodeId } from './map/types.js';

/**
 * Which other nodes this one can work with: they hear it and it hears them. Known from acks of its own heartbeats, for a message that
 * comes in says nothing of those that go out. In ms on this node's clock.
 */
export class Reachability {
  readonly #answeredAt = new Map<NodeId, number>();

  answered(node: NodeId, now: number): void {
    this.#answeredAt.set(node, now);
  }

  /** When that node last answered; −∞: never. */
  answeredAt(node: NodeId): number {
    return this.#answeredAt.get(node) ?? Number.NEGATIVE_INFINITY;
  }
}
