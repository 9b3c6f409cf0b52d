import type { Durability } from '../core/map/types.js';
import { Random } from '../core/random.js';
import { brokenLinksMs } from './broken-links-times.js';
import { type FileFaults, noFileFaults } from './file-system.js';
import type { MetastoreFaults } from './metastore-faults.js';
import type { Moment } from './moments.js';

/** Everything a seed decides before the run begins. Probabilities are per event; times in ms of virtual time. */
export interface Scenario {
  readonly seed: number;
  readonly nodes: number;
  readonly partitions: number;
  readonly replicas: number;
  readonly minInSync: number;
  readonly repairAfterMs: number;
  /** Nothing fails: members only come, go and change their weight. Then no replica may ever be missing. */
  readonly quiet: boolean;
  /** Some links are broken and stay so, and nothing else fails: then partitions with a connected majority must go on taking writes. */
  readonly brokenLinks: boolean;
  /** The production host runs, too: its queue, codec, frames, connections and timers. */
  readonly hosts: boolean;
  /** As the cluster was made: what is acknowledged is synced, or only with the system. */
  readonly durability: Durability;
  /** The cluster was made by version 0.1. */
  readonly oldMap: boolean;
  /** How long faults go on; then everything is healed and liveness is demanded. */
  readonly faultyMs: number;
  readonly clients: number;
  readonly registers: number;
  readonly counters: number;
  /** Users of transactions and locks, and what they use. */
  readonly txUsers: number;
  readonly accounts: number;
  /** Now and then all is moved that an account can hold: the others then have little room left. */
  readonly brim: boolean;
  readonly lists: number;
  readonly locks: number;
  /** Of each lock but the first. */
  readonly permits: number;
  /** Transactions use the registers and counters of the others, too. */
  readonly cellTxs: boolean;
  /** Pause of a client between two calls, at most. */
  readonly thinkMs: number;
  readonly network: {
    /** Messages of one link keep their order and are lost only with the whole connection. */
    readonly ordered: boolean;
    readonly loss: number;
    readonly duplicate: number;
    /** Probability that a message takes long, and how long at most. */
    readonly slow: number;
    readonly slowMs: number;
  };
  /** A refused connect proves a dead process gone (one machine). */
  readonly loopback: boolean;
  /** Clocks run at a rate within 1 ± this. */
  readonly drift: number;
  readonly disk: {
    readonly slow: number;
    readonly slowMs: number;
    readonly checkpointMs: number;
    /** Of production's storage, which `hosts` runs: when a segment is closed, and what goes wrong with calls of the file system. */
    readonly segmentBytes: number;
    readonly faults: FileFaults;
    /** A process that dies while it writes may leave a part of its batch behind. */
    readonly tears: boolean;
  };
  readonly metastore: MetastoreFaults;
  /** Mean time between two faults, and how likely each kind is. */
  readonly nemesis: {
    readonly everyMs: number;
    readonly weights: Readonly<Record<Fault, number>>;
    /** Where faults are armed, and which; without it, anywhere. */
    readonly armed?: { readonly moments: readonly Moment[]; readonly actions: readonly ArmedAction[] };
  };
  readonly retainEntries: number;
  readonly snapshotChunk: number;
  readonly appendBytes: number;
  /** Calls a client has under way at once. */
  readonly callsAtOnce: number;
  readonly sessionIdleMs: number;
  /** Now and then a value has so many bytes; 0: none is long. */
  readonly valueBytes: number;
  /** Counters are reset to near the greatest number that they hold, too. */
  readonly nearMax: boolean;
}

export const faults = [
  'kill',
  'pause',
  'sleep',
  'netsplit',
  'oneWay',
  'wipe',
  'rollback',
  'bitFlip',
  'rewind',
  'metastoreDown',
  'armed',
  'reset',
  'primary',
  'join',
  'drain',
  'weigh',
  'blind',
  'flip',
  'delay',
  'drop',
  'usurp',
  'powerFailure',
  'rot',
] as const;
export type Fault = (typeof faults)[number];

/** What an armed fault does when its moment comes. */
export type ArmedAction = 'kill' | 'pause' | 'isolate';

