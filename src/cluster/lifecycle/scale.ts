import { type ClusterMap, isUnregistered } from '../../core/map/types.js';
import { MusterError } from '../../errors.js';
import { pause } from '../../util/pause.js';
import { withClusterLock } from '../folder/lock.js';
import { findCluster, type LocalCluster } from '../folder/registry.js';
import { changeMap } from '../placement/placing.js';
import type { StartOptions } from '../processes/start-options.js';
import { drainNodes, joinNodes, type NewNode, reconcile, scalePlan } from './membership.js';

export interface MoveOptions extends StartOptions {
  /** Wait until everything is in place, and the drained have gone. */
  readonly wait: boolean;
  /** Does the waiting; `update` tells how far it is. */
  readonly settle: (cluster: LocalCluster, update: (text: string) => void) => Promise<ClusterMap>;
}

export interface Moved {
  readonly added: readonly string[];
  readonly drained: readonly string[];
  readonly map: ClusterMap;
}

const LOCK_MS = 5000;

const mapOf = (cluster: LocalCluster): Promise<ClusterMap> => changeMap(cluster, () => null);

/** After a change: waits for the moves if asked to, then forgets the nodes that have left. */
async function finish(cluster: LocalCluster, map: ClusterMap, options: MoveOptions): Promise<ClusterMap> {
  if (!options.wait) return map;
  const settled = await options.settle(findCluster(cluster.file.name), (text) => options.progress?.(text));
  await withClusterLock(cluster.dir, LOCK_MS, () => forget(cluster));
  return settled;
}

/** Waits for drained processes to end, which they do by themselves within moments, and forgets them. */
async function forget(cluster: LocalCluster): Promise<void> {
  const map = await mapOf(cluster);
  const leaving = cluster.roster.filter((row) => map.members[row.id] === undefined && row.process !== null);
  const { waitGone } = await import('../processes/identity.js');
  await Promise.all(leaving.map((row) => waitGone(row.process!, LOCK_MS)));
  await reconcile(findCluster(cluster.file.name));
}

/** How often it is looked whether nodes that are starting have registered, in ms. */
const lookMs = 50;

/**
 * Takes up what an interrupted command left. Nodes that it had just started are waited for: they count, and are to get their share.
 * Rejects with `timeout` when they take too long, and with `interrupted`; nothing is changed then.
 */
async function whenStarted(
  cluster: LocalCluster,
  { timeoutMs, signal }: MoveOptions,
): Promise<{ now: LocalCluster; before: ClusterMap }> {
  const until = performance.now() + timeoutMs;
  for (let now = await reconcile(cluster); ; now = await reconcile(now)) {
    const before = await mapOf(now);
    // `reconcile` has already removed those whose process exited.
    const starting = now.file.nodes.filter(({ id }) => {
      const member = before.members[id];
      return member !== undefined && isUnregistered(member);
    });
    if (starting.length === 0) return { now, before };
    if (signal?.aborted) throw new MusterError('interrupted', 'interrupted', { tookEffect: 'no' });
    if (performance.now() >= until) {
      const ids = starting.map(({ id }) => id).join(', ');
      throw new MusterError('timeout', `timed out after ${timeoutMs} ms waiting for ${ids} to register`, {
        tookEffect: 'no',
      });
    }
    await pause(lookMs, signal);
  }
}

/** Adds nodes or drains the last ones until there are `count`. Rejects with `usage` and nothing changed when they would be too few. */
export async function scaleCluster(
  cluster: LocalCluster,
  count: number,
  options: MoveOptions,
): Promise<Moved> {
  const done = await withClusterLock(cluster.dir, LOCK_MS, async (): Promise<Moved> => {
    const { now, before } = await whenStarted(cluster, options);
    const { add, drain, activate } = scalePlan(before, count);
    if (add.length > 0) {
      const nodes = add.map((id) => ({ id }));
      const { map } = await joinNodes(now, nodes, { ...options, activate, cause: `add ${add.join(', ')}` });
      return { added: add, drained: [], map };
    }
    if (drain.length + activate.length === 0) return { added: [], drained: [], map: before };
    const words = [...drain.map((id) => `drain ${id}`), ...activate.map((id) => `add ${id}`)];
    const cause = words.join(', ');
    const map = await drainNodes(now, drain, { activate, degrade: false, cause, command: 'cluster scale' });
    return { added: activate, drained: drain, map };
  });
  return { ...done, map: await finish(cluster, done.map, options) };
}

/** Adds these nodes. Rejects as `joinNodes` does. */
export async function addNodes(
  cluster: LocalCluster,
  nodes: readonly NewNode[],
  options: MoveOptions,
): Promise<Moved> {
  const ids = nodes.map((n) => n.id);
  const { map } = await withClusterLock(cluster.dir, LOCK_MS, async () =>
    joinNodes(await reconcile(cluster), nodes, { ...options, cause: `add ${ids.join(', ')}` }),
  );
  return { added: ids, drained: [], map: await finish(cluster, map, options) };
}

/** Drains these nodes. Rejects as `drainNodes` does. */
export async function removeNodes(
  cluster: LocalCluster,
  ids: readonly string[],
  options: MoveOptions & { readonly degrade: boolean },
): Promise<Moved> {
  const map = await withClusterLock(cluster.dir, LOCK_MS, async () =>
    drainNodes(await reconcile(cluster), ids, {
      degrade: options.degrade,
      cause: `drain ${ids.join(', ')}`,
      command: 'node drain',
    }),
  );
  return { added: [], drained: ids, map: await finish(cluster, map, options) };
}
