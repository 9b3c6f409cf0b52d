/**
 * Transfers over two partitions beside PostgreSQL's two-phase commit, and locks beside etcd and Redis, in turns:
 *   npx tsx benchmarks/transactions.ts [--seconds 10] [--rounds 5] [--only transfers,locks] [--dir FOLDER] [--json]
 *
 * muster: 3 nodes, 3 replicas, everything acknowledged synced on three disks; its library, one client process.
 * PostgreSQL 15: two servers, each alone (no replica), synced; npm `pg`, a connection to each for every caller;
 * PREPARE TRANSACTION on both, the decision synced to the coordinator's file (concurrent ones share a sync), COMMIT
 * PREPARED on both. Over the loopback, and once more over Unix sockets, which muster's own use where there are such
 * (decision 0030). 100 accounts, two of them at random on different sides; the sum is checked at the end.
 * etcd 3.4: 3 members, npm `etcd3`'s own lock. Redis 7: one server, synced, SET NX PX and a compare-and-delete.
 * All on one disk and one machine. A round of each before the first is not counted: who compiles while running, as Node does, is then as
 * fast as after an hour. Exits 1 when a figure misses its target.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Caller } from './lib/call.js';
import type { Work } from './lib/caller.js';
import { startEtcd } from './lib/etcd.js';
import { count, finish, median, ms, printTable, range, type Target } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { startPostgres } from './lib/postgres.js';
import { startRedisAlone } from './lib/redis.js';
import { musterSum, postgresSum, preparePostgres } from './lib/transfers.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'transfers,locks' },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

interface System {
  readonly name: string;
  readonly caller: Caller;
  /** Of all accounts; nothing when it does no transfers. */
  readonly sum?: () => Promise<number>;
  stop(): Promise<void>;
}

interface Case {
  readonly name: string;
  readonly work: Work;
  readonly callers: number;
}

interface Stage {
  readonly cases: readonly Case[];
  readonly systems: readonly ((dir: string) => Promise<System>)[];
}

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Tries beyond the first for each transfer. */
  readonly again: number;
}

async function muster(dir: string): Promise<System> {
  const built = new Muster(dir);
  built.command('cluster', 'start', 'bench', '-n', '3');
  const library = join(built.dir, 'dist/src/index.js');
  const caller = await Caller.start({ system: 'muster', library, cluster: 'bench' }, built.env);
  const sum = async (): Promise<number> => {
    const { connect } = await built.library();
    const client = await connect({ cluster: 'bench' });
    return musterSum(client).finally(() => client.close());
  };
  return { name: 'muster', caller, sum, stop: async () => built.destroy('bench') };
}

const postgres =
  (over: 'tcp' | 'unix') =>
  async (dir: string): Promise<System> => {
    const { servers, stop } = await startPostgres(join(dir, `postgres-${over}`), 2, over);
    await preparePostgres(servers);
    const journal = join(dir, `decisions-${over}`);
    const caller = await Caller.start({ system: 'postgres', servers, journal });
    return { name: `postgres, ${over}`, caller, sum: () => postgresSum(servers), stop };
  };

async function etcd(dir: string): Promise<System> {
  const { endpoints, stop } = await startEtcd(join(dir, 'etcd'));
  return { name: 'etcd', caller: await Caller.start({ system: 'etcd', endpoints }), stop };
}

async function redis(dir: string): Promise<System> {
  const { port, stop } = await startRedisAlone(join(dir, 'redis'));
  return { name: 'redis', caller: await Caller.start({ system: 'redis', port }), stop };
}

const stages: Record<string, Stage> = {
  transfers: {
    cases: [
      { name: '32 transfers at once', work: 'transfer', callers: 32 },
      { name: '1 transfer at once', work: 'transfer', callers: 1 },
    ],
    systems: [muster, postgres('tcp'), postgres('unix')],
  },
  locks: {
    cases: [
      { name: '64 locks at once', work: 'lock', callers: 64 },
      { name: '1 lock', work: 'lock', callers: 1 },
    ],
    systems: [muster, etcd, redis],
  },
};

interface Row {
  readonly case: string;
  readonly system: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly rounds: readonly Round[];
}

