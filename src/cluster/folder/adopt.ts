import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { askAddress } from '../../client/introduce.js';
import { MusterError } from '../../errors.js';
import {
  type ClusterFile,
  clusterDir,
  clusterFile,
  mapDir,
  readClusterFile,
  tokenFile,
} from '../../layout/paths.js';
import { findCluster, type LocalCluster } from './registry.js';

/**
 * Makes a cluster that was started elsewhere on this machine, by another user's data folder, known here: a folder with its
 * token and a link to its cluster map, and no node yet. One that is known already is given as it is. Rejects with `unauthorized` for
 * another cluster's token, `unreachable`, or `name-taken` when another cluster has its name here.
 */
export async function adoptCluster(address: string, token: string, timeoutMs: number): Promise<LocalCluster> {
  const url = /^wss?:\/\//.test(address) ? address : `ws://${address}`;
  const there = await askAddress(url, token, timeoutMs);
  const original = readClusterFile(there.folder);
  const dir = clusterDir(original.name);
  if (existsSync(clusterFile(dir))) {
    const known = findCluster(original.name);
    if (known.file.cluster === there.cluster) return known;
    throw new MusterError(
      'name-taken',
      `cluster name "${original.name}" is used by another cluster on this machine`,
      {
        details: { cluster: original.name },
      },
    );
  }
  const path = mapDir(there.folder);
  if (!existsSync(path))
    throw new MusterError('metastore-unavailable', `cannot find the cluster map in ${path}`, {
      details: { path },
    });
  const file: ClusterFile = { ...original, createdAt: new Date().toISOString(), nodes: [] };
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(tokenFile(dir), `${token}\n`, { mode: 0o600 });
  if (!existsSync(mapDir(dir))) symlinkSync(path, mapDir(dir));
  // Written last: a folder without this file is not a cluster.
  writeFileSync(clusterFile(dir), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  return findCluster(original.name);
}
