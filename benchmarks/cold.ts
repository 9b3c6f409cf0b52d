/**
 * A command as a whole process beside a Node that does nothing, in turns:
 *   npx tsx benchmarks/cold.ts [--runs 30] [--dir FOLDER] [--json]
 * NODE_EXTRA_CA_CERTS is unset: it alone costs each Node process tens of ms. Exits 1 when the target is missed.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { finish, median, ms, printTable, range, type Target } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '30' },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** Wall time of a process from spawn to exit, in ms. Throws when it fails. */
function timed(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const begin = performance.now();
  const done = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const took = performance.now() - begin;
  if (done.status !== 0) throw new Error(`node ${args.join(' ')} failed: ${done.stderr}`);
  return took;
}

function main(): void {
  const workspace = makeWorkspace(flags.dir);
  const muster = new Muster(workspace.dir);
  const contenders: { readonly name: string; readonly args: readonly string[]; readonly times: number[] }[] =
    [
      { name: 'node -e 0', args: ['-e', '0'], times: [] },
      {
        name: 'muster counter incr',
        args: [muster.program, 'counter', 'incr', 'hits', '-c', 'bench'],
        times: [],
      },
      { name: 'muster --version', args: [muster.program, '--version'], times: [] },
    ];
  try {
    muster.command('cluster', 'start', 'bench', '-n', '3');
    for (const { args } of contenders) timed(args, muster.env);
    for (let run = 0; run < Number(flags.runs); run++)
      for (const { args, times } of contenders) times.push(timed(args, muster.env));
  } finally {
    muster.destroy('bench');
    workspace.remove();
  }
  const bare = median(contenders[0]!.times);
  const figures = contenders.map(({ name, times }) => ({
    name,
    ms: median(times),
    ratio: median(times) / bare,
    times,
  }));
  const targets: Target[] = [
    { what: 'counter incr / node -e 0', is: figures[1]!.ratio, wanted: 4, by: '≤', unit: ' ×' },
  ];
  finish({ figures }, targets, flags.json, () =>
    printTable(
      ['whole process', 'median', 'range', '× of node -e 0'],
      figures.map((f) => [f.name, ms(f.ms), range(f.times, ms), f.ratio.toFixed(2)]),
    ),
  );
}

main();