async function measure(system: System, at: Case): Promise<Round> {
  const forMs = Number(flags.seconds) * 1000;
  const task = { work: at.work, callers: at.callers, keys: 'distinct', forMs, warmUpMs: 1000 } as const;
  const figures = await system.caller.measure(task);
  const { latencyMs } = figures.operations[0]!;
  return {
    perSecond: figures.perSecond,
    p50: latencyMs?.p50 ?? Number.NaN,
    p99: latencyMs?.p99 ?? Number.NaN,
    errors: figures.errors,
    again: figures.again / ((figures.perSecond * (task.forMs + task.warmUpMs)) / 1000),
  };
}

/** One stage: its systems are started in a folder of their own, measured in turns, and gone afterwards. */
async function perform({ cases, systems: starters }: Stage): Promise<Row[]> {
  const workspace = makeWorkspace(flags.dir);
  const systems: System[] = [];
  const rows: Row[] = [];
  try {
    for (const start of starters) systems.push(await start(workspace.dir));
    for (const at of cases) {
      const rounds = systems.map((): Round[] => []);
      for (const system of systems) await measure(system, at);
      for (let round = 0; round < Number(flags.rounds); round++) {
        for (let k = 0; k < systems.length; k++) {
          const i = (round + k) % systems.length;
          const figures = await measure(systems[i]!, at);
          rounds[i]!.push(figures);
          console.error(
            `${at.name}, round ${round + 1}: ${systems[i]!.name} ${count(figures.perSecond)}/s, p99 ${ms(figures.p99)}`,
          );
        }
      }
      for (const [i, { name }] of systems.entries()) {
        const mid = (pick: (round: Round) => number): number => median(rounds[i]!.map(pick));
        const [perSecond, p50, p99] = [mid((r) => r.perSecond), mid((r) => r.p50), mid((r) => r.p99)];
        rows.push({ case: at.name, system: name, perSecond, p50, p99, rounds: rounds[i]! });
      }
    }
    for (const { name, sum } of systems) {
      const left = (await sum?.()) ?? 0;
      if (left !== 0) throw new Error(`the accounts of ${name} sum up to ${left}, not 0`);
    }
  } finally {
    for (const { caller, stop } of systems) {
      await caller.close();
      await stop();
    }
    workspace.remove();
  }
  return rows;
}

function targetsOf(rows: readonly Row[]): Target[] {
  const of = (at: string, system: string): Row | undefined =>
    rows.find((row) => row.case === at && row.system === system);
  const ratio = (at: string, peer: string, pick: (row: Row) => number): number => {
    const [own, other] = [of(at, 'muster'), of(at, peer)];
    return own === undefined || other === undefined ? Number.NaN : pick(own) / pick(other);
  };
  const [many] = stages.transfers!.cases as [Case];
  const [locks] = stages.locks!.cases as [Case];
  const targets: Target[] = [
    {
      what: `${many.name}: muster / postgres over tcp`,
      is: ratio(many.name, 'postgres, tcp', (row) => row.perSecond),
      wanted: 2,
      by: '≥',
      unit: ' ×',
    },
    {
      what: `${many.name}: p99 of muster / postgres over tcp`,
      is: ratio(many.name, 'postgres, tcp', (row) => row.p99),
      wanted: 1,
      by: '≤',
      unit: ' ×',
    },
    {
      what: `${locks.name}: muster / etcd`,
      is: ratio(locks.name, 'etcd', (row) => row.perSecond),
      wanted: 8,
      by: '≥',
      unit: ' ×',
    },
  ];
  return targets.filter(({ is }) => !Number.isNaN(is));
}

function show(rows: readonly Row[]): void {
  const head = ['', 'a second', 'range', 'p50', 'p99', 'tried again each', 'errors', '× of muster'];
  const drawn = rows.map((row) => {
    const own = rows.find(({ case: at, system }) => at === row.case && system === 'muster')!;
    const errors = row.rounds.flatMap((round) => Object.values(round.errors));
    return [
      `${row.case}: ${row.system}`,
      count(row.perSecond),
      range(
        row.rounds.map((round) => round.perSecond),
        count,
      ),
      ms(row.p50),
      ms(row.p99),
      median(row.rounds.map(({ again }) => again)).toFixed(3),
      count(errors.reduce((sum, one) => sum + one, 0)),
      (row.perSecond / own.perSecond).toPrecision(2),
    ];
  });
  printTable(head, drawn);
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const name of flags.only.split(',')) {
    const stage = stages[name];
    if (stage === undefined) throw new Error(`--only takes transfers and locks, not ${name}`);
    rows.push(...(await perform(stage)));
  }
  finish({ seconds: Number(flags.seconds), figures: rows }, targetsOf(rows), flags.json, () => show(rows));
}

await main();
