import type { NodeId } from './map/types.js';

/** How much each heartbeat weighs in the share of those answered, and the share from which on a link is good. */
const weight = 0.1;
const goodShare = 0.7;
/** A link over which so many heartbeats were answered is known to be good, and not only new. */
export const provenAnswers = 5;

/**
 * Which other nodes this one can work with: they hear it and it hears them, most of the time. Known from acks of its own heartbeats,
 * for a message that comes in says nothing of those that go out. In ms on this node's clock.
 */
export class Reachability {
  readonly #links = new Map<NodeId, { answeredAt: number; share: number; answers: number }>();

  /** A heartbeat leaves for that node. */
  sent(node: NodeId): void {
    const link = this.#links.get(node);
    if (link !== undefined) link.share *= 1 - weight;
  }

  /** It answered one. The first answer over a connection counts for many: there were none to miss. */
  answered(node: NodeId, now: number): void {
    const link = this.#links.get(node);
    if (link === undefined) this.#links.set(node, { answeredAt: now, share: 1, answers: 1 });
    else {
      link.answeredAt = now;
      link.answers++;
      link.share = Math.min(1, link.share + weight);
    }
  }

  /** There is a new connection to that node. */
  forget(node: NodeId): void {
    this.#links.delete(node);
  }

  /** When that node last answered; −∞: never. */
  answeredAt(node: NodeId): number {
    return this.#links.get(node)?.answeredAt ?? Number.NEGATIVE_INFINITY;
  }

  /** Has it answered one within `lately` ms, and most of those before, at least so many in all? */
  isGood(node: NodeId, now: number, lately: number, least: number): boolean {
    const link = this.#links.get(node);
    if (link === undefined || link.answers < least) return false;
    return now - link.answeredAt < lately && link.share >= goodShare;
  }
}
