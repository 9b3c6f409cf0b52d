import type { MusterClient } from '../../client/api.js';
import { type ClusterMap, nodeOf } from '../../core/map/types.js';
import { hashKey, partitionOf } from '../../core/ring/hash.js';
import { MusterError } from '../../errors.js';
import { type ClusterFile, requireNode } from '../../layout/paths.js';
import { plural } from '../../text/format.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { signal, waitGone } from './identity.js';
import type { ProcessFile, RosterRow } from './roster.js';

const row = (cluster: LocalCluster, id: string): RosterRow => {
  requireNode(cluster.file, id);
  return freshRoster(cluster).find((r) => r.id === id)!;
};

/** The live process of a node; rejects with `unknown-node`, or `node-state` when it has none. */
export function liveProcess(cluster: LocalCluster, id: string): ProcessFile {
  const found = row(cluster, id);
  if (found.process) return found.process;
  throw new MusterError('node-state', `${id} is not running`, { details: { node: id } });
}

const gone = (id: string): MusterError =>
  new MusterError('node-state', `${id} has just exited`, { details: { node: id } });

/** SIGKILL, as a machine that loses power; resolves when the process is gone. Returns its pid. */
export async function killNode(cluster: LocalCluster, id: string): Promise<number> {
  const process = liveProcess(cluster, id);
  if (!signal(process, 'SIGKILL')) throw gone(id);
  if (!(await waitGone(process, 5000))) {
    throw new MusterError('timeout', `${id} (pid ${process.pid}) still running after SIGKILL`, {
      tookEffect: 'unknown',
    });
  }
  return process.pid;
}

/** SIGSTOP, as a long pause of the whole process. Returns its pid. */
export function pauseNode(cluster: LocalCluster, id: string): number {
  const process = liveProcess(cluster, id);
  if (row(cluster, id).state === 'stopped') {
    throw new MusterError('node-state', `${id} is already paused`, { details: { node: id } });
  }
  if (!signal(process, 'SIGSTOP')) throw gone(id);
  return process.pid;
}

/** SIGCONT. Returns its pid. */
export function resumeNode(cluster: LocalCluster, id: string): number {
  const process = liveProcess(cluster, id);
  if (row(cluster, id).state !== 'stopped') {
    throw new MusterError('node-state', `${id} is not paused`, { details: { node: id } });
  }
  if (!signal(process, 'SIGCONT')) throw gone(id);
  return process.pid;
}

/** The node that plays `role` for a key: its primary, or its first backup in sync with a live process. */
export function byRole(
  map: ClusterMap,
  roster: readonly RosterRow[],
  role: 'primary' | 'backup',
  key: string,
): string {
  const config = map.partitions[partitionOf(hashKey(key), map.partitions.length)]!;
  if (role === 'primary') return nodeOf(config.primary);
  const live = new Set(roster.filter((r) => r.state !== 'gone').map((r) => r.id));
  const backups = config.inSync.filter((replica) => replica !== config.primary).map(nodeOf);
  const found = backups.find((id) => live.has(id)) ?? backups[0];
  if (found === undefined) {
    throw new MusterError('node-state', `the partition of "${key}" has no in-sync backup`, {
      tookEffect: 'no',
    });
  }
  return found;
}

/**
 * Would killing this node leave an acknowledged write on too few disks of live nodes? Looks at every
 * partition the node is in sync for; rejects with `not-safe` naming the first. A paused node does not count
 * as live.
 */
export function checkSafeToKill(map: ClusterMap, roster: readonly RosterRow[], id: string): void {
  const up = new Set(roster.filter((r) => r.state === 'running').map((r) => r.id));
  const least = map.settings.minInSync;
  const unsafe: number[] = [];
  let left = Number.POSITIVE_INFINITY;
  map.partitions.forEach((config, partition) => {
    const holders = config.inSync.map(nodeOf);
    if (!holders.includes(id)) return;
    const others = holders.filter((other) => other !== id && up.has(other)).length;
    if (others >= least) return;
    unsafe.push(partition);
    left = Math.min(left, others);
  });
  if (unsafe.length === 0) return;
  throw new MusterError(
    'not-safe',
    `killing ${id} would leave ${unsafe.length} of ${map.partitions.length} partitions (first: ${unsafe[0]}) with only ` +
      `${plural(left, 'live in-sync replica')}, ${least} required`,
    { details: { node: id, partitions: unsafe.length, partition: unsafe[0]! } },
  );
}

/** The nodes named, or all of them for `all`; rejects with `unknown-node`. */
export function pickNodes(file: ClusterFile, ids: readonly string[]): string[] {
  if (ids.length === 1 && ids[0] === 'all') return file.nodes.map((n) => n.id);
  return [...new Set(ids)].map((id) => requireNode(file, id).id);
}

/** The incarnation of a node by the map; to tell after a restart that the new process is the one that answers. */
export const incarnationOf = async (client: MusterClient, id: string): Promise<number> =>
  (await client.map()).members[id]?.incarnation ?? 0;
