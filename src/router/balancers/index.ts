import { MusterError } from '../../errors.js';
import { didYouMean } from '../../text/nearest.js';
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
  /** Completes "n2 was chosen: …". */
  readonly why: string;
}

const kinds: Readonly<Record<StrategyName, Kind>> = {
  random: { make: random, why: 'drawn at random by weight' },
  'round-robin': { make: roundRobin, why: 'it was its turn' },
  weighted: { make: (_, steady) => weighted(steady), why: 'it was its turn by weight' },
  'least-loaded': { make: leastLoaded, why: 'fewest requests under way for its weight' },
  'two-choices': { make: twoChoices, why: 'of two drawn at random the less loaded' },
  hash: { make: hash, why: 'the first with room from the key on' },
};

export const strategyNames = Object.keys(kinds) as readonly StrategyName[];

/** `base`: the weights that were given, 1 for the others; `steady`: some were given. Throws `usage` for an unknown name. */
export function strategyOf(
  name: StrategyName,
  base: BaseWeight,
  steady: boolean,
): { strategy: Strategy; why: string } {
  if (!Object.hasOwn(kinds, name))
    throw new MusterError(
      'usage',
      `no strategy is called ${name}; there are ${strategyNames.join(', ')}${didYouMean(name, strategyNames)}`,
    );
  return { strategy: kinds[name].make(base, steady), why: kinds[name].why };
}
