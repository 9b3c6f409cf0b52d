import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openClient } from '../../client/open.js';
import { noChange } from '../../core/map/changes.js';
import { holdsShare } from '../../core/map/placing.js';
import { type ClusterMap, isUnregistered, type Member } from '../../core/map/types.js';
import { invalid, MusterError } from '../../errors.js';
import { replaceWholeSync } from '../../files/whole.js';
import {
  type ClusterFile,
  checkName,
  clusterFile,
  nodeDataDir,
  nodeDir,
  readClusterFile,
} from '../../layout/paths.js';
import { limits } from '../../limits.js';
import { createStore } from '../../storage/create.js';
import { plural } from '../../text/format.js';
import { weightForm } from '../folder/create.js';
import { findCluster, freshRoster, type LocalCluster } from '../folder/registry.js';
import { changeMap, publishPlacement } from '../placement/placing.js';
import { type StartedNode, startAndAwait } from '../processes/node-start.js';
import { killNode } from '../processes/nodes.js';
import { readRoster } from '../processes/roster.js';
import type { StartOptions } from '../processes/start-options.js';

/** A node to be: what is left out is weight 1, no zone, a port of the system's choice. */
export interface NewNode {
  readonly id: string;
  readonly weight?: number;
  readonly zone?: string;
  readonly port?: number;
}

/** Replaces `cluster.json` atomically: a concurrent reader, or one after a crash, sees the whole old or new file. */
export function writeClusterFile(dir: string, file: ClusterFile): void {
  const path = clusterFile(dir);
  try {
    replaceWholeSync(path, `${JSON.stringify(file, null, 2)}\n`);
  } catch (cause) {
    throw new MusterError('metastore-unavailable', `cannot write ${path}: ${(cause as Error).message}`, {
      details: { path },
      tookEffect: 'no',
      cause,
    });
  }
}

function editNodes(dir: string, edit: (nodes: ClusterFile['nodes']) => ClusterFile['nodes']): void {
  const file = readClusterFile(dir);
  writeClusterFile(dir, { ...file, nodes: edit(file.nodes) });
}

/** Deletes a node's folder; a concurrent reader sees all of it or nothing. */
function removeNodeFolder(dir: string, id: string): void {
  const path = nodeDir(dir, id);
  if (!existsSync(path)) return;
  const aside = join(dirname(path), `.gone-${id}-${randomBytes(4).toString('hex')}`);
  renameSync(path, aside);
  rmSync(aside, { recursive: true, force: true });
}

/**
 * Makes this folder's list of nodes agree with the cluster map, which is what counts: a node that has left the map, and one that
 * an interrupted command had only begun to add, are forgotten with their folders. The caller holds the cluster's lock. Gives the
 * cluster as it is then.
 */
export async function reconcile(cluster: LocalCluster): Promise<LocalCluster> {
  const { dir } = cluster;
  const live = new Set(
    freshRoster(cluster)
      .filter((row) => row.state !== 'gone')
      .map((row) => row.id),
  );
  const own = new Set(cluster.file.nodes.map((n) => n.id));
  const begun = (m: Member): boolean => isUnregistered(m) && own.has(m.id) && !live.has(m.id);
  const map = await changeMap(cluster, (now) => {
    const drop = Object.values(now.members).filter(begun);
    return drop.length === 0 ? null : { ...noChange, members: new Map(drop.map((m) => [m.id, null])) };
  });
  const gone = [...own].filter((id) => map.members[id] === undefined && !live.has(id));
  if (gone.length === 0) return cluster;
  editNodes(dir, (nodes) => nodes.filter((n) => !gone.includes(n.id)));
  for (const id of gone) removeNodeFolder(dir, id);
  return findCluster(cluster.file.name);
}

function checkNew(cluster: LocalCluster, map: ClusterMap, nodes: readonly NewNode[]): void {
  const seen = new Set<string>();
  for (const { id, weight = 1 } of nodes) {
    checkName('node', id);
    if (map.members[id] !== undefined || cluster.file.nodes.some((n) => n.id === id) || seen.has(id)) {
      throw new MusterError('node-exists', `node ${id} already exists in cluster "${map.name}"`, {
        details: { node: id },
      });
    }
    seen.add(id);
    if (!(weight > 0 && weight <= 1000))
      throw invalid(`weight of ${id}`, String(weight), weightForm, { details: { command: 'node join' } });
  }
  if (cluster.file.nodes.length + nodes.length > limits.localNodes)
    throw new MusterError(
      'usage',
      `cannot add ${plural(nodes.length, 'node')}: a machine runs at most ${limits.localNodes} nodes of a cluster`,
      { details: { command: 'node join' } },
    );
}

/**
 * Makes new nodes, starts them and gives them their share of the partitions, in one change of placement. Resolves when the
 * change is published; the nodes then move what is to move. What fails or is interrupted before that leaves nothing behind. The caller holds the
 * cluster's lock. Rejects with `node-exists`, `usage`, or why a node could not start.
 */
