import type { NodeId } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import {
  type FaultPlan,
  type FaultSpec,
  type Link,
  linkOf,
  noFaults,
  soundLink,
  withFault,
  withoutFaults,
} from '../faults/plan.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

/**
 * The network between nodes (and clients): delay, loss, repetition and reorder of its own, and what the fault plan says, the same
 * value by the same `linkOf` as on real connections (`src/faults/transport.ts`). Clients reach everybody.
 */
export class SimNetwork {
  readonly #queue: EventQueue;
  readonly #random: Random;
  #faults: Scenario['network'];
  #plan: FaultPlan = noFaults;
  /** What the plan says of each link that was asked for. */
  readonly #links = new Map<string, Link>();
  /** Which connection of a link the messages belong to. */
  readonly #generation = new Map<string, number>();
  /** When the last message of an ordered link arrives. */
  readonly #lastArrival = new Map<string, number>();

  constructor(queue: EventQueue, random: Random, faults: Scenario['network']) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
  }

  /** Adds a fault to the plan. */
  inflict(spec: FaultSpec): void {
    this.#apply(withFault(this.#plan, spec));
  }

  healLinks(): void {
    this.#apply(withoutFaults(this.#plan, 'all'));
  }

  /** Those who carry out the plan themselves. */
  readonly followers = new Set<(plan: FaultPlan) => void>();

  get plan(): FaultPlan {
    return this.#plan;
  }

  #apply(plan: FaultPlan): void {
    this.#plan = plan;
    this.#links.clear();
    for (const follow of this.followers) follow(plan);
  }

  #link(name: string, from: NodeId, to: NodeId): Link {
    let link = this.#links.get(name);
    if (link === undefined) {
      link = linkOf(this.#plan, from, to);
      this.#links.set(name, link);
    }
    return link;
  }

  /** From now on nothing is lost, repeated or late. */
  heal(): void {
    this.healLinks();
    this.#faults = { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 };
  }

  send(from: NodeId, to: NodeId, deliver: () => void): void {
    const random = this.#random;
    const name = `${from}>${to}`;
    const link = this.#link(name, from, to);
    if (link.cut || random.chance(this.#faults.loss)) return;
    if (link.drop > 0 && random.chance(link.drop)) return;
    this.#schedule(name, link, deliver);
    // A client's request is never repeated by the network: TCP does not, and the client itself does.
    if (!from.startsWith('c') && random.chance(this.#faults.duplicate)) this.#schedule(name, link, deliver);
  }

  /** For frames of connections whose ends carry out the plan themselves: only the network's own faults. */
  carry(from: string, to: string, deliver: () => void): void {
    const random = this.#random;
    const name = `${from}>${to}`;
    // What is lost is sent again by the systems at both ends, and late.
    const lost = random.chance(this.#faults.loss);
    const link = lost ? { ...soundLink, delayMs: random.between(200, 500) } : soundLink;
    this.#schedule(name, link, deliver);
    if (!from.startsWith('c') && random.chance(this.#faults.duplicate)) this.#schedule(name, link, deliver);
  }

  /** Everything under way between the two is lost. */
  reset(a: string, b: string): void {
    for (const link of [`${a}>${b}`, `${b}>${a}`])
      this.#generation.set(link, (this.#generation.get(link) ?? 0) + 1);
  }

  #schedule(name: string, { delayMs, jitterMs }: Link, deliver: () => void): void {
    const random = this.#random;
    let delay = random.between(0.1, 1.5);
    if (delayMs > 0) delay += delayMs + jitterMs * (2 * random.next() - 1);
    if (random.chance(this.#faults.slow)) delay += random.next() * this.#faults.slowMs;
    if (this.#faults.ordered) {
      const arrival = Math.max(this.#queue.now + delay, this.#lastArrival.get(name) ?? 0);
      this.#lastArrival.set(name, arrival);
      delay = arrival - this.#queue.now;
    }
    const generation = this.#generation.get(name);
    this.#queue.after(delay, () => {
      if (this.#generation.get(name) === generation) deliver();
    });
  }
}
