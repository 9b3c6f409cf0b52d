import type { Candidate, Strategy } from '../types.js';
import { type BaseWeight, standsAside } from './weights.js';

/**
 * One after the other, by id (UTF-16 order), whoever comes and goes meanwhile. It starts with a random one, or all
 * clients would begin with the same.
 */
export function roundRobin(base: BaseWeight): Strategy {
  let last: string | null = null;
  return {
    pick: (candidates, { random }) => {
      if (last === null) {
        last = candidates[Math.floor(random() * candidates.length)]!.id;
        return last;
      }
      let next = after(candidates, last);
      for (let tries = 1; tries < candidates.length && standsAside(next, base, random); tries += 1)
        next = after(candidates, next.id);
      last = next.id;
      return last;
    },
  };
}

/** The candidate with the next higher id; after the highest the lowest. */
function after(candidates: readonly Candidate[], id: string): Candidate {
  let next: Candidate | null = null;
  let lowest = candidates[0]!;
  for (let i = 0; i < candidates.length; i += 1) {
    const c = candidates[i]!;
    if (c.id < lowest.id) lowest = c;
    if (c.id > id && (next === null || c.id < next.id)) next = c;
  }
  return next ?? lowest;
}
