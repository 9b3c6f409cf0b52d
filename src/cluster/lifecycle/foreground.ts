import { statSync } from 'node:fs';
import { nodeLogFile } from '../../layout/paths.js';
import { pause } from '../../util/pause.js';
import { withClusterLock } from '../folder/lock.js';
import type { LocalCluster } from '../folder/registry.js';
import { followLogs, type LogLine, LogTail } from '../observe/logs.js';
import type { NodeEntry } from '../processes/entry.js';
import { isAlive } from '../processes/identity.js';
import { type Launched, launchNode } from '../processes/launch.js';
import { readProcessFile } from '../processes/roster.js';

export type RestartPolicy = 'on-failure' | 'never';

export interface SuperviseOptions {
  readonly restart: RestartPolicy;
  /** Ends the supervision (not the nodes). */
  readonly signal: AbortSignal;
  readonly line: (line: LogLine) => void;
  /** Told what happened to a node. */
  readonly event: (text: string) => void;
  readonly entry?: NodeEntry;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
/** A node that ran this long before it failed starts again without delay. */
const HEALTHY_MS = 10_000;

const sizeOf = (path: string): number => {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
};

/** Where the logs stand now, so that following begins with what comes next. */
export const logPositions = (cluster: LocalCluster): ReadonlyMap<string, number> =>
  new Map(cluster.file.nodes.map(({ id }) => [id, sizeOf(nodeLogFile(cluster.dir, id))]));

/** Supervises one node: restarts it after an exit, as the policy says, until it was asked to stop. */
async function watchOver(cluster: LocalCluster, first: Launched, options: SuperviseOptions): Promise<void> {
  const aborted = new Promise<null>((resolve) => {
    if (options.signal.aborted) resolve(null);
    else options.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  let node = first;
  let backoff = 0;
  for (;;) {
    const since = performance.now();
    if ((await Promise.race([node.ended, aborted])) === null) return;
    const how = node.child.signalCode ?? `exit code ${node.child.exitCode}`;
    const asked = readProcessFile(cluster.dir, node.id)?.wanted === 'down';
    if (node.child.exitCode === 0 || asked || options.restart === 'never') {
      options.event(`${node.id} exited (${how})`);
      return;
    }
    backoff =
      performance.now() - since > HEALTHY_MS
        ? 0
        : Math.min(LONGEST_BACKOFF_MS, backoff * 2 || FIRST_BACKOFF_MS);
    options.event(`${node.id} exited (${how}), restarting${backoff > 0 ? ` in ${backoff} ms` : ''}`);
    await pause(backoff, options.signal);
    if (options.signal.aborted) return;
    const next = await withClusterLock(cluster.dir, 10_000, async () => {
      const last = readProcessFile(cluster.dir, node.id);
      // Someone else started it meanwhile (`muster node start`), or asked for its end.
      if (last && (isAlive(last) || last.wanted === 'down')) return null;
      const entry = options.entry ? { entry: options.entry } : {};
      return launchNode(cluster.dir, cluster.file, node.id, { tethered: true, ...entry });
    });
    if (!next) return;
    node = next;
  }
}

/**
 * Stays with the nodes this process launched: streams every log from `positions` on, starts failed nodes again
 * by the policy with growing pauses. Resolves when no node is left to watch, or on the signal.
 */
export async function supervise(
  cluster: LocalCluster,
  launched: readonly Launched[],
  positions: ReadonlyMap<string, number>,
  options: SuperviseOptions,
): Promise<void> {
  const logs = cluster.file.nodes.map(({ id }) => ({
    node: id,
    tail: new LogTail(nodeLogFile(cluster.dir, id), positions.get(id) ?? 0),
  }));
  const over = new AbortController();
  const following = followLogs(logs, options.line, over.signal);
  try {
    await Promise.all(launched.map((node) => watchOver(cluster, node, options)));
  } finally {
    over.abort();
    await following;
  }
}
