import { randomInt } from 'node:crypto';
import type { RouteReport } from '../bench/route.js';
import { openClient } from '../client/open.js';
import { type TortureReport, torture } from '../cluster/chaos/torture.js';
import { lockCluster } from '../cluster/folder/lock.js';
import { findCluster } from '../cluster/folder/registry.js';
import { startCluster, startNodes } from '../cluster/lifecycle/start.js';
import { removeCluster, stopCluster } from '../cluster/lifecycle/stop.js';
import { killNode } from '../cluster/processes/nodes.js';
import { nodeOf } from '../core/map/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { MusterError } from '../errors.js';
import { clusterDir } from '../layout/paths.js';
import type { Paint } from '../render/terminal.js';
import { formatDuration } from '../text/duration.js';
import { plural } from '../text/format.js';
import { routeStory } from './demo-route.js';
import { type TransferStory, transferStory } from './demo-transfer.js';

export interface DemoOptions {
  readonly nodes: number;
  readonly clients: number;
  readonly durationMs: number;
  readonly seed: number | null;
  readonly keep: boolean;
  readonly signal: AbortSignal;
  readonly paint: Paint;
  readonly say: (text: string) => void;
  readonly progress: (text: string) => void;
}

export interface DemoReport extends TortureReport {
  readonly verdict: 'ok' | 'illegal';
  readonly cluster: string;
  readonly startMs: number;
  /** From the SIGKILL of a primary to the next acknowledged increment on its partition, in ms. */
  readonly failoverMs: number;
  /** A transfer whose coordinator was killed when all participants had prepared. */
  readonly transfer: TransferStory;
  /** A burst of requests to a handler, in the middle of which a node was killed. */
  readonly route: RouteReport;
}

const key = 'visits';

/** Demonstrates muster in half a minute, on real processes. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const name = `demo-${process.pid}`;
  const dir = clusterDir(name);
  const { say, paint, progress } = options;
  const step = (title: string): void => say(`\n${paint.bold(title)}\n`);
  const lock = await lockCluster(dir);
  let finished = false;
  let created = false;
  try {
    step(`1. Start ${options.nodes} nodes`);
    const begin = performance.now();
    const { cluster, status } = await startCluster(
      { name, nodes: options.nodes },
      { timeoutMs: 30_000, signal: options.signal, progress },
    );
    created = true;
    const startMs = Math.round(performance.now() - begin);
    say(
      `   ${options.nodes} node processes on ${status.nodes.map((node) => node.url?.split(':').at(-1)).join(', ')}; `,
    );
    say(`all ${status.partitions.total} partitions available after ${formatDuration(startMs)}.\n`);
    for (const node of status.nodes)
      say(
        `   ${node.id} ${'█'.repeat(node.primaries)} primary of ${node.primaries}, backup of ${node.backups}\n`,
      );

    step('2. Count, kill the primary, keep counting');
    const client = await openClient({ clusterDir: dir, timeoutMs: 20_000 });
    let failoverMs: number;
    let transfer: TransferStory;
    let route: RouteReport;
    try {
      const first = await client.counter.incr(key);
      const map = await client.map();
      const victim = nodeOf(map.partitions[partitionOf(hashKey(key), map.partitions.length)]?.primary ?? '');
      say(`   counter "${key}" is ${first}. Killing its primary ${victim} with SIGKILL.\n`);
      await killNode(cluster, victim);
      const killed = performance.now();
      const second = await client.counter.incr(key);
      failoverMs = Math.round(performance.now() - killed);
      say(
        `   counter "${key}" is ${second}, from a backup that took over: ${failoverMs} ms after the kill.\n`,
      );
      await startNodes(cluster, [victim], { kind: 'in-sync' }, { timeoutMs: 30_000, signal: options.signal });
      say(`   ${victim} restarted and is in sync again.\n`);

      step('3. Transfer money, kill the coordinator halfway');
      transfer = await transferStory(cluster, client, say, options.signal);

      step('4. Route requests, kill a node in the middle');
      route = await routeStory(cluster, client, say, options.signal);
    } finally {
      await client.close();
    }

    const seed = options.seed ?? randomInt(2 ** 31);
    step(
      `5. ${options.clients} clients count for ${formatDuration(options.durationMs)} while a primary is killed every second`,
    );
    const report = await torture(cluster, {
      durationMs: options.durationMs,
      clients: options.clients,
      counters: 8,
      killEveryMs: 1000,
      pauseMs: Math.round(Math.min(5000, options.durationMs / 3)),
      operationMs: 30_000,
      seed,
      signal: options.signal,
      told: (event) => (event === 'healing' ? progress('healing') : say(`   ${event}\n`)),
    });
    if (options.signal.aborted) throw new MusterError('interrupted', 'interrupted', { tookEffect: 'no' });

    step('6. The verdict');
    const whole = transfer.balances.alice + transfer.balances.bob === 100;
    const verdict = report.wrong.length === 0 && whole && route.failed === 0 ? 'ok' : 'illegal';
    say(
      `   ${report.attempted.toLocaleString('en')} increments sent, ${report.acknowledged.toLocaleString('en')} acknowledged, `,
    );
    say(`${report.unknown} with unknown outcome; counter total: ${report.counted.toLocaleString('en')}.\n`);
    say(
      `   ${plural(report.kills, 'kill')} and ${plural(report.pauses, 'pause')}; longest request ${formatDuration(report.longestMs)}; `,
    );
    say(`all replicas in sync again after ${formatDuration(report.healedMs)}.\n`);
    for (const wrong of report.wrong) say(`   ${paint.red(wrong)}\n`);
    say(
      verdict === 'ok'
        ? `   ${paint.green('No acknowledged increment was lost, and none counted twice.')}\n`
        : `   ${paint.red('Safety violation found')} (seed ${seed}).\n`,
    );
    finished = true;
    if (options.keep)
      say(`\nThe cluster keeps running: muster cluster status ${name} · muster cluster destroy ${name}\n`);
    return { verdict, cluster: name, startMs, failoverMs, transfer, route, ...report };
  } finally {
    if (created && !(options.keep && finished)) {
      await stopCluster(findCluster(name), 5000);
      removeCluster(dir);
    }
    await lock.release();
  }
}
