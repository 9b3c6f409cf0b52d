import type { Rules } from '../core/rules.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

/** A deliberately broken protocol, and how many seeds the simulator may need to notice. */
export interface Variant {
  readonly name: string;
  /** What it does wrong, and which rule of PROTOCOL.md says so. */
  readonly story: string;
  readonly rules: Rules;
  /** The simulator must find a violation within this many seeds, from seed `from` on. */
  readonly within: number;
  /** Where to begin, when what it takes is rare: the seeds before are known to find nothing. Default: 1. */
  readonly from?: number;
  /** Circumstances that the mistake needs; without this, the scenarios as they come. */
  readonly change?: (scenario: Scenario) => Scenario;
}

/**
 * The circumstances in which a variant is tried. What is around the core follows the rules: it need not run. Invariant 18 is
 * demanded only where nothing but links is broken.
 */
export const changeOf =
  ({ change = scenarios.core.of }: Variant): ((scenario: Scenario) => Scenario) =>
  (scenario) =>
    change({ ...scenario, brokenLinks: false });
