import { peers } from './deps.js';
import type { Changeable, Weighted } from './ring-change.js';

const require = peers('consistent-hash', 'node-hashring', 'hashring', 'ketama', 'rendezvous-hash');

export interface Library {
  readonly name: string;
  /** Keys that the shares at 10 and at 100 nodes are taken from. */
  readonly samples: readonly [number, number];
  /** Does it take weights? */
  readonly weights: boolean;
  readonly make: (nodes: readonly Weighted[]) => Changeable;
}

/** The consistent-hashing libraries of npm, each as its own README has it. */
export const libraries: readonly Library[] = [
  {
    name: 'consistent-hash 1.2',
    samples: [200_000, 200_000],
    weights: true,
    make: (nodes) => {
      // With weights on more places than its default: it would run out of free ones.
      const weighted = nodes.some(({ weight }) => weight !== 1);
      const ring = new (require('consistent-hash'))(weighted ? { range: 1_000_003 } : {});
      // 40 points are its default.
      const add = ({ id, weight }: Weighted): void => ring.add(id, 40 * weight);
      for (const node of nodes) add(node);
      return { ownerOf: (key) => ring.get(key), add, remove: (id) => ring.remove(id) };
    },
  },
  {
    name: 'node-hashring 1.0',
    samples: [200_000, 200_000],
    weights: false,
    make: (nodes) => {
      const ring = new (require('node-hashring'))(nodes.map(({ id }) => id));
      return {
        ownerOf: (key) => ring.findNode(key),
        add: ({ id }) => ring.addNode(id),
        remove: (id) => ring.removeNode(id),
      };
    },
  },
  {
    name: 'hashring 3.2',
    samples: [200_000, 200_000],
    weights: true,
    make: (nodes) => {
      const ring = new (require('hashring'))(Object.fromEntries(nodes.map(({ id, weight }) => [id, weight])));
      return {
        ownerOf: (key) => ring.get(key),
        add: ({ id, weight }) => ring.add({ [id]: weight }),
        remove: (id) => ring.remove(id),
      };
    },
  },
  {
    name: 'ketama 1.0',
    samples: [200_000, 200_000],
    weights: true,
    make: (nodes) => {
      const ring = new (require('ketama').HashRing)(nodes.map(({ id, weight }) => ({ node: id, weight })));
      return {
        ownerOf: (key) => ring.getNode(key),
        add: ({ id, weight }) => ring.addNode(id, weight),
        remove: (id) => ring.removeNode(id),
      };
    },
  },
  {
    name: 'rendezvous-hash 1.0',
    // Slow: fewer keys, whose chance alone makes 1.04 and 1.27 of a perfect 1.00.
    samples: [20_000, 10_000],
    weights: false,
    make: (nodes) => {
      const select = require('rendezvous-hash');
      const shards: Record<string, string> = Object.fromEntries(nodes.map(({ id }) => [id, id]));
      return {
        ownerOf: (key) => select(key, shards),
        add: ({ id }) => {
          shards[id] = id;
        },
        remove: (id) => {
          delete shards[id];
        },
      };
    },
  },
];
