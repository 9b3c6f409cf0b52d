/** Scenarios in which a rare interleaving happens within some hundred seeds. The sound protocol passes each of them; variants run in them. */
import { type Fault, faults, hosted, type Scenario } from './scenario.js';

export const weightsOf = (often: Partial<Record<Fault, number>>): Record<Fault, number> =>
  Object.fromEntries(faults.map((f) => [f, often[f] ?? 0])) as Record<Fault, number>;

/** Mostly plain reads and writes of a few keys, on two replicas of each partition. */
const plain = (scenario: Scenario): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 0,
  callsAtOnce: 1,
  clients: 3,
  registers: 1,
  counters: 1,
  partitions: 2,
  replicas: 2,
  minInSync: 1,
  repairAfterMs: 60_000,
});

/** Most publishes fail, and most of the others take effect long after they were reported as unknown. Members change their weight. */
export const doubtful = (scenario: Scenario): Scenario => ({
  ...plain(scenario),
  registers: 2,
  thinkMs: 150,
  faultyMs: 10_000,
  nodes: 4,
  metastore: { fail: 0.7, lost: 0, timeoutAfter: 0, late: 0.7, readFail: 0 },
  network: { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 },
  disk: { ...scenario.disk, slow: 0 },
  nemesis: { everyMs: 1500, weights: weightsOf({ weigh: 3, kill: 0.5 }) },
});

/** Nodes start on other disks while their old processes still run, and nodes that granted them leases are killed. */
export const usurped = (scenario: Scenario): Scenario => ({
  ...plain(scenario),
  thinkMs: 40,
  faultyMs: 8000,
  nodes: 2,
  nemesis: { everyMs: 400, weights: weightsOf({ usurp: 1, kill: 1 }) },
});

/**
 * Disks are wiped, old copies of them are put back, and machines lose power, with the production storage and its identities. In every
 * second seed, processes are killed so often that starts are cut short as well.
 */
export const putBack = (scenario: Scenario): Scenario => ({
  ...hosted({ ...scenario, quiet: false, brokenLinks: false }),
  durability: 'fsync',
  txUsers: 0,
  nodes: 3,
  partitions: 3,
  replicas: 3,
  minInSync: 2,
  repairAfterMs: 60_000,
  callsAtOnce: 1,
  thinkMs: 50,
  faultyMs: 20_000,
  loopback: true,
  network: { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 },
  metastore: { fail: 0, lost: 0, timeoutAfter: 0, late: 0, readFail: 0 },
  nemesis: {
    everyMs: scenario.seed % 2 === 0 ? 120 : 250,
    weights: weightsOf({ rollback: 2, wipe: 1, powerFailure: 2, kill: scenario.seed % 2 === 0 ? 6 : 0 }),
  },
});

/** Messages are reordered, logs are short, values change often, and replicas start on empty disks. */
export const overtaking = (scenario: Scenario): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 0,
  clients: 3,
  callsAtOnce: 8,
  thinkMs: 5,
  registers: 4,
  partitions: 1,
  nodes: 3,
  replicas: 3,
  minInSync: 2,
  repairAfterMs: 60_000,
  faultyMs: 12_000,
  retainEntries: 1,
  snapshotChunk: 97,
  appendBytes: 150,
  network: { ordered: false, loss: 0.02, duplicate: 0.1, slow: 0.1, slowMs: 20 },
  nemesis: { everyMs: 1500, weights: weightsOf({ wipe: 1, kill: 0.3 }) },
});

/** A coordinator is cut off after its STAGE is lost but its PREPAREs arrive. Its client returns late, and commits are slow. */
export const comesLate = (scenario: Scenario): Scenario => ({
  ...plain(scenario),
  clients: 1,
  txUsers: 8,
  accounts: 12,
  lists: 0,
  locks: 0,
  partitions: 3,
  nodes: 4,
  thinkMs: 30,
  faultyMs: Math.min(scenario.faultyMs, 15_000),
  network: { ordered: false, loss: 0.2, duplicate: 0, slow: 0.3, slowMs: 500 },
  disk: { ...scenario.disk, slow: 0.3, slowMs: 400, checkpointMs: 2000, tears: false },
  nemesis: {
    everyMs: 250,
    weights: weightsOf({ armed: 1 }),
    armed: { moments: ['prepares-sent'], actions: ['pause', 'isolate'] },
  },
});

/** One fault every `everyMs` on average, under a light load. */
export const struck = (scenario: Scenario, everyMs: number): Scenario => ({
  ...scenario,
  quiet: false,
  callsAtOnce: 1,
  thinkMs: 20,
  faultyMs: Math.min(scenario.faultyMs, 15_000),
  nemesis: { ...scenario.nemesis, everyMs },
});

