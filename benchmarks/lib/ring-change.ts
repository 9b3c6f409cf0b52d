import { benchKeys, benchNodes } from '../../src/bench/ring.js';
import { hashKey, partitionOf } from '../../src/core/ring/hash.js';
import { place } from '../../src/core/ring/placement.js';

export interface Weighted {
  readonly id: string;
  readonly weight: number;
}

/** Says which node a key belongs to, and takes nodes in and out. */
export interface Changeable {
  ownerOf(key: string): string;
  add(node: Weighted): void;
  remove(id: string): void;
}

export interface ChangeFigures {
  /** The keys per unit of weight of the fullest node, against the mean. */
  readonly maxOverMean: number;
  /** The share of keys that changed their owner, and the share that had to: the node's part of all weights. */
  readonly added: number;
  readonly addedIdeal: number;
  readonly removed: number;
  readonly removedIdeal: number;
}

export const evenNodes = (count: number): Weighted[] => benchNodes(count).map((id) => ({ id, weight: 1 }));

/** Weights 1 to 8, mixed. */
export const weightedNodes = (count: number): Weighted[] =>
  benchNodes(count).map((id, i) => ({ id, weight: 1 + ((i * 7) % 8) }));

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/**
 * Adds one node of the mean weight, and removes one of the given: means of three of each, for with virtual nodes
 * it is a matter of luck what one node owns. Keys that move are counted among a quarter of the samples.
 */
export function measureChange(
  make: (nodes: readonly Weighted[]) => Changeable,
  nodes: readonly Weighted[],
  samples: number,
): ChangeFigures {
  const all = sum(nodes.map(({ weight }) => weight));
  const keys = benchKeys(samples);
  const few = keys.slice(0, samples / 4);
  const ring = make(nodes);
  const loads = new Map(nodes.map(({ id }) => [id, 0]));
  for (const owner of keys.map((key) => ring.ownerOf(key))) loads.set(owner, loads.get(owner)! + 1);
  const moved = (change: (ring: Changeable) => void): number => {
    const changing = make(nodes);
    const before = few.map((key) => changing.ownerOf(key));
    change(changing);
    return few.filter((key, i) => changing.ownerOf(key) !== before[i]).length / few.length;
  };
  const weight = Math.round(all / nodes.length);
  const newcomers = ['10.9.0.1:7000', '10.9.0.2:7000', '10.9.0.3:7000'];
  const leavers = [1, 3, 5].map((sixths) => nodes[Math.floor((nodes.length * sixths) / 6)]!);
  return {
    maxOverMean: (Math.max(...nodes.map((node) => loads.get(node.id)! / node.weight)) * all) / samples,
    added: mean(newcomers.map((id) => moved((changing) => changing.add({ id, weight })))),
    addedIdeal: weight / (all + weight),
    removed: mean(leavers.map(({ id }) => moved((changing) => changing.remove(id)))),
    removedIdeal: mean(leavers.map((node) => node.weight / all)),
  };
}

/** As a cluster does it: key → partition → preferred primary, placed anew from what was placed before. */
export const partitioned =
  (partitions: number) =>
  (nodes: readonly Weighted[]): Changeable => {
    let members = nodes.map((node) => ({ ...node, zone: '' }));
    let placed = place({ partitions, replicas: 3, members });
    const become = (next: typeof members): void => {
      members = next;
      placed = place({ partitions, replicas: 3, members, previous: placed });
    };
    return {
      ownerOf: (key) => placed[partitionOf(hashKey(key), partitions)]![0]!,
      add: (node) => become([...members, { ...node, zone: '' }]),
      remove: (id) => become(members.filter((m) => m.id !== id)),
    };
  };

/** What chance alone does to an even spread; in exchange nearly every key moves. */
export function modulo(nodes: readonly Weighted[]): Changeable {
  const ids = nodes.map(({ id }) => id);
  return {
    ownerOf: (key) => ids[hashKey(key) % ids.length]!,
    add: ({ id }) => ids.push(id),
    remove: (id) => ids.splice(ids.indexOf(id), 1),
  };
}
