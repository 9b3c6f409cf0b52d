import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { MusterError } from '../../errors.js';
import { type FaultPlan, noFaults } from '../../faults/plan.js';
import { readFaults, writeFaults } from '../../faults/store.js';
import { type ClusterFile, faultsFile } from '../../layout/paths.js';
import { isLoopback } from '../../os/loopback.js';
import { pause } from '../../util/pause.js';
import { withClusterLock } from '../folder/lock.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { type Answers, askNodes } from '../observe/status.js';
import type { RosterRow } from '../processes/roster.js';

/** Who has applied a plan. Nodes that do not run are in neither list: they apply it when they start. */
export interface Applied {
  readonly revision: number;
  readonly confirmed: readonly string[];
  /** Nodes whose process is stopped, and nodes of another data folder that do not answer; they apply it when they go on. */
  readonly unconfirmed: readonly { readonly node: string; readonly why: string }[];
}

/** From the plan that there is, and the members of the cluster, to the one that is wanted; throws what is wrong with the wish. */
export type Change = (plan: FaultPlan, nodes: readonly string[]) => FaultPlan;

export interface ChangeOptions {
  /** How long to wait for the nodes, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Faults are for clusters that only this machine can reach. Throws `usage`. */
export function checkFaultsAllowed({ name, host }: Pick<ClusterFile, 'name' | 'host'>): void {
  if (isLoopback(host)) return;
  throw new MusterError(
    'usage',
    `cannot inject faults into cluster "${name}": it listens on ${host}, not on a loopback address`,
  );
}

/** How long a node may take to answer before it is asked again, in ms. */
const askMs = 500;
/** The pause between two rounds of questions, in ms. */
const roundMs = 20;

/**
 * Changes the fault plan of a cluster, and waits until every running node has applied it. When `change` throws, nothing is
 * changed. `repair`: a plan that cannot be read counts as one without faults. Rejects
 * with `faults-corrupt`, or with `timeout` when a node has not said in time that it applied it.
 */
export async function changeFaults(
  cluster: LocalCluster,
  change: Change,
  options: ChangeOptions & { readonly repair?: boolean },
): Promise<{ plan: FaultPlan; repaired: boolean; applied: Applied }> {
  checkFaultsAllowed(cluster.file);
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: options.timeoutMs });
  try {
    const { plan, repaired } = await withFaultsLock(cluster, options.timeoutMs, async () => {
      const { before, damaged } = await basis(cluster, client, options.repair ?? false);
      const after = change(before, Object.keys((await client.map()).members));
      writeFaults(cluster.dir, after);
      return { plan: after, repaired: damaged };
    });
    return { plan, repaired, applied: await untilApplied(cluster, client, plan.revision, options) };
  } finally {
    await client.close();
  }
}

/**
 * A lock beside the cluster's own, held only while the plan is written: a start that waits for a cluster that a netsplit
 * keeps from serving holds that one, and healing is what it waits for.
 */
async function withFaultsLock<T>(cluster: LocalCluster, waitMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await withClusterLock(faultsFile(cluster.dir), waitMs, work);
  } catch (error) {
    if ((error as MusterError).code !== 'cluster-busy') throw error;
    const { name } = cluster.file;
    throw new MusterError(
      'cluster-busy',
      `another muster command is changing the faults of cluster "${name}"`,
      {
        details: { cluster: name },
        cause: error,
      },
    );
  }
}

/** The plan to change. Where there is none that can be read, its revision is the highest that a node has applied, so that the next is newer to all. */
async function basis(
  cluster: LocalCluster,
  client: MusterClient,
  repair: boolean,
): Promise<{ before: FaultPlan; damaged: boolean }> {
  let before = noFaults;
  let damaged = false;
  try {
    before = readFaults(cluster.dir);
  } catch (error) {
    if (!repair || (error as MusterError).code !== 'faults-corrupt') throw error;
    damaged = true;
  }
  if (before.revision > 0) return { before, damaged };
  const { answers } = await ask(cluster, client, new Set(), askMs);
  const revision = Math.max(0, ...[...answers.status.values()].map((node) => node.faultRevision));
  return { before: { ...noFaults, revision }, damaged };
}

/** Asks all nodes but those of `known`: the nodes of this data folder, and those `elsewhere`. */
async function ask(
  cluster: LocalCluster,
  client: MusterClient,
  known: ReadonlySet<string>,
  timeoutMs: number,
): Promise<{ roster: readonly RosterRow[]; elsewhere: readonly string[]; answers: Answers }> {
  // The newest map: it says where a node listens that was just started.
  const members = Object.keys((await client.map()).members);
  const all = freshRoster(cluster);
  const elsewhere = members.filter((id) => !known.has(id) && all.every((row) => row.id !== id));
  const roster = all.filter(({ id }) => !known.has(id));
  return { roster, elsewhere, answers: await askNodes(client, roster, elsewhere, timeoutMs) };
}

async function untilApplied(
  cluster: LocalCluster,
  client: MusterClient,
  revision: number,
  options: ChangeOptions,
): Promise<Applied> {
  const deadline = performance.now() + options.timeoutMs;
  const confirmed = new Set<string>();
  for (;;) {
    const left = Math.max(1, deadline - performance.now());
    const { roster, elsewhere, answers } = await ask(cluster, client, confirmed, Math.min(askMs, left));
    for (const [id, { faultRevision }] of answers.status) if (faultRevision >= revision) confirmed.add(id);
    const waiting = [
      ...roster.filter(({ state }) => state === 'running').map(({ id }) => id),
      // Whether one of these runs is known by its answer alone.
      ...elsewhere.filter((id) => answers.status.has(id)),
    ].filter((id) => !confirmed.has(id));
    if (waiting.length === 0) {
      const silent = [
        ...roster.filter(({ state }) => state === 'stopped').map(({ id }) => id),
        ...elsewhere.filter((id) => answers.problem.has(id)),
      ];
      return {
        revision,
        confirmed: [...confirmed].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
        unconfirmed: silent.map((node) => ({ node, why: answers.problem.get(node) ?? 'not queried' })),
      };
    }
    if (options.signal?.aborted) {
      throw new MusterError(
        'interrupted',
        `interrupted: ${waiting.join(', ')} may not have applied the fault plan yet`,
        {
          tookEffect: 'yes',
        },
      );
    }
    if (performance.now() >= deadline) {
      throw new MusterError(
        'timeout',
        `timed out after ${options.timeoutMs} ms waiting for ${waiting.join(', ')} to apply the fault plan`,
        { details: { nodes: waiting.join(',') }, tookEffect: 'yes' },
      );
    }
    await pause(roundMs);
  }
}
