import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import type { ClusterMap } from '../../core/map/types.js';
import { Random } from '../../core/random.js';
import { MusterError } from '../../errors.js';
import { pause } from '../../util/pause.js';
import { withClusterLock } from '../folder/lock.js';
import { findCluster, type LocalCluster } from '../folder/registry.js';
import { scaleCluster } from '../lifecycle/scale.js';
import { waitFor } from '../observe/wait.js';
import { progressOf } from '../placement/placing.js';
import type { NodeEntry } from '../processes/entry.js';
import { startAndAwait } from '../processes/node-start.js';
import { killNode } from '../processes/nodes.js';

export interface MovingOptions {
  /** Values put before, each read back at the end. */
  readonly keys: number;
  readonly counters: number;
  /** Callers, each reading and counting one call at a time. */
  readonly callers: number;
  /** How long latency is measured at rest, before the first move and after each, in ms. */
  readonly restMs: number;
  /** The sizes that the cluster is scaled to, one after the other. */
  readonly sizes: readonly number[];
  /** A node is killed in the middle of each move, and started again. */
  readonly kill: boolean;
  /** How long one call, and one move, may take, in ms. */
  readonly callMs: number;
  readonly moveMs: number;
  readonly seed: number;
  /** The program of nodes to be added; the one that belongs to this code when left out. */
  readonly entry?: NodeEntry;
  readonly told?: (event: string) => void;
}

export interface Latency {
  readonly calls: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

export interface PhaseReport extends Latency {
  readonly to: number;
  /** At the new size, once everything is in place: as many processes share the machine as during the move. */
  readonly restAfter: Latency;
  readonly ms: number;
  readonly killed: string | null;
  readonly copies: number;
  readonly least: number;
  /** Keys and values, in characters: planned, and sent for what is done. */
  readonly planned: number;
  readonly sent: number;
}

export interface MovingReport {
  readonly rest: Latency;
  readonly phases: readonly PhaseReport[];
  readonly acknowledged: number;
  readonly unknown: number;
  readonly failed: number;
  readonly counted: number;
  /** What is wrong; empty: nothing. */
  readonly wrong: readonly string[];
}

const keyOf = (i: number): string => `moving/${i}`;
const counterOf = (i: number): string => `moving-counter-${i}`;
const textOf = (i: number): string => `${i}`.padStart(64, '.');

interface Tally {
  samples: number[];
  acknowledged: number;
  unknown: number;
  failed: number;
  readonly wrong: string[];
}

/**
 * Promise 6 on real processes: the cluster is scaled while callers read and count, and a node dies in the middle of each
 * move. Afterwards every key and every acknowledged increment is there. Leaves the cluster at the last size.
 */
export async function moveUnderLoad(cluster: LocalCluster, options: MovingOptions): Promise<MovingReport> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: options.callMs });
  const tally: Tally = { samples: [], acknowledged: 0, unknown: 0, failed: 0, wrong: [] };
  const random = new Random(options.seed);
  let running = true;
  try {
    options.told?.(`writing ${options.keys} keys`);
    await inParallel(options.keys, 256, (i) => client.kv.put(keyOf(i), textOf(i)));
    const work = Array.from({ length: options.callers }, () =>
      call(client, options, random.fork(), () => running, tally),
    );
    const measure = async <T>(work: Promise<T>): Promise<[T, Latency]> => {
      tally.samples = [];
      const result = await work;
      return [result, latencyOf(tally.samples)];
    };
    options.told?.('measuring the baseline');
    await pause(options.restMs / 4);
    const [, rest] = await measure(pause(options.restMs));
    const phases: PhaseReport[] = [];
    for (const to of options.sizes) {
      options.told?.(`scaling to ${to} nodes`);
      const begin = performance.now();
      const [{ map, killed }, latency] = await measure(scale(cluster, client, to, options, random));
      const copies = map.placement?.copies ?? [];
      const ms = Math.round(performance.now() - begin);
      await pause(options.restMs / 4);
      const [, restAfter] = await measure(pause(options.restMs));
      const of = (size: (c: (typeof copies)[number]) => number | null): number =>
        copies.reduce((sum, c) => sum + (size(c) ?? 0), 0);
      phases.push({
        to,
        restAfter,
        ms,
        killed,
        copies: copies.length,
        least: map.placement?.least ?? 0,
        planned: of((c) => c.planned),
        sent: of((c) => c.sent),
        ...latency,
      });
    }
    running = false;
    await Promise.all(work);
    options.told?.('reading all keys back');
    const counted = await judge(client, options, tally);
    const { acknowledged, unknown, failed, wrong } = tally;
    return { rest, phases, acknowledged, unknown, failed, counted, wrong };
  } finally {
    running = false;
    await client.close();
  }
}

