import type { Rules } from '../core/rules.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

/** A deliberately broken protocol, and the number of seeds within which the simulator must notice. */
export interface Variant {
  readonly name: string;
  /** The rule of PROTOCOL.md that it breaks, and how. */
  readonly story: string;
  readonly rules: Rules;
  /** The simulator must find a violation within this many seeds, from seed `from` on. */
  readonly within: number;
  /** First seed, for a rare interleaving: the seeds before it are known to find nothing. Default: 1. */
  readonly from?: number;
  /** The scenario that the mistake needs; default: the core in the default scenario. */
  readonly change?: (scenario: Scenario) => Scenario;
}

/**
 * The scenario in which a variant runs. The rules concern the core alone, so the host need not run. Invariant 18 is checked only in
 * scenarios where nothing but links is broken.
 */
export const changeOf =
  ({ change = scenarios.core.of }: Variant): ((scenario: Scenario) => Scenario) =>
  (scenario) =>
    change({ ...scenario, brokenLinks: false });
