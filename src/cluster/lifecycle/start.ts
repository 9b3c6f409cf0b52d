import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { MusterError } from '../../errors.js';
import { clusterDir } from '../../layout/paths.js';
import { limits } from '../../limits.js';
import { loadServices } from '../../service/load.js';
import { plural } from '../../text/format.js';
import { type CreateOptions, createCluster, planCluster } from '../folder/create.js';
import { clusterExists, findCluster, freshRoster, type LocalCluster } from '../folder/registry.js';
import { restoreMap } from '../folder/restore.js';
import type { ClusterStatus } from '../observe/status.js';
import { type Condition, waitFor } from '../observe/wait.js';
import { type Launched, launchNode } from '../processes/launch.js';
import type { StartOptions } from '../processes/start-options.js';
import { undoLaunch } from '../processes/undo-launch.js';
import { reconcile } from './membership.js';
import { removeCluster } from './stop.js';

export interface StartedNodes {
  readonly launched: readonly Launched[];
  readonly status: ClusterStatus;
}

/**
 * Makes sure that a cluster of that name exists. One that does keeps its settings: whatever is asked for must
 * agree with them, else `usage`. The caller holds the cluster's lock.
 */
export async function ensureCluster(
  options: CreateOptions,
): Promise<{ cluster: LocalCluster; created: boolean; restored: number | null }> {
  if (!clusterExists(options.name)) {
    await createCluster(options);
    return { cluster: findCluster(options.name), created: true, restored: null };
  }
  // Before anything is concluded from the map.
  const restored = (await restoreMap(findCluster(options.name)))?.revision ?? null;
  const cluster = await reconcile(findCluster(options.name));
  const have = cluster.file.nodes.length;
  if (options.nodes !== undefined && options.nodes !== have) {
    planCluster(options);
    throw new MusterError(
      'name-taken',
      `cluster "${options.name}" already exists with ${plural(have, 'node')}, not ${options.nodes}; omit -n to start it unchanged`,
      { details: { cluster: options.name } },
    );
  }
  return { cluster, created: false, restored };
}

/** Settings that a start may only repeat, not change; the differences in words. */
export async function differences(
  cluster: LocalCluster,
  options: CreateOptions,
  client: MusterClient,
): Promise<string[]> {
  const { settings } = await client.map();
  const found: string[] = [];
  const compare = (flag: string, asked: number | string | undefined, is: number | string) => {
    if (asked !== undefined && asked !== is) found.push(`--${flag} ${asked} (current: ${is})`);
  };
  compare('replicas', options.replicas, settings.replicas);
  compare('partitions', options.partitions, settings.partitions);
  compare('min-in-sync', options.minInSync, settings.minInSync);
  compare('durability', options.durability, settings.durability);
  if (options.weights) found.push('--weights (use `muster ring rebalance --weights`)');
  if (options.zones) found.push('--zones (use `muster ring rebalance --zones`)');
  const services = cluster.file.services ?? [];
  if (options.services?.some((path) => !services.includes(path)))
    found.push('--service (use `muster cluster deploy`)');
  compare('max-inflight', options.maxInflight, cluster.file.maxInflight ?? limits.serviceInflight);
  compare('repair-after', options.repairAfterMs, settings.repairAfterMs);
  if (options.port !== undefined && options.port !== (cluster.file.nodes[0]?.port ?? 0)) found.push('--port');
  return found;
}

/** A promise that rejects as soon as one of the processes ends, with what its log says. */
function untilOneEnds(launched: readonly Launched[]): Promise<never> {
  const failure = Promise.race(launched.map((node) => node.ended)).then((error) => {
    throw error;
  });
  failure.catch(() => {});
  return failure;
}

/**
 * Starts these nodes side by side and waits for the condition. A node that ends meanwhile fails the start.
 * Nodes that run already are left alone. The caller holds the cluster's lock, and decides what becomes of the
 * nodes when this rejects: `onLaunch` hands them out at once.
 */
export async function startNodes(
  cluster: LocalCluster,
  ids: readonly string[],
  condition: Condition,
  options: StartOptions,
  onLaunch?: (launched: readonly Launched[]) => void,
): Promise<StartedNodes> {
  const running = new Set(
    freshRoster(cluster)
      .filter((r) => r.state !== 'gone')
      .map((r) => r.id),
  );
  const launched: Launched[] = [];
  onLaunch?.(launched);
  for (const id of ids) {
    if (running.has(id)) continue;
    const { tethered = false, entry } = options;
    launched.push(launchNode(cluster.dir, cluster.file, id, entry ? { tethered, entry } : { tethered }));
  }
  options.progress?.(
    `${plural(launched.length, 'node')} started, waiting for every partition to be available`,
  );
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: options.timeoutMs });
  try {
    const status = await waitFor(cluster, client, condition, {
      timeoutMs: options.timeoutMs,
      ...(options.signal ? { signal: options.signal } : {}),
      progress: (lack) => options.progress?.(lack),
      unless: untilOneEnds(launched),
    });
    return { launched, status };
  } finally {
    await client.close();
  }
}

export interface StartedCluster extends StartedNodes {
  readonly cluster: LocalCluster;
  readonly created: boolean;
  /** The revision of the cluster map that was restored, the map folder having been put back to an older one. */
  readonly restored: number | null;
}

/**
 * `cluster start`: creates the cluster when there is none, starts every node that does not run, waits until
 * every partition serves. A new cluster that cannot start leaves nothing behind; of an old one the nodes that
 * did start go on, unless it was interrupted. The caller holds the cluster's lock.
 */
export async function startCluster(create: CreateOptions, options: StartOptions): Promise<StartedCluster> {
  // Before anything is made: each node would only find the same mistake.
  await loadServices(create.services ?? []);
  const { cluster, created, restored } = await ensureCluster(create);
  const ids = cluster.file.nodes.map((n) => n.id);
  if (restored === null && freshRoster(cluster).every((row) => row.state !== 'gone')) {
    throw new MusterError(
      'already-running',
      `cluster "${create.name}" is already running (${plural(ids.length, 'node')})`,
      {
        details: { cluster: create.name },
      },
    );
  }
  let launched: readonly Launched[] = [];
  try {
    if (!created) await refuseChanges(cluster, create);
    const started = await startNodes(cluster, ids, { kind: 'ready' }, options, (nodes) => {
      launched = nodes;
    });
    return { ...started, cluster, created, restored };
  } catch (error) {
    if (created || (error as MusterError).code === 'interrupted') await undoLaunch(launched);
    if (created) removeCluster(clusterDir(create.name));
    throw error;
  }
}

async function refuseChanges(cluster: LocalCluster, create: CreateOptions): Promise<void> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: 1000 });
  try {
    const found = await differences(cluster, create, client);
    if (found.length === 0) return;
    throw new MusterError(
      'name-taken',
      `cannot change settings of the existing cluster "${create.name}": ${found.join(', ')}`,
      {
        details: { cluster: create.name },
      },
    );
  } finally {
    await client.close();
  }
}
