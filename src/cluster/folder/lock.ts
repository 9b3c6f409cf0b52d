import { createHash } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '../../errors.js';
import { abstractName } from '../../os/abstract-socket.js';
import { pause } from '../../util/pause.js';

export interface ClusterLock {
  release(): Promise<void>;
}

const digest = (dir: string): string => createHash('sha256').update(dir).digest('hex').slice(0, 32);

/**
 * Where the lock of a cluster's folder is. On Linux an abstract socket, by one name under every version of Node: it has no file, and the kernel frees it the moment the holder ends, however it
 * ends. Elsewhere a socket file, taken over when no process listens on it.
 */
export const addressOf = (dir: string): string =>
  process.platform === 'linux'
    ? abstractName(`muster-${userInfo().uid}-${digest(dir)}`)
    : join(tmpdir(), `muster-${userInfo().uid}-${digest(dir)}.sock`);

function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

const answers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

async function attempt(address: string): Promise<Server | null> {
  const server = await listen(address);
  if (server || address.startsWith('\0') || (await answers(address))) return server;
  try {
    unlinkSync(address);
  } catch {
    // Someone else was quicker; the next attempt tells.
  }
  return listen(address);
}

/**
 * One muster command at a time changes a cluster. Waits up to `waitMs` for the other to end, then rejects
 * with `cluster-busy`. The lock ends with the process, also by SIGKILL.
 */
export async function lockCluster(dir: string, waitMs = 0): Promise<ClusterLock> {
  const address = addressOf(dir);
  const deadline = performance.now() + waitMs;
  for (;;) {
    const server = await attempt(address);
    if (server) return { release: () => new Promise((done) => server.close(() => done())) };
    if (performance.now() >= deadline) break;
    await pause(25);
  }
  const name = dir.slice(dir.lastIndexOf('/') + 1);
  throw new MusterError('cluster-busy', `another muster command is changing cluster "${name}"`, {
    details: { cluster: name },
  });
}

/** Runs `work` while holding the lock of the cluster in `dir`. */
export async function withClusterLock<T>(dir: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const lock = await lockCluster(dir, waitMs);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
