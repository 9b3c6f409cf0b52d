import { hashKey, mix32, RING } from '../../core/ring/hash.js';
import { Ring } from '../../core/ring/ring.js';
import { settings } from '../settings.js';
import type { Candidate, Strategy } from '../types.js';
import { type BaseWeight, drawByWeight } from './weights.js';

/** After so many points for each member hardly any has not been passed. */
const FAR = 16;

/**
 * By the request's key: consistent hashing with bounded loads (arXiv:1608.01350). Clockwise from the key's hash, the first
 * candidate that has room: at most ⌈(1 + ε) · its share by weight of all in flight⌉, this request among them. A node
 * in slow start takes only some of its keys, more and more of them, each for good. Without a key: any, by weight.
 */
export function hash(base: BaseWeight): Strategy {
  let ring: Ring | null = null;
  const members = (ids: readonly string[]): void => {
    const sum = ids.reduce((s, id) => s + base(id), 0);
    ring =
      ids.length === 0
        ? null
        : new Ring(
            ids.map((id) => ({ id, weight: base(id) })),
            { points: (settings.hashPoints * ids.length) / sum },
          );
  };
  return {
    members,
    pick: (candidates, { key, random }) => {
      if (key === null) return drawByWeight(candidates, random);
      if (ring === null) members(candidates.map((c) => c.id));
      return walk(ring!, candidates, hashKey(key), base) ?? drawByWeight(candidates, random);
    },
  };
}

/** Null: none of the candidates is on the ring. */
function walk(ring: Ring, candidates: readonly Candidate[], hash: number, base: BaseWeight): string | null {
  let inflight = 1;
  let weights = 0;
  for (let i = 0; i < candidates.length; i += 1) {
    inflight += candidates[i]!.inflight;
    weights += candidates[i]!.weight;
  }
  const each = ((1 + settings.hashSlack) * inflight) / weights;
  const draw = mix32(hash ^ 0x9e3779b9) / RING;
  const start = ring.indexAt(hash);
  let fallback: string | null = null;
  let passed = -1;
  for (let step = 0; step < ring.size; step += 1) {
    if (fallback !== null && step > FAR * ring.ids.length) break;
    const owner = ring.memberAt((start + step) % ring.size);
    if (owner === passed) continue;
    passed = owner;
    const c = find(candidates, ring.ids[owner]!);
    if (c === null || c.inflight + 1 > Math.ceil(each * c.weight)) continue;
    if (c.state === 'up' || draw < c.weight / base(c.id)) return c.id;
    fallback ??= c.id;
  }
  return fallback;
}

function find(candidates: readonly Candidate[], id: string): Candidate | null {
  for (let i = 0; i < candidates.length; i += 1) if (candidates[i]!.id === id) return candidates[i]!;
  return null;
}
