import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openClient } from '../../client/open.js';
import { MusterError } from '../../errors.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { signal, stateOf, waitGone } from '../processes/identity.js';
import { markWantedDown, type RosterRow, readRoster } from '../processes/roster.js';

export interface StoppedNode {
  readonly id: string;
  readonly pid: number;
  /** It did not end in time by itself and was killed. */
  readonly killed: boolean;
}

/** For how long nodes hold still while the whole cluster stops. */
const QUIESCE_MS = 10_000;
/** How long a node may take to say that it holds still. */
const QUIESCE_ANSWER_MS = 1000;
/** How long the kernel may take to end a process after SIGKILL. */
const KILL_MS = 5000;

/** Asks every node to hold still, so that none takes over from one that stopped a moment earlier. Best effort. */
async function quiesce(cluster: LocalCluster, rows: readonly RosterRow[]): Promise<void> {
  try {
    const client = await openClient({
      clusterDir: cluster.dir,
      timeoutMs: QUIESCE_ANSWER_MS,
      evenRolledBack: true,
    });
    const ask = (row: RosterRow) => client.quiesce(row.id, QUIESCE_MS, { timeoutMs: QUIESCE_ANSWER_MS });
    await Promise.allSettled(rows.map(ask));
    await client.close();
  } catch {
    // A cluster whose nodes do not answer is stopped all the same; nothing acknowledged depends on this.
  }
}

/** Ends these processes: SIGTERM, then, after `timeoutMs`, SIGKILL. Resolves when all are gone. */
export async function endProcesses(
  dir: string,
  rows: readonly RosterRow[],
  timeoutMs: number,
  told?: (node: StoppedNode) => void,
): Promise<StoppedNode[]> {
  const live = rows.filter((row) => row.process !== null);
  return Promise.all(
    live.map(async (row): Promise<StoppedNode> => {
      const process = row.process!;
      markWantedDown(dir, row.id);
      signal(process, 'SIGTERM');
      // A stopped process handles SIGTERM only after SIGCONT.
      if (stateOf(process) === 'stopped') signal(process, 'SIGCONT');
      const killed = !(await waitGone(process, timeoutMs));
      if (killed) {
        signal(process, 'SIGKILL');
        if (!(await waitGone(process, KILL_MS))) {
          throw new MusterError('timeout', `${row.id} (pid ${process.pid}) still running after SIGKILL`, {
            details: { node: row.id },
            tookEffect: 'unknown',
          });
        }
      }
      const node = { id: row.id, pid: process.pid, killed };
      told?.(node);
      return node;
    }),
  );
}

/**
 * Stops every node of a cluster: all quiesce, then exit; a node still running after `timeoutMs`
 * is killed. Leaves no process. The caller holds the cluster's lock.
 */
export async function stopCluster(
  cluster: LocalCluster,
  timeoutMs: number,
  told?: (node: StoppedNode) => void,
): Promise<StoppedNode[]> {
  const rows = freshRoster(cluster).filter((row) => row.state !== 'gone');
  if (rows.length === 0) return [];
  for (const row of rows) if (row.state === 'stopped') signal(row.process!, 'SIGCONT');
  await quiesce(cluster, rows);
  return endProcesses(cluster.dir, freshRoster(cluster), timeoutMs, told);
}

/** Ends whatever process a folder's nodes still have, when `cluster.json` cannot be read any more. */
export async function endLeftovers(dir: string, timeoutMs: number): Promise<StoppedNode[]> {
  let nodes: string[] = [];
  try {
    nodes = readdirSync(join(dir, 'nodes'));
  } catch {
    // No nodes, no processes.
  }
  return endProcesses(dir, readRoster(dir, nodes), timeoutMs);
}

/** Removes a cluster's folder; no process of it may be left. The name is free again at once. */
export function removeCluster(dir: string): void {
  if (!existsSync(dir)) return;
  // Renamed first, so that a concurrent reader sees a whole cluster or none.
  const aside = join(dirname(dir), `.new-gone-${process.pid}-${Date.now()}`);
  renameSync(dir, aside);
  rmSync(aside, { recursive: true, force: true });
}
