import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { nodeOf } from '../../core/map/types.js';
import { Random } from '../../core/random.js';
import { hashKey, partitionOf } from '../../core/ring/hash.js';
import { MusterError } from '../../errors.js';
import { pause } from '../../util/pause.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { waitFor } from '../observe/wait.js';
import type { NodeEntry } from '../processes/entry.js';
import { signal } from '../processes/identity.js';
import { launchNode } from '../processes/launch.js';
import { killNode, liveProcess, pauseNode } from '../processes/nodes.js';

export interface TortureOptions {
  /** How long faults and load go on, in ms. */
  readonly durationMs: number;
  /** Concurrent clients, each with connections and sessions of its own. */
  readonly clients: number;
  readonly counters: number;
  /** A primary is killed (SIGKILL) this often, in ms, and started again before the next. */
  readonly killEveryMs: number;
  /** One pause (SIGSTOP) of this length, in ms, in the middle; 0: none. */
  readonly pauseMs: number;
  /** How long one operation is tried, in ms. */
  readonly operationMs: number;
  readonly seed: number;
  /** The program of a node that is started again; the one that belongs to this code when left out. */
  readonly entry?: NodeEntry;
  readonly signal?: AbortSignal;
  readonly told?: (event: string) => void;
}

export interface TortureReport {
  readonly seed: number;
  readonly attempted: number;
  readonly acknowledged: number;
  /** Their outcome is open: they may or may not have been counted. */
  readonly unknown: number;
  /** Certainly not done. */
  readonly failed: number;
  /** Sum of all counters at the end. */
  readonly counted: number;
  readonly kills: number;
  readonly pauses: number;
  /** From the end of the load until every partition was fully in sync again, in ms. */
  readonly healedMs: number;
  /** The longest time a client waited for one acknowledged increment, in ms. */
  readonly longestMs: number;
  /** What is wrong; empty: nothing. */
  readonly wrong: readonly string[];
}

interface Tally {
  attempted: number;
  acknowledged: number;
  unknown: number;
  failed: number;
  longestMs: number;
  /** Every acknowledged value, by counter: none may come twice. */
  readonly seen: Map<string, Set<number>>;
  /** By client: what its own key must hold, and what it may hold beside that. */
  readonly kept: Map<string, { sure: string | null; maybe: Set<string> }>;
  readonly wrong: string[];
}

const counterName = (i: number): string => `torture-counter-${i}`;

/**
 * The main promise on real processes: many clients count while primaries are killed and started again; afterwards
 * every acknowledged increment is there once, every acknowledged value is readable, and the cluster has healed by
 * itself. Leaves every node running. Rejects with `timeout` when it does not heal.
 */
export async function torture(cluster: LocalCluster, options: TortureOptions): Promise<TortureReport> {
  const tally: Tally = {
    attempted: 0,
    acknowledged: 0,
    unknown: 0,
    failed: 0,
    longestMs: 0,
    seen: new Map(),
    kept: new Map(),
    wrong: [],
  };
  const end = performance.now() + options.durationMs;
  const running = (): boolean => performance.now() < end && options.signal?.aborted !== true;
  const clients = await Promise.all(
    Array.from({ length: options.clients }, () =>
      openClient({ clusterDir: cluster.dir, timeoutMs: options.operationMs }),
    ),
  );
  const observer = await openClient({ clusterDir: cluster.dir, timeoutMs: options.operationMs });
  try {
    const before = await sumOf(observer, options.counters);
    const work = clients.map((client, i) => load(client, i, options, running, tally));
    const faults = strike(cluster, observer, options, running);
    await Promise.all(work);
    const { kills, pauses } = await faults;
    const healing = performance.now();
    options.told?.('healing');
    await waitFor(cluster, observer, { kind: 'in-sync' }, { timeoutMs: 60_000 });
    const healedMs = Math.round(performance.now() - healing);
    const counted = (await sumOf(observer, options.counters)) - before;
    await judge(observer, tally, counted);
    const { seen: _, kept: __, wrong, longestMs, ...sums } = tally;
    return {
      seed: options.seed,
      ...sums,
      counted,
      kills,
      pauses,
      healedMs,
      longestMs: Math.round(longestMs),
      wrong,
    };
  } finally {
    await Promise.all([...clients, observer].map((client) => client.close()));
  }
}

