import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { MusterError } from '../../errors.js';
import { pause } from '../../util/pause.js';
import type { LocalCluster } from '../folder/registry.js';
import { type Launched, launchNode } from './launch.js';
import type { StartOptions } from './start-options.js';
import { undoLaunch } from './undo-launch.js';

export interface StartedNode {
  readonly id: string;
  readonly pid: number;
  readonly url: string;
  readonly incarnation: number;
}

async function untilAnswers(
  client: MusterClient,
  node: Launched,
  options: StartOptions,
): Promise<StartedNode> {
  const deadline = performance.now() + options.timeoutMs;
  const pid = node.process?.pid ?? 0;
  for (let rest = 20; ; rest = Math.min(rest * 1.5, 200)) {
    if (options.signal?.aborted)
      throw new MusterError('interrupted', 'interrupted while waiting', { tookEffect: 'no' });
    try {
      // The new process publishes its address in the map: until it has, the old one is asked, in vain.
      await client.map();
      const status = await client.status(node.id, {
        timeoutMs: Math.max(50, Math.min(1000, deadline - performance.now())),
      });
      // The old process's address may still be in the map: only this one's answer counts.
      if (status.pid === pid) return { id: node.id, pid, url: status.url, incarnation: status.incarnation };
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
    }
    if (performance.now() >= deadline) {
      throw new MusterError(
        'timeout',
        `timed out after ${options.timeoutMs} ms waiting for ${node.id} (pid ${pid}) to respond`,
        {
          details: { node: node.id },
          tookEffect: 'yes',
        },
      );
    }
    await pause(rest);
  }
}

/**
 * Starts these nodes side by side; resolves when each answers under its new process. A node that ends
 * meanwhile rejects with what its log says. The caller holds the cluster's lock.
 */
export async function startAndAwait(
  cluster: LocalCluster,
  ids: readonly string[],
  options: StartOptions,
): Promise<StartedNode[]> {
  const launched: Launched[] = [];
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: options.timeoutMs });
  try {
    for (const id of ids)
      launched.push(launchNode(cluster.dir, cluster.file, id, options.entry ? { entry: options.entry } : {}));
    return await Promise.all(
      launched.map((node) =>
        Promise.race([
          untilAnswers(client, node, options),
          node.ended.then((error) => {
            throw error;
          }),
        ]),
      ),
    );
  } catch (error) {
    if ((error as MusterError).code === 'interrupted') await undoLaunch(launched);
    throw error;
  } finally {
    await client.close();
  }
}
