/**
 * From nothing to a cluster that serves, beside Redis Cluster and Moleculer, in turns:
 *   npx tsx benchmarks/start.ts [--rounds 5] [--idle 20] [--dir FOLDER] [--json]
 *
 * muster: `cluster start -n 5` as a whole process, which creates the cluster and ends when every partition serves.
 * Redis Cluster: 6 servers, `redis-cli --cluster create`, until all say `cluster_state:ok`.
 * Moleculer 0.14: 5 processes with the TCP transporter, until all see the service on all.
 * After `--idle` seconds, in the last round, the resident memory of each muster node. Exits 1 when a target is missed.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { peers } from './lib/deps.js';
import { startMoleculer } from './lib/echo.js';
import { finish, median, mib, ms, printTable, range, type Target } from './lib/figures.js';
import { Muster, type StatusInfo } from './lib/muster.js';
import { cpuMs, residentBytes } from './lib/processes.js';
import { startRedisCluster } from './lib/redis-cluster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    idle: { type: 'string', default: '20' },
    only: { type: 'string', default: 'muster,redis,moleculer' },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const NODES = 5;

interface Started {
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

async function main(): Promise<void> {
  const workspace = makeWorkspace(flags.dir);
  const muster = new Muster(workspace.dir);
  const starters: Record<string, (round: number) => Promise<Started>> = {
    async muster(round) {
      const name = `bench${round}`;
      const { nodes } = muster.ask<StatusInfo>('cluster', 'start', name, '-n', String(NODES));
      return { pids: nodes.map(({ pid }) => pid), stop: async () => muster.destroy(name) };
    },
    async redis(round) {
      const { nodes, stop } = await startRedisCluster(join(workspace.dir, `redis${round}`));
      return { pids: nodes.map(({ child }) => child.pid as number), stop };
    },
    // A namespace for each round, lest one hear of the last one's nodes.
    moleculer: (round) => startMoleculer(`bench-${process.pid}-${round}`, NODES),
  };
  const names = flags.only.split(',');
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  const idle: { resident: number; cpu: number }[] = [];
  if (names.includes('moleculer')) peers('moleculer');
  try {
    const last = Number(flags.rounds) - 1;
    for (let round = 0; round <= last; round++) {
      for (const name of names) {
        const begin = performance.now();
        const { pids, stop } = await starters[name]!(round);
        times.get(name)!.push(performance.now() - begin);
        try {
          if (name === 'muster' && round === last) {
            const seconds = Number(flags.idle);
            const before = pids.map(cpuMs);
            await sleep(seconds * 1000);
            const use = (pid: number, i: number): number => (cpuMs(pid) - before[i]!) / (seconds * 10);
            idle.push(...pids.map((pid, i) => ({ resident: residentBytes(pid), cpu: use(pid, i) })));
          }
        } finally {
          await stop();
        }
        console.error(`round ${round + 1}: ${name} ready in ${ms(times.get(name)!.at(-1)!)}`);
      }
    }
  } finally {
    workspace.remove();
  }
  const ready = (name: string): number => median(times.get(name) ?? [Number.NaN]);
  const largest = Math.max(...idle.map(({ resident }) => resident)) / 2 ** 20;
  const targets: Target[] = [
    { what: 'cluster start -n 5 until ready', is: ready('muster'), wanted: 1500, by: '≤', unit: ' ms' },
    { what: 'resident memory of the largest idle node', is: largest, wanted: 75, by: '≤', unit: ' MiB' },
  ];
  for (const name of names.filter((n) => n !== 'muster'))
    targets.push({
      what: `ready: muster / ${name}`,
      is: ready('muster') / ready(name),
      wanted: 1,
      by: '≤',
      unit: ' ×',
    });
  const figures = names.map((name) => ({ system: name, readyMs: ready(name), times: times.get(name)! }));
  finish({ figures, idle }, targets, flags.json, () => {
    printTable(
      ['', 'until ready', 'range'],
      figures.map((f) => [f.system, ms(f.readyMs), range(f.times, ms)]),
    );
    const resident = idle.map((node) => mib(node.resident)).join(', ');
    const cpu = idle.map((node) => `${node.cpu.toFixed(1)} %`).join(', ');
    console.log(`muster's nodes after ${flags.idle} s idle: ${resident}; processor ${cpu}`);
  });
}

await main();
