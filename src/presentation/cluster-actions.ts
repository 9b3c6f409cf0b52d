import { openClient } from '../client/open.js';
import { byRole, checkSafeToKill, pickNodes } from '../cluster/nodes.js';
import type { LocalCluster } from '../cluster/registry.js';
import { freshRoster } from '../cluster/registry.js';
import { type ClusterStatus, clusterStatus } from '../cluster/status.js';
import type { ClusterMap } from '../core/map/types.js';
import { MusterError } from '../errors.js';

/** The status of a cluster, by a client of its own. */
export async function statusOf(cluster: LocalCluster, timeoutMs: number): Promise<ClusterStatus> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs });
  try {
    return await clusterStatus(cluster, client, timeoutMs);
  } finally {
    await client.close();
  }
}

/** The newest cluster map. */
export async function mapOf(cluster: LocalCluster, timeoutMs: number): Promise<ClusterMap> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs });
  try {
    return await client.map();
  } finally {
    await client.close();
  }
}

export interface Pick {
  readonly ids: readonly string[];
  readonly role?: 'primary' | 'backup' | undefined;
  readonly of?: string | undefined;
  readonly ifSafe?: boolean | undefined;
}

/** The nodes that a command is about: named, or picked by their role for a key. Rejects with `usage`, `unknown-node` or `not-safe`. */
export async function pickVictims(cluster: LocalCluster, pick: Pick, timeoutMs: number): Promise<string[]> {
  const byKey = pick.role !== undefined;
  if (byKey === pick.ids.length > 0)
    throw new MusterError('usage', 'name nodes, or pick one by --role and --of');
  if (byKey && pick.of === undefined) throw new MusterError('usage', '--role needs --of KEY');
  if (!byKey && pick.of !== undefined)
    throw new MusterError('usage', '--of KEY needs --role primary or --role backup');
  const map = byKey || pick.ifSafe ? await mapOf(cluster, timeoutMs) : null;
  const roster = freshRoster(cluster);
  const ids = byKey ? [byRole(map!, roster, pick.role!, pick.of!)] : pickNodes(cluster.file, pick.ids);
  if (!pick.ifSafe) return ids;
  // Together: the second victim is judged as if the first were dead already.
  let left = roster;
  for (const id of ids) {
    checkSafeToKill(map!, left, id);
    left = left.map((row) => (row.id === id ? { ...row, state: 'gone', process: null } : row));
  }
  return ids;
}

/** Scripts get one object for one node, as PRODUCT.md has it, and a list for several. */
export const oneOrMany = <T>(rows: readonly T[]): T | readonly T[] => (rows.length === 1 ? rows[0]! : rows);
