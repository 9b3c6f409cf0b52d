import type { Candidate } from '../types.js';

/** The weight of a node when it is not in slow start. */
export type BaseWeight = (id: string) => number;

/** One of the candidates, each as likely as its weight says: by prefix sums. */
export function drawByWeight(candidates: readonly Candidate[], random: () => number): string {
  let total = 0;
  for (let i = 0; i < candidates.length; i += 1) total += candidates[i]!.weight;
  let left = random() * total;
  for (let i = 0; i < candidates.length - 1; i += 1) {
    left -= candidates[i]!.weight;
    if (left < 0) return candidates[i]!.id;
  }
  return candidates[candidates.length - 1]!.id;
}

/** A node in slow start leaves as many requests to others as it lacks of its weight; for strategies that do not go by weight. */
export function standsAside(c: Candidate, base: BaseWeight, random: () => number): boolean {
  return c.state === 'slow-start' && random() >= c.weight / base(c.id);
}
