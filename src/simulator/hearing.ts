import type { ClusterMap, NodeId } from '../core/map/types.js';
import { defaultTimings } from '../limits.js';

/** A node that another has heard for so long without a gap, and this lately, is there for that one; in ms. */
const FOR_MS = 4000;
const LATELY_MS = 1000;

/** Who has really heard whom, in messages that arrived. */
export class Hearing {
  readonly #heard = new Map<string, { since: number; last: number }>();

  heard(by: NodeId, from: NodeId, now: number): void {
    const key = `${by}<${from}`;
    const known = this.#heard.get(key);
    if (known === undefined || now - known.last > defaultTimings.leaseMs)
      this.#heard.set(key, { since: now, last: now });
    else known.last = now;
  }

  /** Have more than half of the other members heard it, for long and until now? */
  byMost(node: NodeId, map: ClusterMap, now: number): boolean {
    const others = Object.values(map.members).filter(
      (m) => m.id !== node && m.incarnation > 0 && m.state !== 'joining',
    );
    const hear = others.filter(({ id }) => {
      const known = this.#heard.get(`${id}<${node}`);
      return known !== undefined && now - known.last <= LATELY_MS && now - known.since >= FOR_MS;
    });
    return hear.length * 2 > others.length;
  }
}
