import type { Candidate, Strategy } from '../types.js';

const score = (c: Candidate): number => (c.inflight + 1) / c.weight;

/** Fewest outstanding, by weight: the lowest (inflight + 1) / weight; any of those that are equal. */
export function leastLoaded(): Strategy {
  return {
    score,
    pick: (candidates, { random }) => {
      let best = candidates[0]!;
      let lowest = score(best);
      let equal = 1;
      for (let i = 1; i < candidates.length; i += 1) {
        const c = candidates[i]!;
        const its = score(c);
        if (its > lowest) continue;
        equal = its < lowest ? 1 : equal + 1;
        lowest = its;
        if (equal === 1 || random() * equal < 1) best = c;
      }
      return best.id;
    },
  };
}