async function inParallel(
  count: number,
  width: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

async function call(
  client: MusterClient,
  { keys, counters }: MovingOptions,
  random: Random,
  running: () => boolean,
  tally: Tally,
): Promise<void> {
  while (running()) {
    const begin = performance.now();
    try {
      if (random.chance(0.5)) {
        const i = random.below(keys);
        const found = await client.kv.get(keyOf(i));
        if (found?.value !== textOf(i))
          tally.wrong.push(`${keyOf(i)}: expected ${textOf(i)}, got ${found?.value ?? 'nothing'}`);
      } else {
        await client.counter.incr(counterOf(random.below(counters)));
        tally.acknowledged++;
      }
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      if (error.tookEffect === 'unknown') tally.unknown++;
      else tally.failed++;
    }
    tally.samples.push(performance.now() - begin);
  }
}

function latencyOf(samples: readonly number[]): Latency {
  const sorted = Float64Array.from(samples).sort();
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), longest: at(1) };
}

async function scale(
  cluster: LocalCluster,
  client: MusterClient,
  to: number,
  options: MovingOptions,
  random: Random,
): Promise<{ map: ClusterMap; killed: string | null }> {
  const { moveMs, kill, entry } = options;
  const before = (await client.map()).placement?.id ?? null;
  let killed: string | null = null;
  const { map } = await scaleCluster(cluster, to, {
    timeoutMs: moveMs,
    ...(entry === undefined ? {} : { entry }),
    wait: true,
    settle: async (now) => {
      if (kill) killed = await killHalfWay(now, client, before, random, options);
      await waitFor(now, client, { kind: 'rebalanced' }, { timeoutMs: moveMs });
      return client.map();
    },
  });
  return { map, killed };
}

/** Kills a node that stays when a third of the copies are made; starts it again a second later. */
async function killHalfWay(
  cluster: LocalCluster,
  client: MusterClient,
  before: string | null,
  random: Random,
  { moveMs, entry }: MovingOptions,
): Promise<string> {
  const start = { timeoutMs: moveMs, ...(entry === undefined ? {} : { entry }) };
  const end = performance.now() + moveMs;
  for (;;) {
    const map = await client.map();
    const { copied, copies } = progressOf(map);
    if (map.placement !== null && map.placement.id !== before && copied * 3 >= copies) {
      const local = new Set(cluster.file.nodes.map((n) => n.id));
      const staying = Object.values(map.members).filter((m) => m.state === 'active' && local.has(m.id));
      const { id } = random.pick(staying);
      await killNode(cluster, id);
      await pause(1000);
      await withClusterLock(cluster.dir, moveMs, () =>
        startAndAwait(findCluster(cluster.file.name), [id], start),
      );
      return id;
    }
    if (performance.now() > end)
      throw new MusterError('timeout', 'timed out waiting for a third of the copies');
    await pause(10);
  }
}

async function judge(client: MusterClient, options: MovingOptions, tally: Tally): Promise<number> {
  let counted = 0;
  for (let i = 0; i < options.counters; i++) counted += (await client.counter.get(counterOf(i))) as number;
  const { acknowledged, unknown, wrong } = tally;
  if (counted < acknowledged || counted > acknowledged + unknown)
    wrong.push(`sum of all counters: expected ${acknowledged} to ${acknowledged + unknown}, got ${counted}`);
  await inParallel(options.keys, 256, async (i) => {
    const found = await client.kv.get(keyOf(i));
    if (found?.value !== textOf(i))
      wrong.push(`${keyOf(i)} after the last move: expected ${textOf(i)}, got ${found?.value ?? 'nothing'}`);
  });
  return counted;
}
