/**
 * Durable increments of muster, etcd and Redis, in one run and in turns:
 *   npx tsx benchmarks/counters.ts [--seconds 10] [--rounds 5] [--only muster,etcd,redis] [--dir FOLDER] [--json]
 *     --against FOLDER: other sources of muster, as one more system (`other`): is a change worth it?
 *
 * muster: 3 nodes, 3 replicas, every acknowledged increment synced on three disks; its library, one client.
 * etcd 3.4: 3 members; npm `etcd3`, read then compare-and-swap (synced on two of three).
 * Redis 7: primary + replica, both `appendfsync always`; INCR and WAIT 1 in one piece on a connection for each
 * caller (synced on the primary, received by the replica), a bare-bones client.
 * All on one disk and one machine, each with one client process. Exits 1 when a figure misses its target.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Caller } from './lib/call.js';
import type { CallerTask } from './lib/caller.js';
import { startEtcd } from './lib/etcd.js';
import { count, finish, median, ms, printTable, range, type Target } from './lib/figures.js';
import { Muster, type StatusInfo } from './lib/muster.js';
import { cpuMs, writeCalls } from './lib/processes.js';
import { startRedisPair } from './lib/redis.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'muster,etcd,redis' },
    against: { type: 'string' },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const cases = [
  { name: '64 callers, a counter each', callers: 64, keys: 'distinct' },
  { name: '64 callers, one counter', callers: 64, keys: 'one' },
  { name: '1 caller', callers: 1, keys: 'distinct' },
] as const;

interface System {
  readonly name: string;
  readonly caller: Caller;
  readonly servers: readonly number[];
  stop(): Promise<void>;
}

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
  /** Processor time of servers and of the client for each increment, in µs. */
  readonly serverMicros: number;
  readonly clientMicros: number;
  /** Writing calls to the system (sockets and files) of all servers for each increment. */
  readonly serverWrites: number;
}

async function startMuster(name: string, muster: Muster): Promise<System> {
  const { nodes } = muster.ask<StatusInfo>('cluster', 'start', 'bench', '-n', '3');
  const library = join(muster.dir, 'dist/src/index.js');
  const caller = await Caller.start({ system: 'muster', library, cluster: 'bench' }, muster.env);
  return { name, caller, servers: nodes.map(({ pid }) => pid), stop: async () => muster.destroy('bench') };
}

const starters: Record<string, (dir: string) => Promise<System>> = {
  muster: (dir) => startMuster('muster', new Muster(dir)),
  other: (dir) => startMuster('other', new Muster(dir, flags.against, 'other')),
  async etcd(dir) {
    const { members, endpoints, stop } = await startEtcd(join(dir, 'etcd'));
    const caller = await Caller.start({ system: 'etcd', endpoints });
    return { name: 'etcd', caller, servers: members.map(({ child }) => child.pid as number), stop };
  },
  async redis(dir) {
    const { port, pids, stop } = await startRedisPair(join(dir, 'redis'));
    const caller = await Caller.start({ system: 'redis', port });
    return { name: 'redis', caller, servers: pids, stop };
  },
};

async function measure(system: System, task: CallerTask): Promise<Round> {
  const used = (): number[] => [
    system.servers.reduce((sum, pid) => sum + cpuMs(pid), 0),
    cpuMs(system.caller.pid),
    system.servers.reduce((sum, pid) => sum + writeCalls(pid), 0),
  ];
  const before = used();
  const figures = await system.caller.measure(task);
  const after = used();
  // The processor was used in the warm-up too, at about the same rate.
  const increments = (figures.perSecond * (task.forMs + task.warmUpMs)) / 1000;
  const [serverMs, clientMs, writes] = after.map((value, i) => (value - before[i]!) / increments);
  const { latencyMs } = figures.operations[0]!;
  return {
    perSecond: figures.perSecond,
    p50: latencyMs?.p50 ?? Number.NaN,
    p99: latencyMs?.p99 ?? Number.NaN,
    errors: Object.values(figures.errors).reduce((a, b) => a + b, 0),
    serverMicros: serverMs! * 1000,
    clientMicros: clientMs! * 1000,
    serverWrites: writes!,
  };
}

