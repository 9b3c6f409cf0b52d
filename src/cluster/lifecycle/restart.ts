import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { type StartedNode, startAndAwait } from '../processes/node-start.js';
import type { StartOptions } from '../processes/start-options.js';
import { endProcesses } from './stop.js';

/** How long a node that is restarted may take to end by itself, in ms. */
const endMs = 10_000;

/**
 * Stops these nodes gracefully, where they run, and starts them again, one after the other; `after` each may wait for what the next one
 * needs. Rejects as `startAndAwait` does, those after it left as they are. The caller holds the cluster's lock.
 */
export async function restartNodes(
  cluster: LocalCluster,
  ids: readonly string[],
  options: StartOptions,
  after: () => Promise<unknown> = async () => {},
): Promise<StartedNode[]> {
  const done: StartedNode[] = [];
  for (const id of ids) {
    options.progress?.(`restarting ${id}`);
    const rows = freshRoster(cluster).filter((row) => row.id === id);
    await endProcesses(cluster.dir, rows, endMs);
    done.push(...(await startAndAwait(cluster, [id], options)));
    await after();
  }
  return done;
}