/** Primaries change with many operations in flight, so that logs end in entries of several epochs. */
export const unsettled = (scenario: Scenario): Scenario => {
  const often: Partial<Record<Fault, number>> = { primary: 1, kill: 1, netsplit: 1, reset: 1, armed: 1 };
  return {
    ...scenario,
    quiet: false,
    txUsers: 0,
    partitions: 1,
    replicas: 3,
    nodes: 3,
    minInSync: 2,
    retainEntries: 1,
    callsAtOnce: 8,
    thinkMs: 5,
    faultyMs: 25_000,
    repairAfterMs: 60_000,
    network: { ...scenario.network, ordered: false, slow: 0.3, slowMs: 600, loss: 0.02 },
    nemesis: { everyMs: 500, weights: weightsOf(often) },
  };
};

/** Members join, leave and change their weight throughout, and the faults of `also` happen, each with its weight. */
export const moving = (scenario: Scenario, also: Partial<Record<Fault, number>>): Scenario => {
  const changing: Partial<Record<Fault, number>> = { join: 0.6, drain: 0.6, weigh: 1, ...also };
  return { ...scenario, nemesis: { ...scenario.nemesis, weights: weightsOf(changing) } };
};

/** Mostly transactions or locks. */
export const busyTx = (
  scenario: Scenario,
  use: Partial<Pick<Scenario, 'accounts' | 'lists' | 'locks'>>,
): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 5,
  accounts: 0,
  lists: 0,
  locks: 0,
  ...use,
  partitions: Math.max(2, scenario.partitions),
  thinkMs: 20,
  clients: 1,
  registers: 1,
  counters: 1,
});

/** Disks lose their last writes. No other fault happens, except those of `often`. */
export const withDamage = (
  scenario: Scenario,
  often: Partial<Record<Fault, number>>,
  everyMs: number,
): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 0,
  nodes: 3,
  partitions: 2,
  replicas: 3,
  minInSync: 2,
  repairAfterMs: 60_000,
  clients: 2,
  callsAtOnce: 1,
  thinkMs: 100,
  faultyMs: 20_000,
  loopback: true,
  network: { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 },
  metastore: { fail: 0, lost: 0, timeoutAfter: 0, late: 0, readFail: 0 },
  disk: { ...scenario.disk, slow: 0, tears: true },
  nemesis: { everyMs, weights: weightsOf(often) },
});

/** Copies are created and deleted on disks that take seconds, with frequent checkpoints. Restarts show what was kept. */
export const slowDrops = (scenario: Scenario): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 0,
  nodes: 5,
  partitions: 4,
  replicas: 3,
  minInSync: 2,
  repairAfterMs: 60_000,
  retainEntries: 1,
  thinkMs: 100,
  faultyMs: 40_000,
  disk: { ...scenario.disk, slow: 0.2, slowMs: 8000, checkpointMs: 100, tears: false },
  nemesis: { everyMs: 700, weights: weightsOf({ weigh: 1, kill: 0.3 }) },
});

export const only = (scenario: Scenario, fault: Fault): Scenario => ({
  ...scenario,
  nemesis: { ...scenario.nemesis, weights: weightsOf({ [fault]: 1 }) },
});

/** Messages arrive long after their epoch has ended. */
export const late: Scenario['network'] = {
  ordered: false,
  loss: 0.01,
  duplicate: 0.1,
  slow: 0.1,
  slowMs: 4000,
};

/** Coordinators die often, with entries that participants have prepared for and their own backups lack. */
export const unstaged = (scenario: Scenario): Scenario => ({
  ...busyTx(struck(scenario, 400), { accounts: 30 }),
  txUsers: 24,
  partitions: 4,
  nodes: 4,
  replicas: 2,
  minInSync: 1,
  thinkMs: 1,
  network: { ordered: false, loss: 0.05, duplicate: 0.2, slow: 0.3, slowMs: 1000 },
  nemesis: { everyMs: 400, weights: weightsOf({ primary: 1, armed: 2, kill: 1 }) },
});

/** Some links of a node are cut from time to time, and silent members are evicted soon. */
export const loneJudge = (scenario: Scenario): Scenario => ({
  ...scenario,
  quiet: false,
  txUsers: 0,
  nodes: 5,
  replicas: 3,
  minInSync: 2,
  repairAfterMs: 3000,
  nemesis: { everyMs: 4000, weights: weightsOf({ oneWay: 1, netsplit: 0.3 }) },
});
