import { withFault, withoutFaults } from '../../faults/plan.js';
import { parseFault } from '../../faults/words.js';
import { plural } from '../../text/format.js';
import { withClusterLock } from '../folder/lock.js';
import type { LocalCluster } from '../folder/registry.js';
import { startAndAwait } from '../processes/node-start.js';
import { killNode, pauseNode, resumeNode } from '../processes/nodes.js';
import { type Action, groupsOf } from './action.js';
import { changeFaults } from './faults.js';
import { restartNodes } from './restart.js';

/**
 * Does it, as the command of `commandOf` would, and says what was done. Rejects as that does: `unknown-node`, `node-state`,
 * `cluster-busy`, `timeout`, `usage`.
 */
export async function act(
  cluster: LocalCluster,
  action: Action,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<string> {
  switch (action.kind) {
    case 'kill':
      return `${action.node} killed (pid ${await killNode(cluster, action.node)})`;
    case 'pause':
      return `${action.node} paused (pid ${pauseNode(cluster, action.node)})`;
    case 'resume':
      return `${action.node} resumed (pid ${resumeNode(cluster, action.node)})`;
    case 'start':
    case 'restart': {
      const ids = [action.node];
      const [started] = await withClusterLock(cluster.dir, options.timeoutMs, () =>
        action.kind === 'start' ? startAndAwait(cluster, ids, options) : restartNodes(cluster, ids, options),
      );
      return `${action.node} ${action.kind}ed (pid ${started?.pid})`;
    }
    case 'netsplit': {
      const words = ['netsplit', groupsOf(action.groups)];
      const { plan } = await changeFaults(
        cluster,
        (before, nodes) => withFault(before, parseFault(words, nodes)),
        options,
      );
      return `${plan.faults.at(-1)?.id}: ${words.join(' ')}`;
    }
    case 'heal': {
      let healed = 0;
      await changeFaults(
        cluster,
        (before) => {
          healed = before.faults.length;
          return withoutFaults(before, 'all');
        },
        { ...options, repair: true },
      );
      return healed === 0 ? 'no faults to heal' : `${plural(healed, 'fault')} healed`;
    }
  }
}
