/** Scenarios made so that a rare interleaving happens within some hundred seeds. Each is sound, and variants are run in it. */
import { type Fault, faults, hosted, type Scenario } from './scenario.js';

export const weightsOf = (often: Partial<Record<Fault, number>>): Record<Fault, number> =>
  Object.fromEntries(faults.map((f) => [f, often[f] ?? 0])) as Record<Fault, number>;

/** Little but plain reads and writes of a few keys, on two replicas of each partition. */
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

/** Most publishes fail; most of the others take effect long after their outcome was unknown. Members change their weight. */
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

/** Nodes run again on other disks while their old processes live on, and those that granted them leases are killed. */
export const usurped = (scenario: Scenario): Scenario => ({
  ...plain(scenario),
  thinkMs: 40,
  faultyMs: 8000,
  nodes: 2,
  nemesis: { everyMs: 400, weights: weightsOf({ usurp: 1, kill: 1 }) },
});

/**
 * Disks are wiped, and old copies of them put back, while machines lose power; with production's storage and its
 * identities. In every second seed processes are killed so often that starts are cut short, too.
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

/** A coordinator is cut off when what it staged is lost and its PREPAREs are not; its client comes late, and commits take long. */
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
