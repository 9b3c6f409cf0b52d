/**
 * Moves under load: three nodes become six and then four while 64 callers read and count, without and with a node killed in the
 * middle of each. Latency during the moves is compared with latency at rest in the same run, at the sizes before and after: all
 * nodes share one machine, and six of them leave each less of it than three.
 *   npx tsx benchmarks/moves.ts [--keys 100000] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type MovingReport, moveUnderLoad } from '../src/cluster/chaos/moving.js';
import { findCluster } from '../src/cluster/folder/registry.js';
import { startCluster } from '../src/cluster/lifecycle/start.js';
import { removeCluster, stopCluster } from '../src/cluster/lifecycle/stop.js';
import { count, finish, ms, printTable } from './lib/figures.js';
import { Muster } from './lib/muster.js';

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '100000' }, json: { type: 'boolean', default: false } },
});
const workspace = mkdtempSync(join(tmpdir(), 'muster-moves-'));
const muster = new Muster(workspace);
process.env.MUSTER_HOME = muster.env.MUSTER_HOME;
const entry = { execArgv: [], file: join(muster.dir, 'dist/src/host/main.js') };

async function run(kill: boolean): Promise<MovingReport> {
  const name = kill ? 'kills' : 'calm';
  const { cluster } = await startCluster({ name, nodes: 3 }, { timeoutMs: 30_000, entry });
  try {
    return await moveUnderLoad(cluster, {
      keys: Number(values.keys),
      counters: 1000,
      callers: 64,
      restMs: 5000,
      sizes: [6, 4],
      kill,
      callMs: 60_000,
      moveMs: 300_000,
      seed: 1,
      entry,
      told: (event) => console.error(`${name}: ${event}`),
    });
  } finally {
    const left = findCluster(name);
    await stopCluster(left, 5000);
    removeCluster(left.dir);
  }
}

const calm = await run(false);
const kills = await run(true);
rmSync(workspace, { recursive: true, force: true });

const rows = [calm, kills].flatMap((report, i) => {
  const name = i === 0 ? 'calm' : 'with kills';
  const row = (
    what: string,
    l: { calls: number; p50: number; p99: number; longest: number },
    more: string[],
  ) => [`${name}: ${what}`, count(l.calls), ms(l.p50), ms(l.p99), ms(l.longest), ...more];
  return [
    row('3 at rest', report.rest, ['', '']),
    ...report.phases.flatMap((p) => [
      row(`to ${p.to}, ${(p.ms / 1000).toFixed(1)} s`, p, [
        `${p.copies} (${p.least})`,
        (p.sent / Math.max(1, p.planned)).toFixed(3),
      ]),
      row(`${p.to} at rest`, p.restAfter, ['', '']),
    ]),
  ];
});
/** Against rest with as many processes on the machine: of the sizes before and after, the slower one. */
const ratio = ({ rest, phases }: MovingReport): number =>
  Math.max(
    ...phases.map((p, i) => p.p99 / Math.max(p.restAfter.p99, (phases[i - 1]?.restAfter ?? rest).p99)),
  );
const toFirstRest = ({ rest, phases }: MovingReport): number =>
  Math.max(...phases.map((p) => p.p99)) / rest.p99;
const bad = [calm, kills].reduce((n, r) => n + r.wrong.length + r.unknown + r.failed, 0);
finish(
  { calm, kills },
  [
    { what: 'p99 during moves, against rest', is: ratio(calm), wanted: 5, by: '≤', unit: '×' },
    { what: 'the same with a node killed in each', is: ratio(kills), wanted: 5, by: '≤', unit: '×' },
    {
      what: 'data sent, against the plan',
      is: Math.max(...[...calm.phases, ...kills.phases].map((p) => p.sent / Math.max(1, p.planned))),
      wanted: 1.1,
      by: '≤',
      unit: '×',
    },
    { what: 'calls failed, of unknown outcome, or wrong', is: bad, wanted: 0, by: '≤', unit: '' },
  ],
  values.json,
  () => {
    printTable(['', 'calls', 'p50', 'p99', 'longest', 'copies (least)', 'sent / planned'], rows);
    const [one, other] = [calm, kills].map((report) => toFirstRest(report).toPrecision(3));
    console.log(`p99 during moves against rest with three nodes: calm ${one} ×, with kills ${other} ×`);
  },
);
