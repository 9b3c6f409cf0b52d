import type { MusterClient, NodeStatus } from '../../client/api.js';
import { holdsShare } from '../../core/map/placing.js';
import { type ClusterMap, nodeOf } from '../../core/map/types.js';
import type { MusterError } from '../../errors.js';
import { type FaultRow, faultRows } from '../../faults/plan.js';
import { readFaults } from '../../faults/store.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { mapProblem } from '../folder/restore.js';
import { lastError } from '../processes/launch.js';
import type { RosterRow } from '../processes/roster.js';

export interface NodeRow {
  readonly id: string;
  /** `joining`: not given its share yet; `out`: it was silent for too long, and holds nothing for now. */
  readonly state: 'up' | 'paused' | 'down' | 'draining' | 'joining' | 'out';
  readonly pid: number | null;
  readonly url: string | null;
  /** Partitions this node is primary of, and backs up, by the cluster map. */
  readonly primaries: number;
  readonly backups: number;
  readonly weight: number;
  /** What it fails together with; '' when it fails alone. */
  readonly zone: string;
  /** How often the node was started. */
  readonly incarnation: number;
  readonly uptimeMs: number | null;
  readonly rssBytes: number | null;
  /** Did it answer? A live process may be too busy, paused or cut off. */
  readonly reachable: boolean;
  /** Why it did not answer; of a node that ended by an error, that error and what to do. */
  readonly problem: string | null;
}

export interface ClusterStatus {
  readonly cluster: string;
  readonly revision: number;
  readonly replicas: number;
  readonly minInSync: number;
  readonly durability: string;
  readonly nodes: readonly NodeRow[];
  readonly partitions: {
    readonly total: number;
    /** Their primary answers requests. */
    readonly serving: number;
    /** All replicas hold every committed entry. */
    readonly inSync: number;
    /** Those below full strength, up to 100: how many of the wanted replicas are in sync. */
    readonly lacking: readonly {
      readonly partition: number;
      readonly inSync: number;
      readonly wanted: number;
    }[];
  };
  /** The network faults of the plan. */
  readonly faults: readonly FaultRow[];
  /** What is wrong with the cluster map, and what to do: while it is older than nodes have seen, nothing is served. */
  readonly mapProblem: string | null;
  /** Why the fault plan cannot be read, and what to do. */
  readonly faultProblem: string | null;
}

/** What was learnt of each node that answered; the others' errors. */
export interface Answers {
  readonly status: ReadonlyMap<string, NodeStatus>;
  readonly problem: ReadonlyMap<string, string>;
}

const LACKING_SHOWN = 100;
/** The problem of a node that ended without a word. */
export const noProcess = 'no process';

/** Asks every node with a running process, and those `elsewhere`, side by side; never rejects. A stopped process is not asked. */
export async function askNodes(
  client: MusterClient,
  roster: readonly RosterRow[],
  elsewhere: readonly string[],
  timeoutMs: number,
): Promise<Answers> {
  const status = new Map<string, NodeStatus>();
  const problem = new Map<string, string>();
  const ask = async (id: string): Promise<void> => {
    try {
      status.set(id, await client.status(id, { timeoutMs }));
    } catch (error) {
      problem.set(id, (error as Error).message);
    }
  };
  for (const { id, state } of roster) {
    if (state === 'stopped') problem.set(id, 'process paused (SIGSTOP)');
    else if (state === 'gone') problem.set(id, noProcess);
  }
  const running = roster.filter((row) => row.state === 'running').map((row) => row.id);
  await Promise.all([...running, ...elsewhere].map(ask));
  return { status, problem };
}

type Faults = Pick<ClusterStatus, 'faults' | 'faultProblem'>;

function faultsOf(dir: string): Faults {
  try {
    return { faults: faultRows(readFaults(dir)), faultProblem: null };
  } catch (error) {
    const { message, hint } = error as MusterError;
    return { faults: [], faultProblem: `${message}. ${hint}` };
  }
}

