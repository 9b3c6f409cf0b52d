import { openClient } from '../client/open.js';
import type { LocalCluster } from '../cluster/folder/registry.js';
import { freshRoster } from '../cluster/folder/registry.js';
import { type ClusterStatus, clusterStatus } from '../cluster/observe/status.js';
import type { ProcessState } from '../cluster/processes/identity.js';
import { byRole, checkSafeToKill, pickNodes } from '../cluster/processes/nodes.js';
import type { RosterRow } from '../cluster/processes/roster.js';
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
  /** What can be done to a node: `all` means those, and naming another is refused before anything is done. */
  readonly only?: readonly ProcessState[] | undefined;
}

const IN_WORDS: Readonly<Record<ProcessState, string>> = { running: 'up', stopped: 'paused', gone: 'down' };

/** The nodes among `ids` that are in one of these states; `all` takes those that are, maybe none. Rejects with `node-state`. */
export function inState(
  roster: readonly RosterRow[],
  ids: readonly string[],
  only: readonly ProcessState[],
  all: boolean,
): string[] {
  const stateOf = new Map(roster.map((row) => [row.id, row.state]));
  const fits = (id: string): boolean => only.includes(stateOf.get(id) ?? 'gone');
  if (all) return ids.filter(fits);
  const wrong = ids.find((id) => !fits(id));
  if (wrong === undefined) return [...ids];
  const wanted = only.map((state) => IN_WORDS[state]).join(' or ');
  throw new MusterError(
    'node-state',
    `${wrong} is ${IN_WORDS[stateOf.get(wrong) ?? 'gone']}, not ${wanted}`,
    {
      details: { node: wrong },
    },
  );
}

/** Do these words mean every node the command can be done to? */
export const meansAll = (ids: readonly string[]): boolean => ids.length === 1 && ids[0] === 'all';

/** The nodes that a command is about: named, or picked by their role for a key. Rejects with `usage`, `unknown-node`, `node-state` or `not-safe`. */
export async function pickVictims(cluster: LocalCluster, pick: Pick, timeoutMs: number): Promise<string[]> {
  const byKey = pick.role !== undefined;
  if (byKey === pick.ids.length > 0)
    throw new MusterError('usage', 'name nodes, or pick one by --role and --of');
  if (byKey && pick.of === undefined) throw new MusterError('usage', '--role needs --of KEY');
  if (!byKey && pick.of !== undefined)
    throw new MusterError('usage', '--of KEY needs --role primary or --role backup');
  const map = byKey || pick.ifSafe ? await mapOf(cluster, timeoutMs) : null;
  const roster = freshRoster(cluster);
  const named = byKey ? [byRole(map!, roster, pick.role!, pick.of!)] : pickNodes(cluster.file, pick.ids);
  const ids = pick.only ? inState(roster, named, pick.only, meansAll(pick.ids)) : named;
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
