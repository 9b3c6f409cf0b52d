/**
 * Where muster's processor time goes under a load, in nodes and client:
 *   npx tsx benchmarks/profile.ts distinct|hot|single|transfer|lock [--callers N] [--seconds 5] [--top 25] [--dir FOLDER]
 * Increments (the first three), transfers over two partitions (32 at once), or locks taken and given back. Runs the nodes itself, under `--cpu-prof`, and prints self times by function: of all nodes together, then of the client.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launchNode } from '../src/cluster/processes/launch.js';
import { readClusterFile } from '../src/layout/paths.js';
import { Caller } from './lib/call.js';
import type { Work } from './lib/caller.js';
import { count, printTable } from './lib/figures.js';
import { Muster, type StatusInfo } from './lib/muster.js';
import { until, writeCalls } from './lib/processes.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    callers: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '25' },
    dir: { type: 'string' },
  },
});

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Self time by function over all profiles in a folder, in µs; idle time apart. */
function selfTimes(dir: string): { busy: number; idle: number; rows: [name: string, micros: number][] } {
  const micros = new Map<string, number>();
  for (const file of readdirSync(dir)) {
    const profile = JSON.parse(readFileSync(join(dir, file), 'utf8')) as Profile;
    const names = new Map(
      profile.nodes.map(({ id, callFrame: f }) => {
        const place = f.url === '' ? '' : ` ${f.url.split('/').slice(-2).join('/')}:${f.lineNumber + 1}`;
        return [id, `${f.functionName || '(anonymous)'}${place}`];
      }),
    );
    profile.samples.forEach((id, i) => {
      const name = names.get(id)!;
      micros.set(name, (micros.get(name) ?? 0) + profile.timeDeltas[i]!);
    });
  }
  const idle = micros.get('(idle)') ?? 0;
  micros.delete('(idle)');
  const rows = [...micros].sort((a, b) => b[1] - a[1]);
  return { busy: rows.reduce((sum, [, value]) => sum + value, 0), idle, rows };
}

function print(title: string, dir: string, operations: number): void {
  const { busy, idle, rows } = selfTimes(dir);
  console.log(
    `\n${title}: busy ${((busy * 100) / (busy + idle)).toFixed(0)} %, ${(busy / operations).toFixed(1)} µs each`,
  );
  const shown = rows.slice(0, Number(flags.top));
  printTable(
    ['function', 'self', 'µs each'],
    shown.map(([name, micros]) => [
      name,
      `${((micros * 100) / busy).toFixed(1)} %`,
      (micros / operations).toFixed(2),
    ]),
  );
}

async function main(): Promise<void> {
  const what = positionals[0] ?? 'distinct';
  const workspace = makeWorkspace(flags.dir);
  const muster = new Muster(workspace.dir);
  const folders = { nodes: join(workspace.dir, 'prof-nodes'), client: join(workspace.dir, 'prof-client') };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const profiled = (folder: string): string[] => [
    '--cpu-prof',
    '--cpu-prof-interval',
    '500',
    '--cpu-prof-dir',
    folder,
  ];
  try {
    const { dir, nodes } = muster.ask<StatusInfo>('cluster', 'start', 'bench', '-n', '3');
    muster.command('cluster', 'stop', 'bench');
    const file = readClusterFile(dir);
    const entry = { execArgv: profiled(folders.nodes), file: join(muster.dir, 'dist/src/host/main.js') };
    for (const { id } of nodes) launchNode(dir, file, id, { entry });
    const { connect } = await muster.library();
    const client = await connect({ cluster: 'bench', timeoutMs: 30_000 });
    await until('a write', 30_000, async () => client.counter.incr('first'));
    const used = async (): Promise<{ entries: number; syncs: number; writes: number }> => {
      const all = await Promise.all(nodes.map(({ id }) => client.status(id)));
      const led = all.flatMap(({ partitions }) => partitions.filter(({ role }) => role === 'primary'));
      return {
        entries: led.reduce((sum, { commit }) => sum + commit, 0),
        syncs: all.reduce((sum, { storage }) => sum + storage.syncs, 0),
        writes: all.reduce((sum, { pid }) => sum + writeCalls(pid), 0),
      };
    };
    const setup = {
      system: 'muster',
      library: join(muster.dir, 'dist/src/index.js'),
      cluster: 'bench',
    } as const;
    const caller = await Caller.start(setup, muster.env, profiled(folders.client));
    const work: Work = what === 'transfer' || what === 'lock' ? what : 'incr';
    const task = {
      work,
      callers: Number(flags.callers ?? (what === 'single' ? 1 : what === 'transfer' ? 32 : 64)),
      keys: what === 'hot' ? ('one' as const) : ('distinct' as const),
      forMs: Number(flags.seconds) * 1000,
      warmUpMs: 1000,
    };
    // Nodes that have just started have new addresses.
    const before = await until('every node', 30_000, async () => {
      await client.map();
      return used();
    });
    const { perSecond, again } = await caller.measure(task);
    const after = await used();
    await caller.close();
    await client.close();
    // Graceful: a profile is written at the exit.
    muster.command('cluster', 'stop', 'bench');
    console.log(`${what}: ${count(perSecond)} a second, under the profiler`);
    const operations = (perSecond * (task.forMs + task.warmUpMs)) / 1000;
    const each = (was: number, is: number): string => ((is - was) / operations).toFixed(2);
    console.log(
      `for each: ${each(before.entries, after.entries)} log entries, ${each(before.syncs, after.syncs)} syncs, ` +
        `${each(before.writes, after.writes)} writing calls of all nodes; ` +
        `tried again ${(again / operations).toFixed(3)} times`,
    );
    print('three nodes', folders.nodes, operations);
    print('client', folders.client, operations);
  } finally {
    muster.destroy('bench');
    workspace.remove();
  }
}

await main();
