import type { CreateOptions } from '../cluster/folder/create.js';
import { withClusterLock } from '../cluster/folder/lock.js';
import { clusterExists, findCluster } from '../cluster/folder/registry.js';
import { logPositions, type RestartPolicy, supervise } from '../cluster/lifecycle/foreground.js';
import { startCluster } from '../cluster/lifecycle/start.js';
import { stopCluster } from '../cluster/lifecycle/stop.js';
import { clusterDir } from '../layout/paths.js';
import { formatLogLine } from '../render/log-line.js';
import { colorOf, type Paint } from '../render/terminal.js';
import { plural } from '../text/format.js';

export interface ForegroundOptions {
  readonly restart: RestartPolicy;
  readonly timeoutMs: number;
  /** Aborted by the first Ctrl-C, by SIGTERM, and when the terminal goes away. */
  readonly signal: AbortSignal;
  readonly paint: Paint;
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
}

const STOP_MS = 10_000;

/** `cluster start --foreground`: starts, prints all logs until it is told to stop or no node is left, then stops all nodes. */
export async function runForeground(
  create: CreateOptions,
  options: ForegroundOptions,
): Promise<{ cluster: string; ended: string }> {
  const dir = clusterDir(create.name);
  const { positions, started } = await withClusterLock(dir, 0, async () => {
    const positions = clusterExists(create.name)
      ? logPositions(findCluster(create.name))
      : new Map<string, number>();
    const { timeoutMs, signal } = options;
    return { positions, started: await startCluster(create, { timeoutMs, signal, tethered: true }) };
  });
  const { cluster } = started;
  options.note(
    `cluster ${create.name} started: ${plural(started.status.nodes.length, 'node')}. Press Ctrl-C to stop it.`,
  );
  const ids = cluster.file.nodes.map((n) => n.id);
  const width = Math.max(...ids.map((id) => id.length));
  const prefix = new Map(ids.map((id, i) => [id, colorOf(options.paint, i)(`${id.padEnd(width)} │`)]));
  try {
    await supervise(cluster, started.launched, positions, {
      restart: options.restart,
      signal: options.signal,
      line: ({ node, text }) => options.out(`${prefix.get(node)} ${formatLogLine(text, options.paint)}\n`),
      event: options.note,
    });
  } finally {
    // However the watch ended, no process of this cluster may stay behind.
    const stopped = await withClusterLock(dir, STOP_MS, () => stopCluster(cluster, STOP_MS));
    options.note(`cluster ${create.name} stopped: ${plural(stopped.length, 'node')}`);
  }
  return { cluster: create.name, ended: options.signal.aborted ? 'stopped' : 'no node left' };
}
