import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { needPrograms, REDIS } from './apt.js';
import { end, freePorts, run, until } from './processes.js';
import { encodeCommands, RedisConnection, startRedisServer } from './redis.js';

export interface RedisCluster {
  readonly nodes: readonly { readonly port: number; readonly child: ChildProcess }[];
  stop(): Promise<void>;
}

/** Three primaries and three replicas on loopback; resolves when every one of them says that the cluster is well. */
export async function startRedisCluster(dir: string, more: readonly string[] = []): Promise<RedisCluster> {
  needPrograms(REDIS);
  // The cluster bus would listen 10,000 ports higher, beyond the last for most free ones.
  const ports = await freePorts(12);
  const nodes = ports.slice(0, 6).map((port, i) => {
    const bus = ['--cluster-enabled', 'yes', '--cluster-port', String(ports[6 + i]), ...more];
    return { port, child: startRedisServer(join(dir, String(i)), port, bus) };
  });
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map(({ child }) => end(child))));
  try {
    for (const { port } of nodes)
      await until(
        `redis ${port}`,
        10_000,
        async () => ((await ask(port, 'PING')) === 'PONG' ? true : null),
        5,
      );
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
    for (const { port } of nodes) {
      await until(`redis ${port} in a whole cluster`, 30_000, async () =>
        String(await ask(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok') ? true : null,
      );
    }
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks one node one thing on a connection of its own. */
export async function ask(port: number, ...words: string[]): Promise<number | string | Error> {
  const connection = await RedisConnection.open(port);
  try {
    return (await connection.send(encodeCommands(words), 1))[0]!;
  } finally {
    connection.close();
  }
}
