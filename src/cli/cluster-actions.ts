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

/** Which nodes a command acts on. */
export interface NodeSelection {
  readonly ids: readonly string[];
  readonly role?: 'primary' | 'backup' | undefined;
  readonly of?: string | undefined;
  readonly ifSafe?: boolean | undefined;
  /** The states a node must be in: `all` selects those nodes, and naming another is refused before anything is done. */
  readonly only?: readonly ProcessState[] | undefined;
}

const IN_WORDS: Readonly<Record<ProcessState, string>> = { running: 'up', stopped: 'paused', gone: 'down' };

/** The nodes among `ids` that are in one of these states; with `all` the others are skipped. Rejects with `node-state`. */
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
    `node ${wrong} is ${IN_WORDS[stateOf.get(wrong) ?? 'gone']}: expected one that is ${wanted}`,
    {
      details: { node: wrong },
    },
  );
}

/** Do these arguments select every node that is in a suitable state? */
export const meansAll = (ids: readonly string[]): boolean => ids.length === 1 && ids[0] === 'all';

/** The nodes that a command acts on: named, or selected by their role for a key. Rejects with `usage`, `unknown-node`, `node-state` or `not-safe`. */
export async function selectNodes(
  cluster: LocalCluster,
  selection: NodeSelection,
  timeoutMs: number,
): Promise<string[]> {
  const byKey = selection.role !== undefined;
  if (byKey && selection.ids.length > 0)
    throw new MusterError('usage', 'node names cannot be combined with --role');
  if (!byKey && selection.ids.length === 0)
    throw new MusterError('usage', 'missing nodes: name nodes, or select one with --role and --of');
  if (byKey && selection.of === undefined) throw new MusterError('usage', '--role requires --of KEY');
  if (!byKey && selection.of !== undefined)
    throw new MusterError('usage', '--of KEY requires --role primary or --role backup');
  const map = byKey || selection.ifSafe ? await mapOf(cluster, timeoutMs) : null;
  const roster = freshRoster(cluster);
  const named = byKey
    ? [byRole(map!, roster, selection.role!, selection.of!)]
    : pickNodes(cluster.file, selection.ids);
  const ids = selection.only ? inState(roster, named, selection.only, meansAll(selection.ids)) : named;
  if (!selection.ifSafe) return ids;
  // Cumulative: the second node is judged as if the first were already dead.
  let left = roster;
  for (const id of ids) {
    checkSafeToKill(map!, left, id);
    left = left.map((row) => (row.id === id ? { ...row, state: 'gone', process: null } : row));
  }
  return ids;
}

/** Scripts get one object for one node, as PRODUCT.md has it, and a list for several. */
export const oneOrMany = <T>(rows: readonly T[]): T | readonly T[] => (rows.length === 1 ? rows[0]! : rows);
