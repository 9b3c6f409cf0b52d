import { settings } from '../settings.js';
import type { Candidate, Strategy } from '../types.js';
import { type BaseWeight, standsAside } from './weights.js';

/**
 * The lower of two random ones (Mitzenmacher, "The Power of Two Choices", 2001) by peak-EWMA as in Finagle: load =
 * cost · (pending + 1). Without a latency yet: nothing when idle, so that it is tried; a penalty until it has answered.
 */
export function twoChoices(base: BaseWeight): Strategy {
  const score = (c: Candidate): number => {
    if (c.ewmaMs === null) return c.inflight === 0 ? 0 : settings.penalty + c.inflight;
    return (Math.max(c.ewmaMs, settings.leastMs) * (c.inflight + 1)) / base(c.id);
  };
  return {
    score,
    pick: (candidates, { random }) => {
      const n = candidates.length;
      if (n === 1) return candidates[0]!.id;
      const first = Math.floor(random() * n);
      const other = Math.floor(random() * (n - 1));
      const a = candidates[first]!;
      const b = candidates[other < first ? other : other + 1]!;
      const aside = standsAside(a, base, random);
      if (aside !== standsAside(b, base, random)) return aside ? b.id : a.id;
      return score(b) < score(a) ? b.id : a.id;
    },
  };
}
