/** Puts the newest cluster map back when the map folder was put back to an older set. Changes nothing else. */
import { join } from 'node:path';
import type { ClusterMap } from '../../core/map/types.js';
import { MusterError } from '../../errors.js';
import { mapCopyDir, mapCopyDirs, mapDir } from '../../layout/paths.js';
import { copyIn, newestCopy, rolledBack } from '../../metastore/copies.js';
import { DirectoryMetastore } from '../../metastore/directory.js';
import { mapFileName } from '../../metastore/map-file.js';
import type { LocalCluster } from './registry.js';

/** What is wrong with the cluster map of this folder, or null: nodes have acted on a newer one than there is. */
export async function mapProblem(cluster: LocalCluster): Promise<MusterError | null> {
  const folder = mapDir(cluster.dir);
  // In this order: a copy made since may well be newer.
  const known = await newestCopy(mapCopyDirs(cluster.dir));
  const found = await newestCopy([folder]);
  return found < known ? rolledBack(folder, found, known, cluster.file.name) : null;
}

/**
 * Restores the newest map from the nodes' copies; null when there is nothing to restore. Nothing acknowledged is lost by it: every node
 * keeps a copy of a map before it acts on it, and builds on none that is older than a copy, so nobody has acted on more than the newest
 * copy, nor on what was published since the folder was put back. That is known only if the copies of all
 * members can be read: else it rejects with `metastore-rolled-back` and says whose is missing.
 */
export async function restoreMap(cluster: LocalCluster): Promise<ClusterMap | null> {
  const problem = await mapProblem(cluster);
  if (problem === null) return null;
  const refuse = (why: string): MusterError =>
    new MusterError('metastore-rolled-back', `${problem.message}; cannot restore it: ${why}`, {
      details: { path: mapDir(cluster.dir), cluster: cluster.file.name },
    });
  const copies = new Map<string, ClusterMap>();
  for (const { id } of cluster.file.nodes) {
    const map = await copyIn(mapCopyDir(cluster.dir, id)).read();
    if (map !== null) copies.set(id, map);
  }
  let newest: ClusterMap | null = null;
  let holder = '';
  for (const [id, map] of copies) {
    if (newest !== null && map.revision <= newest.revision) continue;
    newest = map;
    holder = id;
  }
  if (newest === null) throw refuse('no node has a copy of the map');
  const { cluster: identity, revision, members } = newest;
  if (identity !== cluster.file.cluster) throw refuse('the newest copy belongs to another cluster');
  // Who has started may have acted on a newer one; who is new by this map has not.
  const missing = Object.values(members).filter((m) => m.incarnation > 0 && !copies.has(m.id));
  if (missing.length > 0)
    throw refuse(
      `no copy found for ${missing.map((m) => m.id).join(', ')}, which may hold a newer map; ` +
        `if it is permanently lost, copy ${join(mapCopyDir(cluster.dir, holder), mapFileName(revision))} to ` +
        missing.map((m) => mapCopyDir(cluster.dir, m.id)).join(' and '),
    );
  const texts = [...copies.values()].filter((map) => map.revision === revision);
  if (new Set(texts.map((map) => JSON.stringify(map))).size > 1)
    throw refuse(`nodes hold different maps with revision ${revision}`);
  const metastore = new DirectoryMetastore(mapDir(cluster.dir));
  try {
    await metastore.restore(newest);
  } finally {
    await metastore.close();
  }
  return newest;
}
