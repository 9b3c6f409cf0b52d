import { openClient } from '../../client/open.js';
import { type ServiceView, viewOf } from '../../service/definition.js';
import { loadServices } from '../../service/load.js';
import { withClusterLock } from '../folder/lock.js';
import { findCluster, freshRoster, type LocalCluster } from '../folder/registry.js';
import { waitFor } from '../observe/wait.js';
import type { StartedNode } from '../processes/node-start.js';
import type { StartOptions } from '../processes/start-options.js';
import { reconcile, writeClusterFile } from './membership.js';
import { restartNodes } from './restart.js';

export interface Deployed {
  readonly services: readonly ServiceView[];
  /** In their order. Nodes that did not run take the services up when they are started. */
  readonly restarted: readonly StartedNode[];
}

/**
 * Makes these modules services of the cluster beside those it has, and restarts its nodes one after the other, each when all
 * replicas are in sync again: a module that is there already is loaded anew. Rejects with `service-invalid` and nothing changed for one
 * that does not load; with what stopped it when a node does not come back, the nodes after it running the old services still.
 */
export async function deploy(
  cluster: LocalCluster,
  paths: readonly string[],
  options: StartOptions,
): Promise<Deployed> {
  const before = cluster.file.services ?? [];
  const all = [...before, ...paths.filter((path) => !before.includes(path))];
  const services = await loadServices(all);
  const restarted = await withClusterLock(cluster.dir, options.timeoutMs, async () => {
    const now = await reconcile(cluster);
    writeClusterFile(now.dir, { ...now.file, services: all });
    const changed = findCluster(now.file.name);
    const running = freshRoster(changed).flatMap(({ id, state }) => (state === 'gone' ? [] : [id]));
    const client = await openClient({ clusterDir: changed.dir, timeoutMs: options.timeoutMs });
    const { timeoutMs, signal } = options;
    // The next one takes a replica of everything it holds away.
    const inSync = (): Promise<unknown> =>
      waitFor(changed, client, { kind: 'in-sync' }, signal ? { timeoutMs, signal } : { timeoutMs });
    try {
      return await restartNodes(changed, running, options, running.length > 1 ? inSync : undefined);
    } finally {
      await client.close();
    }
  });
  return { services: services.map(viewOf), restarted };
}