async function main(): Promise<void> {
  const workspace = makeWorkspace(flags.dir);
  const systems: System[] = [];
  const rounds = new Map<string, Round[]>();
  const of = (at: { name: string }, system: string): Round[] => rounds.get(`${at.name}/${system}`) ?? [];
  try {
    for (const name of [...flags.only.split(','), ...(flags.against === undefined ? [] : ['other'])]) {
      const starter = starters[name];
      if (starter === undefined) throw new Error(`--only takes muster, etcd and redis, not ${name}`);
      systems.push(await starter(workspace.dir));
    }
    for (const at of cases) {
      for (let round = 0; round < Number(flags.rounds); round++) {
        for (let k = 0; k < systems.length; k++) {
          const system = systems[(round + k) % systems.length]!;
          const task = {
            callers: at.callers,
            keys: at.keys,
            forMs: Number(flags.seconds) * 1000,
            warmUpMs: 1000,
          };
          const figures = await measure(system, task);
          rounds.set(`${at.name}/${system.name}`, [...of(at, system.name), figures]);
          console.error(`${at.name}, round ${round + 1}: ${system.name} ${count(figures.perSecond)}/s`);
        }
      }
    }
  } finally {
    for (const { caller, stop } of systems) {
      await caller.close();
      await stop();
    }
    workspace.remove();
  }

  const rate = (at: { name: string }, system: string): number =>
    of(at, system).length === 0 ? Number.NaN : median(of(at, system).map((r) => r.perSecond));
  const ratio = (i: number, peer: string): number => rate(cases[i]!, 'muster') / rate(cases[i]!, peer);
  const [distinct, hot, single] = cases;
  const targets: Target[] = [
    {
      what: `${distinct.name}: muster / etcd`,
      is: ratio(0, 'etcd'),
      wanted: 5,
      by: '≥' as const,
      unit: ' ×',
    },
    {
      what: `${distinct.name}: muster / redis`,
      is: ratio(0, 'redis'),
      wanted: 0.5,
      by: '≥' as const,
      unit: ' ×',
    },
    { what: `${hot.name}: muster / etcd`, is: ratio(1, 'etcd'), wanted: 200, by: '≥' as const, unit: ' ×' },
    {
      what: `${single.name}: muster / etcd`,
      is: ratio(2, 'etcd'),
      wanted: 1.5,
      by: '≥' as const,
      unit: ' ×',
    },
  ].filter(({ is }) => !Number.isNaN(is));
  const figures = cases.flatMap((at) =>
    systems.map(({ name }) => ({
      case: at.name,
      system: name,
      perSecond: rate(at, name),
      rounds: of(at, name),
    })),
  );
  finish({ seconds: Number(flags.seconds), figures }, targets, flags.json, () => {
    const head = [
      '',
      'increments/s',
      'range',
      'p50',
      'p99',
      'errors',
      'CPU µs each: servers + client',
      'write calls each',
      '× of muster',
    ];
    const rows = figures.map(({ case: at, system, perSecond, rounds: all }) => {
      const mid = (pick: (round: Round) => number): number => median(all.map(pick));
      return [
        `${at}: ${system}`,
        count(perSecond),
        range(
          all.map((r) => r.perSecond),
          count,
        ),
        ms(mid((r) => r.p50)),
        ms(mid((r) => r.p99)),
        count(all.reduce((sum, r) => sum + r.errors, 0)),
        `${count(mid((r) => r.serverMicros))} + ${count(mid((r) => r.clientMicros))}`,
        mid((r) => r.serverWrites).toFixed(2),
        (perSecond / rate({ name: at }, 'muster')).toPrecision(2),
      ];
    });
    printTable(head, rows);
  });
}

await main();
