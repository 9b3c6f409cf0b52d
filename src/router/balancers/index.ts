import { invalid } from '../../errors.js';
import { didYouMean, either } from '../../text/nearest.js';
import type { Strategy, StrategyName } from '../types.js';
import { hash } from './hash.js';
import { leastLoaded } from './least-loaded.js';
import { random } from './random.js';
import { roundRobin } from './round-robin.js';
import { twoChoices } from './two-choices.js';
import { weighted } from './weighted.js';
import type { BaseWeight } from './weights.js';

interface Kind {
  readonly make: (base: BaseWeight, steady: boolean) => Strategy;
  /** Why the strategy chose a node, completes "n2 was chosen: …". */
  readonly why: string;
}

const kinds: Readonly<Record<StrategyName, Kind>> = {
  random: { make: random, why: 'random by weight' },
  'round-robin': { make: roundRobin, why: 'next in turn' },
  weighted: { make: (_, steady) => weighted(steady), why: 'next in weighted turn' },
  'least-loaded': { make: leastLoaded, why: 'fewest requests in flight for its weight' },
  'two-choices': { make: twoChoices, why: 'less loaded of two random nodes' },
  hash: { make: hash, why: 'first node with capacity on the ring after the key' },
};

export const strategyNames = Object.keys(kinds) as readonly StrategyName[];

/** `base`: the weights that were given, 1 for the others; `steady`: some were given. Throws `usage` for an unknown name. */
export function strategyOf(
  name: StrategyName,
  base: BaseWeight,
  steady: boolean,
): { strategy: Strategy; why: string } {
  if (!Object.hasOwn(kinds, name))
    throw invalid('strategy', name, `${either(strategyNames)}${didYouMean(name, strategyNames)}`);
  return { strategy: kinds[name].make(base, steady), why: kinds[name].why };
}