export async function joinNodes(
  cluster: LocalCluster,
  nodes: readonly NewNode[],
  options: StartOptions & { readonly cause: string; readonly activate?: readonly string[] },
): Promise<{ started: readonly StartedNode[]; map: ClusterMap }> {
  const { dir } = cluster;
  const client = await openClient({ clusterDir: dir, timeoutMs: options.timeoutMs });
  try {
    checkNew(cluster, await client.map(), nodes);
    const ids = nodes.map((n) => n.id);
    try {
      options.progress?.(`starting ${ids.join(', ')}`);
      const members = await Promise.all(nodes.map((node) => makeNode(dir, node)));
      editNodes(dir, (have) => [...have, ...nodes.map(({ id, port = 0 }) => ({ id, port }))]);
      await changeMap(cluster, (map) => {
        checkNotTaken(map, members);
        return members.every((m) => map.members[m.id] !== undefined)
          ? null
          : { ...noChange, members: new Map(members.map((m) => [m.id, m])) };
      });
      const started = await startAndAwait(findCluster(cluster.file.name), ids, options);
      const map = await publishPlacement(
        cluster,
        client,
        { activate: [...ids, ...(options.activate ?? [])] },
        { cause: options.cause, degrade: true, command: 'node join', timeoutMs: 1000 },
      );
      return { started, map };
    } catch (error) {
      await undoJoin(cluster, ids);
      throw error;
    }
  } finally {
    await client.close();
  }
}

async function makeNode(dir: string, { id, weight = 1, zone = '' }: NewNode): Promise<Member> {
  // A former node of this name may have left data behind; the new node must not use it.
  removeNodeFolder(dir, id);
  const data = nodeDataDir(dir, id);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const store = await createStore(data);
  return { id, store, incarnation: 0, url: '', weight, zone, state: 'joining' };
}

/** Another command may have taken the name meanwhile, with another data folder. */
function checkNotTaken(map: ClusterMap, members: readonly Member[]): void {
  const taken = members.find((m) => {
    const found = map.members[m.id];
    return found !== undefined && found.store !== m.store;
  });
  if (taken !== undefined)
    throw new MusterError('node-exists', `node ${taken.id} already exists in cluster "${map.name}"`, {
      details: { node: taken.id },
    });
}

/** Takes back what was not given anything yet; one that was given its share stays. */
async function undoJoin(cluster: LocalCluster, ids: readonly string[]): Promise<void> {
  const { dir } = cluster;
  const map = await changeMap(cluster, (now) => {
    const drop = ids.filter((id) => now.members[id]?.state === 'joining');
    return drop.length === 0 ? null : { ...noChange, members: new Map(drop.map((id) => [id, null])) };
  });
  const gone = ids.filter((id) => map.members[id] === undefined);
  const now = findCluster(cluster.file.name);
  for (const { id, state } of readRoster(dir, gone)) if (state !== 'gone') await killNode(now, id);
  editNodes(dir, (nodes) => nodes.filter((n) => !gone.includes(n.id)));
  for (const id of gone) removeNodeFolder(dir, id);
}

/**
 * Publishes that these nodes are to leave. They hold on until others hold what they held, then leave the map and end by
 * themselves; nobody has to wait for it. Rejects with `unknown-node`, or `usage` when too few would be left.
 */
export async function drainNodes(
  cluster: LocalCluster,
  ids: readonly string[],
  options: {
    readonly degrade: boolean;
    readonly cause: string;
    readonly command: string;
    readonly activate?: readonly string[];
  },
): Promise<ClusterMap> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: 1000 });
  try {
    return await publishPlacement(
      cluster,
      client,
      { drain: ids, activate: options.activate ?? [] },
      { ...options, timeoutMs: 1000 },
    );
  } finally {
    await client.close();
  }
}

/** What makes a cluster have `count` nodes. `activate`: those that an interrupted command left without a share. */
export interface ScalePlan {
  readonly add: readonly string[];
  readonly drain: readonly string[];
  readonly activate: readonly string[];
}

/** New names go on counting; who holds nothing goes first, then the last to come. Rejects with `usage`. */
export function scalePlan(map: ClusterMap, count: number): ScalePlan {
  const staying = Object.values(map.members)
    .filter((m) => m.state !== 'draining')
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  const joining = staying.filter((m) => m.state === 'joining' && m.incarnation > 0).map((m) => m.id);
  const { replicas } = map.settings;
  if (count < replicas || count > limits.localNodes) {
    const expected = `a whole number from ${replicas} (the replica count) to ${limits.localNodes}`;
    throw invalid('node count', String(count), expected, { details: { command: 'cluster scale' } });
  }
  if (count <= staying.length) {
    const idle = staying.filter((m) => !holdsShare(m)).reverse();
    const active = staying.filter(holdsShare).reverse();
    const leaving = [...idle, ...active].slice(0, staying.length - count).map((m) => m.id);
    return { add: [], drain: leaving, activate: joining.filter((id) => !leaving.includes(id)) };
  }
  return { add: nextIds(map, count - staying.length), drain: [], activate: joining };
}

/** Names for new nodes that go on counting. */
export function nextIds(map: ClusterMap, count: number): string[] {
  const last = Object.keys(map.members).reduce((most, id) => {
    const found = /^n(\d+)$/.exec(id);
    return found === null ? most : Math.max(most, Number(found[1]));
  }, 0);
  return Array.from({ length: count }, (_, i) => `n${last + 1 + i}`);
}