/** What is no fault, but asked for. */
export const changes: readonly Fault[] = ['join', 'drain', 'weigh', 'flip'];

export function scenarioOf(seed: number): Scenario {
  const scenario = noisy(seed);
  if (new Random(seed + 0.4).chance(0.06)) return brokenLinks(scenario);
  return new Random(seed + 0.5).chance(0.08) ? quiet(scenario) : scenario;
}

/** The scenario without any fault, and with changes of the members all the while. */
export function quiet(scenario: Scenario): Scenario {
  const weights = Object.fromEntries(
    faults.map((fault) => [fault, changes.includes(fault) && fault !== 'flip' ? 1 : 0]),
  ) as Scenario['nemesis']['weights'];
  return {
    ...scenario,
    quiet: true,
    repairAfterMs: 600_000,
    network: { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 },
    disk: { ...scenario.disk, slow: 0 },
    metastore: { fail: 0, lost: 0, timeoutAfter: 0, late: 0, readFail: 0 },
    nemesis: { everyMs: Math.max(900, scenario.nemesis.everyMs), weights },
  };
}

/** The scenario with broken links and no other fault. */
export function brokenLinks(scenario: Scenario): Scenario {
  const weights = Object.fromEntries(faults.map((fault) => [fault, 0])) as Scenario['nemesis']['weights'];
  return {
    ...scenario,
    quiet: false,
    brokenLinks: true,
    faultyMs: brokenLinksMs,
    txUsers: 0,
    clients: 2,
    callsAtOnce: 1,
    thinkMs: 100,
    repairAfterMs: 600_000,
    network: { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 },
    disk: { ...scenario.disk, slow: 0 },
    metastore: { fail: 0, lost: 0, timeoutAfter: 0, late: 0, readFail: 0 },
    nemesis: { everyMs: 1e9, weights },
  };
}

/**
 * The scenario with everything that production has around the core: the host and its queue, codec, frames, connections, timers, the
 * library, and storage on file systems that fail. Drawn apart.
 */
export function hosted(scenario: Scenario): Scenario {
  const random = new Random(scenario.seed + 0.3);
  // A disk that fails to sync what a process left with the system may lose it: with `process` that was acknowledged.
  const durability = random.chance(0.2) ? 'process' : 'fsync';
  const fails = random.pick([0, 0, 1]);
  const often = scenario.quiet || scenario.brokenLinks || durability === 'process' ? 0 : fails;
  const { nemesis, disk } = scenario;
  const faults: FileFaults = {
    io: often * random.pick([0, 0.0002, 0.002]),
    full: often * random.pick([0, 0.0005, 0.005]),
    short: often * random.pick([0, 0.1]),
    parts: often * random.pick([0, 0.3]),
    stale: often * random.pick([0, 0.2]),
    // A disk that writes to the wrong place may lose what was synced: `test/storage/simulated.test.ts` shows that it is refused.
    misdirected: 0,
  };
  const broken = scenario.quiet || scenario.brokenLinks ? 0 : 1;
  const powerFailure = broken * random.pick([0, 0.6]) * random.next();
  const rot = broken * random.pick([0, 0.4]) * random.next();
  return {
    ...scenario,
    hosts: true,
    // Over a slow link, through queues and frames, a window of a few entries would be what is slow.
    appendBytes: scenario.brokenLinks ? 1_000_000 : scenario.appendBytes,
    durability,
    oldMap: random.chance(0.3),
    disk: { ...disk, segmentBytes: random.pick([512, 4096, 65_536]), faults },
    nemesis: { ...nemesis, weights: { ...nemesis.weights, powerFailure, rot } },
  };
}

/** A node started anew on another disk while its old process lives on; drawn apart as well. */
function twoOfANode(random: Random): Pick<Record<Fault, number>, 'usurp'> {
  return { usurp: random.pick([0, 0, 0.7]) * random.next() };
}

/** Links of the fault plan that are slow or lose messages; drawn apart as well. */
function badLinks(random: Random): Pick<Record<Fault, number>, 'delay' | 'drop'> {
  const often = random.pick([0, 0, 0.5]);
  return { delay: often * random.next(), drop: often * random.next() };
}

