import type { NodeId } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

/** The network between nodes (and clients): delay, loss, repetition, reorder, and links cut in one or both directions. */
export class SimNetwork {
  readonly #queue: EventQueue;
  readonly #random: Random;
  #faults: Scenario['network'];
  readonly #cut = new Set<string>();
  /** Which connection of a link the messages belong to. */
  readonly #generation = new Map<string, number>();
  /** When the last message of an ordered link arrives. */
  readonly #lastArrival = new Map<string, number>();

  constructor(queue: EventQueue, random: Random, faults: Scenario['network']) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  healLinks(): void {
    this.#cut.clear();
  }

  /** From now on nothing is lost, repeated or late. */
  heal(): void {
    this.healLinks();
    this.#faults = { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 };
  }

  send(from: NodeId, to: NodeId, deliver: () => void): void {
    const random = this.#random;
    if (this.isCut(from, to) || random.chance(this.#faults.loss)) return;
    this.#schedule(`${from}>${to}`, deliver);
    // A client's request is never repeated by the network: TCP does not, and the client itself does.
    if (!from.startsWith('c') && random.chance(this.#faults.duplicate))
      this.#schedule(`${from}>${to}`, deliver);
  }

  /** Everything under way between the two is lost. */
  reset(a: string, b: string): void {
    for (const link of [`${a}>${b}`, `${b}>${a}`])
      this.#generation.set(link, (this.#generation.get(link) ?? 0) + 1);
  }

  #schedule(link: string, deliver: () => void): void {
    const random = this.#random;
    let delay = random.between(0.1, 1.5);
    if (random.chance(this.#faults.slow)) delay += random.next() * this.#faults.slowMs;
    if (this.#faults.ordered) {
      const arrival = Math.max(this.#queue.now + delay, this.#lastArrival.get(link) ?? 0);
      this.#lastArrival.set(link, arrival);
      delay = arrival - this.#queue.now;
    }
    const generation = this.#generation.get(link);
    this.#queue.after(delay, () => {
      if (this.#generation.get(link) === generation) deliver();
    });
  }
}
