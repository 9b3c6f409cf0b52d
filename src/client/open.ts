import { mapDir, readClusterFile, readToken } from '../layout/paths.js';
import { DirectoryMetastore } from '../metastore/directory.js';
import { createWsTransport } from '../transport/ws.js';
import type { MusterClient } from './api.js';
import { Client } from './client.js';

export interface OpenOptions {
  readonly clusterDir: string;
  /** How long a call may take unless it says otherwise, in ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * A client of a cluster on this machine. Rejects with `unknown-cluster` or `metastore-unavailable`; no node is
 * contacted before it is needed.
 */
export async function openClient(options: OpenOptions): Promise<MusterClient> {
  const file = readClusterFile(options.clusterDir);
  const metastore = new DirectoryMetastore(mapDir(options.clusterDir));
  const map = await metastore.read();
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
