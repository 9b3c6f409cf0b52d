import { openClient } from '../client/open.js';
import type { ServiceView } from '../service/definition.js';
import { viewOf } from '../service/definition.js';
import { loadServices } from '../service/load.js';
import { withClusterLock } from './lock.js';
import { reconcile, writeClusterFile } from './membership.js';
import { type StartedNode, startAndAwait } from './node-start.js';
import { findCluster, freshRoster, type LocalCluster } from './registry.js';
import type { StartOptions } from './start.js';
import { endProcesses } from './stop.js';
import { waitFor } from './wait.js';

export interface Deployed {
  readonly services: readonly ServiceView[];
  /** In their order. Nodes that did not run take the services up when they are started. */
  readonly restarted: readonly StartedNode[];
}

/** How long a node that is restarted may take to end by itself, in ms. */
const endMs = 10_000;

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
    const running = freshRoster(changed).filter(({ state }) => state !== 'gone');
    const client = await openClient({ clusterDir: changed.dir, timeoutMs: options.timeoutMs });
    const done: StartedNode[] = [];
    try {
      for (const { id } of running) {
        options.progress?.(`restarting ${id}, ${done.length} of ${running.length} done`);
        await endProcesses(
          changed.dir,
          freshRoster(changed).filter((row) => row.id === id),
          endMs,
        );
        done.push(...(await startAndAwait(changed, [id], options)));
        // The next one takes a replica of everything it holds away.
        if (running.length > 1)
          await waitFor(
            changed,
            client,
            { kind: 'in-sync' },
            {
              timeoutMs: options.timeoutMs,
              ...(options.signal ? { signal: options.signal } : {}),
            },
          );
      }
    } finally {
      await client.close();
    }
    return done;
  });
  return { services: services.map(viewOf), restarted };
}
