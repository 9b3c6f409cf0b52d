import { mapCopyDirs, mapDir, readClusterFile, readToken } from '../layout/paths.js';
import { newestCopy, rolledBack } from '../metastore/copies.js';
import { DirectoryMetastore } from '../metastore/directory.js';
import { createWsTransport } from '../transport/ws.js';
import type { MusterClient } from './api.js';
import { Client } from './client.js';

export interface OpenOptions {
  readonly clusterDir: string;
  /** How long a call may take unless it says otherwise, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Also when the cluster map was put back to an older one: for those who look at that. */
  readonly evenRolledBack?: boolean;
}

/**
 * A client of a cluster on this machine. Rejects with `unknown-cluster`, `metastore-unavailable` or
 * `metastore-rolled-back`; no node is contacted before it is needed.
 */
export async function openClient(options: OpenOptions): Promise<MusterClient> {
  const file = readClusterFile(options.clusterDir);
  const metastore = new DirectoryMetastore(mapDir(options.clusterDir));
  // Before the map is read: a copy made since may well be newer.
  const known = options.evenRolledBack === true ? 0 : await newestCopy(mapCopyDirs(options.clusterDir));
  const map = await metastore.read();
  const found = map?.revision ?? 0;
  if (found < known) throw rolledBack(metastore.folder, found, known, file.name);
  const token = readToken(options.clusterDir);
  return new Client(
    {
      cluster: file.cluster,
      token,
      metastore,
      transport: createWsTransport(),
      timeoutMs: options.timeoutMs ?? 10_000,
    },
    map,
  );
}