/** Puts map, roster, answers and faults together. Pure. */
export function summarize(
  map: ClusterMap,
  roster: readonly RosterRow[],
  answers: Answers,
  faults: Faults = { faults: [], faultProblem: null },
  mapProblem: string | null = null,
): ClusterStatus {
  const primaries = new Map<string, number>();
  const backups = new Map<string, number>();
  const count = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
  // Who says to serve what: "partition/epoch" of every node.
  const serving = new Map<string, Set<string>>();
  for (const [id, status] of answers.status) {
    const claims = status.partitions.filter((p) => p.role === 'primary' && p.serving);
    serving.set(id, new Set(claims.map((p) => `${p.partition}/${p.epoch}`)));
  }
  let served = 0;
  let full = 0;
  // A cluster that was let degrade has no members for more.
  const wanted = Math.min(map.settings.replicas, Object.values(map.members).filter(holdsShare).length);
  const lacking: { partition: number; inSync: number; wanted: number }[] = [];
  map.partitions.forEach((config, partition) => {
    const primary = nodeOf(config.primary);
    count(primaries, primary);
    for (const replica of config.inSync) if (nodeOf(replica) !== primary) count(backups, nodeOf(replica));
    if (serving.get(primary)?.has(`${partition}/${config.epoch}`)) served++;
    if (config.inSync.length >= wanted) full++;
    else if (lacking.length < LACKING_SHOWN)
      lacking.push({ partition, inSync: config.inSync.length, wanted });
  });
  const processes = new Map(roster.map((row) => [row.id, row]));
  const nodes = Object.values(map.members).map((member): NodeRow => {
    const row = processes.get(member.id);
    const answer = answers.status.get(member.id);
    // A node of another data folder: whether it runs is known by its answer alone.
    const alive = row === undefined ? answer !== undefined : row.state === 'running';
    const process = alive ? 'up' : row?.state === 'stopped' ? 'paused' : 'down';
    const state = process === 'up' && member.state !== 'active' ? member.state : process;
    return {
      id: member.id,
      state,
      pid: row?.process?.pid ?? answer?.pid ?? null,
      url: member.url === '' || process === 'down' ? null : member.url,
      primaries: primaries.get(member.id) ?? 0,
      backups: backups.get(member.id) ?? 0,
      weight: member.weight,
      zone: member.zone,
      incarnation: member.incarnation,
      uptimeMs: answer?.uptimeMs ?? null,
      rssBytes: answer?.rssBytes ?? null,
      reachable: answer !== undefined,
      problem: answer ? null : (answers.problem.get(member.id) ?? 'not queried'),
    };
  });
  nodes.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  const { replicas, minInSync, durability } = map.settings;
  return {
    cluster: map.name,
    revision: map.revision,
    replicas,
    minInSync,
    durability,
    nodes,
    partitions: { total: map.partitions.length, serving: served, inSync: full, lacking },
    mapProblem,
    ...faults,
  };
}

/** A look at a cluster: its status, and what that was put together from. */
export interface Seen {
  readonly status: ClusterStatus;
  readonly map: ClusterMap;
  readonly answers: Answers;
}

/**
 * The whole cluster as it is now: every member is a row, also the dead, paused and unreachable. Each node is
 * given `timeoutMs` to answer. Rejects only with `metastore-unavailable`.
 */
export async function clusterStatus(
  cluster: LocalCluster,
  client: MusterClient,
  timeoutMs: number,
): Promise<ClusterStatus> {
  return (await lookAt(cluster, client, timeoutMs)).status;
}

/** As `clusterStatus`, with what it was put together from. */
export async function lookAt(cluster: LocalCluster, client: MusterClient, timeoutMs: number): Promise<Seen> {
  const roster = freshRoster(cluster);
  const local = new Set(roster.map((row) => row.id));
  const elsewhere = Object.keys((await client.map()).members).filter((id) => !local.has(id));
  const answers = await askNodes(client, roster, elsewhere, timeoutMs);
  const problem = new Map(answers.problem);
  for (const { id, state } of roster) {
    const error = state === 'gone' ? lastError(cluster.dir, id) : null;
    if (error !== null) problem.set(id, `${error.message.slice(id.length + 2)}. ${error.hint}`);
  }
  // The map after the answers: a node that served an epoch older than the map's does not count as serving.
  const map = await client.map();
  const wrong = await mapProblem(cluster);
  const told = wrong === null ? null : `${wrong.message}. ${wrong.hint}`;
  const status = summarize(map, roster, { ...answers, problem }, faultsOf(cluster.dir), told);
  return { status, map, answers };
}
