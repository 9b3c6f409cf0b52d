/**
 * A primary is lost: how long until the next write succeeds, for a client that knows only the old map?
 *   npx tsx benchmarks/failover.ts [--rounds 15] [--peers] [--dir FOLDER] [--json]
 *
 * killed: SIGKILL. The others' connections are refused, which proves on one machine that the process has ended.
 * stopped: SIGSTOP. Connections to it are still accepted, so only the grace helps, as between machines.
 * --peers: etcd (the leader killed) and Redis Cluster (a primary killed, node timeout 5 s) as well.
 * Exits 1 when a figure misses its target.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { defaultTimings } from '../src/limits.js';
import { etcdClient, isLeader, startEtcd } from './lib/etcd.js';
import { finish, median, ms, printTable, range, type Target } from './lib/figures.js';
import { Muster, type StatusInfo } from './lib/muster.js';
import { end, until } from './lib/processes.js';
import { ask, startRedisCluster } from './lib/redis-cluster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    peers: { type: 'boolean', default: false },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const KEY = 'hits';
/** Longer than the grace (src/limits.ts), in ms. */
const RESTED_MS = defaultTimings.graceMs + 500;

interface Located {
  readonly primary: string;
}

/** Times of `rounds` failovers of muster, in ms. */
async function measureMuster(muster: Muster, how: 'SIGKILL' | 'SIGSTOP', rounds: number): Promise<number[]> {
  const { connect } = await muster.library();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    muster.command('wait', '--for', 'in-sync', '--timeout', '60s', '-c', 'bench');
    const [{ primary }] = muster.ask<[Located]>('ring', 'locate', KEY, '-c', 'bench');
    const client = await connect({ cluster: 'bench', timeoutMs: 60_000 });
    try {
      const before = await client.counter.incr(KEY);
      const { pid } = await client.status(primary);
      // A node just started promises for the length of a grace not to take over: that is not the case measured. Then
      // at some moment between two beacons, not always the same.
      await sleep(RESTED_MS + Math.random() * 200);
      const begin = performance.now();
      process.kill(pid, how);
      const after = await client.counter.incr(KEY);
      times.push(performance.now() - begin);
      if (after !== before + 1) throw new Error(`${KEY} went from ${before} to ${after}`);
      if (how === 'SIGKILL') muster.command('node', 'start', primary, '-c', 'bench');
      else process.kill(pid, 'SIGCONT');
    } finally {
      await client.close();
    }
    console.error(`${how}, round ${round + 1}: ${ms(times.at(-1)!)}`);
  }
  return times;
}

/**
 * Tries every 20 ms without waiting for the tries before; resolves with the first that succeeds. One put after the
 * other would say more of etcd's request timeout (7 s, for a put that met no leader) than of its elections.
 */
function firstOf(attempt: () => Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      attempt().then(
        () => {
          clearInterval(timer);
          resolve();
        },
        () => {},
      );
    }, 20);
  });
}

async function measureEtcd(dir: string, rounds: number): Promise<number[]> {
  const { members, endpoints, stop } = await startEtcd(dir);
  const times: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { endpoint } of members) {
        const healthy = async (): Promise<true | null> => (await fetch(`${endpoint}/health`)).ok || null;
        await until(`${endpoint} healthy`, 15_000, healthy);
      }
      const leaders = await Promise.all(members.map(({ endpoint }) => isLeader(endpoint)));
      const leader = members[leaders.indexOf(true)]!;
      const client = etcdClient(endpoints);
      await client.put(KEY).value(round);
      await sleep(Math.random() * 100);
      const begin = performance.now();
      const gone = end(leader.child, 'SIGKILL');
      await firstOf(() => client.put(KEY).value(round));
      times.push(performance.now() - begin);
      await gone;
      client.close();
      leader.restart();
      console.error(`etcd, round ${round + 1}: ${ms(times.at(-1)!)}`);
    }
  } finally {
    await stop();
  }
  return times;
}

/** One failover each on a fresh cluster; the client asks the other nodes until one takes the write. */
async function measureRedis(dir: string, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { nodes, stop } = await startRedisCluster(join(dir, String(round)), [
      '--cluster-node-timeout',
      '5000',
    ]);
    try {
      const taken = await Promise.all(
        nodes.map(async ({ port }) => (await ask(port, 'SET', KEY, 'x')) === 'OK'),
      );
      const primary = nodes[taken.indexOf(true)]!;
      // Until a replica is linked, none can take over.
      await until('a linked replica', 30_000, async () =>
        String(await ask(primary.port, 'INFO', 'replication')).includes('state=online') ? true : null,
      );
      const others = nodes.filter((node) => node !== primary);
      const begin = performance.now();
      const gone = end(primary.child, 'SIGKILL');
      await until('a write', 60_000, async () => {
        const answers = await Promise.all(others.map(({ port }) => ask(port, 'SET', KEY, 'y')));
        return answers.includes('OK') || null;
      });
      times.push(performance.now() - begin);
      await gone;
      console.error(`Redis Cluster, round ${round + 1}: ${ms(times.at(-1)!)}`);
    } finally {
      await stop();
    }
  }
  return times;
}

async function main(): Promise<void> {
  const workspace = makeWorkspace(flags.dir);
  const muster = new Muster(workspace.dir);
  const rounds = Number(flags.rounds);
  const times: { name: string; times: number[] }[] = [];
  try {
    muster.ask<StatusInfo>('cluster', 'start', 'bench', '-n', '5');
    times.push({ name: 'muster, primary killed', times: await measureMuster(muster, 'SIGKILL', rounds) });
    times.push({ name: 'muster, primary stopped', times: await measureMuster(muster, 'SIGSTOP', rounds) });
    if (flags.peers) {
      const fewer = Math.min(rounds, 5);
      times.push({
        name: 'etcd, leader killed',
        times: await measureEtcd(join(workspace.dir, 'etcd'), fewer),
      });
      times.push({
        name: 'Redis Cluster, primary killed',
        times: await measureRedis(join(workspace.dir, 'redis'), fewer),
      });
    }
  } finally {
    muster.destroy('bench');
    workspace.remove();
  }
  const figures = times.map((of) => ({ ...of, ms: median(of.times) }));
  const targets: Target[] = [
    { what: 'killed, median', is: figures[0]!.ms, wanted: 150, by: '≤', unit: ' ms' },
    { what: 'stopped (the grace alone), median', is: figures[1]!.ms, wanted: 2500, by: '≤', unit: ' ms' },
  ];
  finish({ figures }, targets, flags.json, () =>
    printTable(
      ['to the next successful write', 'median', 'range'],
      figures.map((f) => [f.name, ms(f.ms), range(f.times, ms)]),
    ),
  );
}

await main();
