import { ClientCore } from '../core/client/client-core.js';
import { type ClusterMap, type NodeId, nodeOf } from '../core/map/types.js';
import type { Random } from '../core/random.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { FaultSpec } from '../faults/plan.js';
import { backAfter, breakAt, brokenLinksMs, killBefore, watchedMs } from './broken-links-times.js';
import { Violation } from './invariants.js';
import { SimUser, type UserWorld } from './sim-user.js';

/** With a connected majority of its replicas a partition takes a write at least this often, in ms (invariant 18). */
const boundMs = 5000;
/** And this many of the fifty in any ten seconds, once it has had that long and its primary is in that majority. */
const leastWrites = 35;
const windowMs = 10_000;
/** How often each partition is written to, and how often it is looked at, in ms. */
const writeEvery = 200;
const lookEvery = 250;

export interface LinksWorld extends UserWorld {
  readonly random: Random;
  readonly nodes: readonly NodeId[];
  readonly metastore: { readonly map: ClusterMap };
  readonly network: { inflict(spec: FaultSpec): void };
  kill(node: NodeId): void;
  start(node: NodeId): void;
  note(line: () => string): void;
}

/**
 * Some links between nodes are cut, in one direction or both, slow, or lose messages, and stay so. Watches that each partition with
 * a majority of its replicas that are connected as they should be goes on taking writes (invariant 18).
 */
export class BrokenLinks {
  readonly #world: LinksWorld;
  readonly #random: Random;
  readonly #broken = new Set<string>();
  /** When writes to each partition were acknowledged. */
  readonly #writes: number[][] = [];
  #targets: readonly (readonly NodeId[])[] = [];

  constructor(world: LinksWorld, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    const { queue, nodes } = this.#world;
    this.#writeAlways();
    let goodFrom = breakAt;
    if (this.#random.chance(0.4)) {
      const away = this.#random.pick(nodes);
      goodFrom += backAfter;
      queue.after(breakAt - killBefore, () => this.#world.kill(away));
      queue.after(breakAt + backAfter, () => this.#world.start(away));
    }
    queue.after(breakAt, () => {
      this.#targets = this.#world.metastore.map.partitions.map(({ target }) => target);
      this.#break();
    });
    queue.after(goodFrom + boundMs, () => this.#look(goodFrom, goodFrom + watchedMs));
  }

  #break(): void {
    const { nodes, network, note } = this.#world;
    const random = this.#random;
    const often = random.pick([0.2, 0.4, 0.6]);
    // One node may have lost all its links: the usual case of a cable.
    const alone = random.chance(0.3) ? random.pick(nodes) : null;
    const kinds = random.pick([['cut'], ['oneWay'], ['delay'], ['drop'], ['cut', 'oneWay', 'delay', 'drop']]);
    for (const [i, a] of nodes.entries()) {
      for (const b of nodes.slice(i + 1)) {
        if (a === alone || b === alone ? false : !random.chance(often)) continue;
        const kind = random.pick(kinds);
        const [from, to] = random.chance(0.5) ? [a, b] : [b, a];
        this.#broken.add(`${a} ${b}`).add(`${b} ${a}`);
        note.call(this.#world, () => `link ${from} ${to}: ${kind}`);
        if (kind === 'delay') {
          const delayMs = random.pick([50, 400, 2000]);
          network.inflict({ kind, links: [a, b], delayMs, jitterMs: delayMs / 2 });
        } else if (kind === 'drop') {
          network.inflict({ kind, links: [a, b], probability: random.pick([0.1, 0.16, 0.3, 0.5, 0.7, 0.9]) });
        } else network.inflict({ kind: 'netsplit', groups: [[from], [to]], oneWay: kind === 'oneWay' });
      }
    }
  }

  /** Writes to each partition again and again, whatever becomes of it. */
  #writeAlways(): void {
    const { scenario, queue } = this.#world;
    const random = this.#random.fork();
    const user = new SimUser('links', this.#world, new ClientCore(null, () => random.next()), random.fork());
    user.tick();
    for (let p = 0; p < scenario.partitions; p++) {
      this.#writes.push([]);
      let name = 0;
      while (partitionOf(hashKey(`links-${name}`), scenario.partitions) !== p) name++;
      const op = { type: 'incr' as const, key: `links-${name}`, by: 1 };
      const write = (): void => {
        if (queue.now >= brokenLinksMs) return;
        user.call({ type: 'write', op, deadline: queue.now + 3000 }, ({ type }) => {
          if (type === 'written') this.#writes[p]?.push(queue.now);
        });
        queue.after(writeEvery, write);
      };
      queue.after(1000, write);
    }
  }

  #look(goodFrom: number, until: number): void {
    const { queue, metastore } = this.#world;
    for (const [p, target] of this.#targets.entries()) {
      const writes = this.#writes[p] as number[];
      const since = queue.now - Math.max(goodFrom, writes.at(-1) ?? 0);
      const inWindow = writes.filter((at) => at > queue.now - windowMs).length;
      const { epoch, primary, inSync } = metastore.map.partitions[p] as ClusterMap['partitions'][number];
      const few = queue.now >= goodFrom + boundMs + windowMs && inWindow < leastWrites;
      // One that is slow because its primary has no good link is slow, and goes on.
      const tooFew = few && this.#isConnected(target, nodeOf(primary));
      if (!tooFew && (since <= boundMs || !this.#isConnected(target, null))) continue;
      throw new Violation(
        18,
        `p${p} took no write for ${since.toFixed(0)} ms, and ${inWindow} in ${windowMs} ms (e${epoch} primary ${primary} in sync ${inSync.join(' ')}, replicas ${target.join(' ')})`,
      );
    }
    if (queue.now < until) queue.after(lookEvery, () => this.#look(goodFrom, until));
  }

  /** Are more than half of the replicas, that node among them, connected to each other as they should be? */
  #isConnected(target: readonly NodeId[], among: NodeId | null): boolean {
    const most = Math.floor(target.length / 2) + 1;
    const grow = (group: readonly NodeId[], from: number): boolean =>
      group.length >= most ||
      target.slice(from).some((node, i) => {
        if (group.some((other) => other === node || this.#broken.has(`${other} ${node}`))) return false;
        return grow([...group, node], from + i + 1);
      });
    return grow(among === null ? [] : [among], 0);
  }
}
