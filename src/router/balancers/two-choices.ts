import { settings } from '../settings.js';
import type { Candidate, Strategy } from '../types.js';
import { type BaseWeight, standsAside } from './weights.js';

/**
 * How many requests the node works on without one of them waiting for another, by what it last said: as many as would use up its
 * thread, if each takes as much of it as those that run, but no more than it lets run. Of a node that says nothing, or was idle: one, as in Finagle.
 */
const atOnce = ({ load }: Candidate): number =>
  load === null
    ? 1
    : Math.max(1, Math.min(load.maxInflight, load.inflight / Math.max(load.loop, settings.leastUse)));

/**
 * The lower of two random ones (Mitzenmacher, "The Power of Two Choices", 2001) by the time that a request may be expected to take:
 * peak-EWMA, times how often the node must finish all it works on before this one is done. That is Finagle's cost · (pending + 1) for a
 * node which works on one at a time. Without a latency yet: nothing when idle, so that it is tried; a penalty until it has answered.
 */
export function twoChoices(base: BaseWeight): Strategy {
  const score = (c: Candidate): number => {
    if (c.ewmaMs === null) return c.inflight === 0 ? 0 : settings.penalty + c.inflight;
    const turns = Math.max(1, (c.inflight + c.others + 1) / atOnce(c));
    return (Math.max(c.ewmaMs, settings.leastMs) * turns) / base(c.id);
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
