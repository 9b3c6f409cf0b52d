import { Random } from '../core/random.js';
import { limits } from '../limits.js';
import { hosted, type Scenario } from './scenario.js';

/** One seed in eight runs the host, which takes about twice as long. Drawn separately, so that the rest of the scenario stays the same. */
const usual = (scenario: Scenario): Scenario =>
  new Random(scenario.seed + 0.7).chance(0.125) ? hosted(scenario) : scenario;

/** One to three hours of virtual time; faults and calls come less often. */
function long(scenario: Scenario): Scenario {
  const random = new Random(scenario.seed + 0.2);
  const { nemesis, disk } = scenario;
  return {
    ...scenario,
    brokenLinks: false,
    faultyMs: random.between(3600_000, 3 * 3600_000),
    thinkMs: 10_000,
    callsAtOnce: 1,
    sessionIdleMs: random.pick([60_000, limits.sessionIdleMs]),
    disk: { ...disk, checkpointMs: Math.max(5000, disk.checkpointMs) },
    nemesis: { ...nemesis, everyMs: random.pick([20_000, 60_000]) },
  };
}

/** 200 partitions on many nodes, values and counters near their limits, sessions with more in flight than they accept. */
function large(scenario: Scenario): Scenario {
  const random = new Random(scenario.seed + 0.2);
  const crowded = random.chance(0.5);
  const many: Scenario = {
    ...scenario,
    brokenLinks: false,
    nodes: 5 + random.below(3),
    partitions: 200,
    replicas: 3,
    minInSync: 2,
    faultyMs: random.between(8000, 15_000),
    registers: 30,
    counters: 30,
    clients: crowded ? 1 : 3,
    callsAtOnce: crowded ? limits.sessionWindow + 200 : 2,
    thinkMs: crowded ? 4000 : 200,
    txUsers: 2,
    retainEntries: random.pick([4, 2048]),
    snapshotChunk: random.pick([2000, limits.snapshotChunk]),
    appendBytes: random.pick([2000, limits.appendBytes]),
    valueBytes: crowded ? 0 : limits.valueBytes,
    nearMax: true,
    nemesis: { ...scenario.nemesis, everyMs: Math.max(900, scenario.nemesis.everyMs) },
  };
  // A session only has so much in flight when all its operations go to one partition.
  return crowded ? { ...many, partitions: 1, registers: 400, counters: 400 } : many;
}

/** Changes to the scenario of a seed, by name; `usual` is the default. */
export const scenarios = {
  usual: {
    story: 'the default mix; one seed in eight runs the production host around the core',
    of: usual,
  },
  core: { story: 'only the core, driven by the simulator', of: (scenario: Scenario) => scenario },
  hosts: {
    story: 'the core with the production host, frames, connections, storage and client library',
    of: hosted,
  },
  long: { story: 'one to three hours of virtual time', of: long },
  large: {
    story: '200 partitions, values and counters near their limits, full sessions',
    of: large,
  },
} as const satisfies Record<string, { story: string; of: (scenario: Scenario) => Scenario }>;
export type ScenarioName = keyof typeof scenarios;

export const isScenario = (name: string): name is ScenarioName => Object.hasOwn(scenarios, name);