async function sumOf(client: MusterClient, counters: number): Promise<number> {
  const values = await Promise.all(
    Array.from({ length: counters }, (_, i) => client.counter.get(counterName(i))),
  );
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** One client: mostly increments, now and then a value under a key of its own. */
async function load(
  client: MusterClient,
  index: number,
  options: TortureOptions,
  running: () => boolean,
  tally: Tally,
): Promise<void> {
  const random = new Random(options.seed + index + 1);
  const key = `torture-client-${index}`;
  const kept = { sure: null as string | null, maybe: new Set<string>() };
  tally.kept.set(key, kept);
  for (let round = 1; running(); round++) {
    if (random.chance(0.1)) {
      const value = `${options.seed}.${index}.${round}`;
      const outcome = await attempt(() => client.kv.put(key, value), tally);
      if (outcome.type === 'ok') {
        kept.sure = value;
        kept.maybe.clear();
      } else if (outcome.type === 'unknown') kept.maybe.add(value);
      continue;
    }
    const name = counterName(random.below(options.counters));
    tally.attempted++;
    const begin = performance.now();
    const outcome = await attempt(() => client.counter.incr(name), tally);
    if (outcome.type === 'unknown') tally.unknown++;
    else if (outcome.type === 'failed') tally.failed++;
    else {
      tally.acknowledged++;
      tally.longestMs = Math.max(tally.longestMs, performance.now() - begin);
      const seen = tally.seen.get(name) ?? new Set();
      tally.seen.set(name, seen);
      if (seen.has(outcome.value)) tally.wrong.push(`${name}: two increments returned ${outcome.value}`);
      seen.add(outcome.value);
    }
  }
}

async function attempt<T>(
  run: () => Promise<T>,
  tally: Tally,
): Promise<{ type: 'ok'; value: T } | { type: 'unknown' } | { type: 'failed' }> {
  try {
    return { type: 'ok', value: await run() };
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    if (error.tookEffect === 'unknown') return { type: 'unknown' };
    if (error.code === 'internal') tally.wrong.push(error.message);
    return { type: 'failed' };
  }
}

/** Kills the primary of a counter, starts it again, and so on; never two at once, but for the one that is paused. */
async function strike(
  cluster: LocalCluster,
  observer: MusterClient,
  options: TortureOptions,
  running: () => boolean,
): Promise<{ kills: number; pauses: number }> {
  const { entry } = options;
  const random = new Random(options.seed);
  const pauseAt = performance.now() + options.durationMs * 0.4;
  let kills = 0;
  let pauses = 0;
  let paused: { id: string; until: number } | null = null;
  let down: string | null = null;
  const restart = (): void => {
    if (down !== null) launchNode(cluster.dir, cluster.file, down, entry ? { entry } : {});
    down = null;
  };
  const goOn = (): void => {
    if (paused !== null) signal(liveProcess(cluster, paused.id), 'SIGCONT');
    paused = null;
  };
  try {
    while (running()) {
      const victim = await primaryOf(observer, counterName(random.below(options.counters)));
      if (paused !== null && performance.now() >= (paused as { until: number }).until) goOn();
      const alive = freshRoster(cluster).find((row) => row.id === victim)?.state === 'running';
      if (alive && options.pauseMs > 0 && pauses === 0 && performance.now() >= pauseAt) {
        options.told?.(`SIGSTOP ${victim} for ${options.pauseMs} ms`);
        pauseNode(cluster, victim);
        paused = { id: victim, until: performance.now() + options.pauseMs };
        pauses++;
      } else if (alive) {
        options.told?.(`SIGKILL ${victim}`);
        await killNode(cluster, victim);
        down = victim;
        kills++;
      }
      await pause(options.killEveryMs / 2, options.signal);
      restart();
      await pause(options.killEveryMs / 2, options.signal);
    }
    // A pause is as long as was said, also when the load ends before.
    if (paused !== null) await pause((paused as { until: number }).until - performance.now(), options.signal);
  } finally {
    goOn();
    restart();
  }
  return { kills, pauses };
}

async function primaryOf(client: MusterClient, key: string): Promise<string> {
  const map = await client.map();
  const config = map.partitions[partitionOf(hashKey(key), map.partitions.length)];
  return nodeOf(config?.primary ?? '');
}

async function judge(client: MusterClient, tally: Tally, counted: number): Promise<void> {
  const { acknowledged, unknown, wrong } = tally;
  if (counted < acknowledged) wrong.push(`${acknowledged - counted} acknowledged increments lost`);
  if (counted > acknowledged + unknown)
    wrong.push(`${counted - acknowledged - unknown} more increments counted than sent`);
  for (const [key, { sure, maybe }] of tally.kept) {
    const found = (await client.kv.get(key))?.value ?? null;
    if (found !== sure && !(found !== null && maybe.has(found)))
      wrong.push(`${key}: expected ${sure} (acknowledged), got ${found}`);
  }
}