/** Disks that lose what they held; drawn apart as well. */
function badMedia(random: Random): { tears: boolean; bitFlip: number } {
  return { tears: random.chance(0.3), bitFlip: random.pick([0, 0, 0.7]) * random.next() };
}

/** Drawn apart, so that the rest of a seed is what it was. */
function transactional(
  random: Random,
): Pick<Scenario, 'txUsers' | 'accounts' | 'lists' | 'locks' | 'permits' | 'cellTxs' | 'brim'> {
  if (random.chance(0.4))
    return { txUsers: 0, accounts: 0, lists: 0, locks: 0, permits: 1, cellTxs: false, brim: false };
  return {
    txUsers: 2 + random.below(4),
    accounts: random.pick([0, 2, 4]),
    lists: random.pick([0, 2, 4]),
    locks: random.pick([0, 1, 2]),
    brim: random.chance(0.3),
    permits: random.pick([2, 2, 3]),
    cellTxs: random.chance(0.6),
  };
}

function noisy(seed: number): Scenario {
  const random = new Random(seed);
  const replicas = random.chance(0.8) ? 3 : 2;
  const nodes = replicas + random.below(3);
  const often = random.pick([0, 0.3, 1]);
  const media = badMedia(new Random(seed + 0.6));
  const apart = {
    ...badLinks(new Random(seed + 0.75)),
    ...twoOfANode(new Random(seed + 0.625)),
    bitFlip: media.bitFlip,
    rewind: 0,
    powerFailure: 0,
    rot: 0,
  };
  const weights = Object.fromEntries(
    faults.map((fault) => [fault, fault in apart || random.chance(0.25) ? 0 : random.next()]),
  ) as Record<Fault, number>;
  if (random.chance(0.1))
    for (const fault of faults) weights[fault] = fault === 'sleep' ? 1 : weights[fault] * 0.1;
  const membership = random.pick([0, 0.3, 1]);
  for (const fault of changes) weights[fault] *= membership;
  weights.primary += 0.3;
  weights.armed += 0.3;
  Object.assign(weights, apart);
  return {
    seed,
    nodes,
    partitions: 1 + random.below(5),
    replicas,
    minInSync: replicas === 3 ? 2 : 1,
    repairAfterMs: random.pick([3_000, 6_000, 60_000]),
    quiet: false,
    brokenLinks: false,
    hosts: false,
    durability: 'fsync',
    oldMap: false,
    faultyMs: random.between(8_000, 25_000),
    clients: 2 + random.below(4),
    registers: 1 + random.below(4),
    counters: 1 + random.below(3),
    thinkMs: random.pick([5, 20, 100]),
    network: {
      ordered: random.chance(0.5),
      loss: random.pick([0, 0.005, 0.05]),
      duplicate: random.pick([0, 0.01, 0.1]),
      slow: random.pick([0, 0.01, 0.1]),
      slowMs: random.pick([20, 300, 2500]),
    },
    loopback: random.chance(0.5),
    drift: random.pick([0, 0.005, 0.01]),
    disk: {
      slow: random.pick([0, 0.01, 0.05]),
      slowMs: random.pick([20, 500, 500, 12_000]),
      checkpointMs: random.pick([200, 2000, 60_000]),
      segmentBytes: 4096,
      faults: noFileFaults,
      tears: media.tears,
    },
    metastore: {
      fail: 0.05 * often,
      lost: 0.08 * often,
      timeoutAfter: 0.15 * often,
      late: 0.08 * often,
      readFail: 0.1 * often,
    },
    nemesis: { everyMs: random.pick([300, 900, 2500]), weights },
    retainEntries: random.pick([4, 50, 2048]),
    snapshotChunk: random.pick([97, 2000, 500_000]),
    appendBytes: random.pick([150, 2000, 1_000_000]),
    callsAtOnce: random.pick([1, 1, 2, 8]),
    sessionIdleMs: random.pick([3_000, 600_000]),
    valueBytes: 0,
    nearMax: false,
    ...transactional(new Random(seed + 0.25)),
  };
}
