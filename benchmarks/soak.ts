/**
 * Money is moved among 100 accounts on five nodes, 32 transfers at once, while a node is killed each second and the network is cut for 4 s
 * now and then, until so many transfers were made: the total must be exact, and nothing in doubt 5 s after the last fault.
 *   npx tsx benchmarks/soak.ts [--transfers 10000] [--seed N] [--json]
 * Exits 1 when something is wrong.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { transferUnderFaults, usualTrouble } from '../src/cluster/chaos/transfers.js';
import { findCluster } from '../src/cluster/folder/registry.js';
import { count, finish, ms, printTable } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    transfers: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'boolean', default: false },
  },
});
const workspace = makeWorkspace();
const muster = new Muster(workspace.dir);
process.env.MUSTER_HOME = muster.env.MUSTER_HOME;
muster.command('cluster', 'start', 'soak', '-n', '5');
const begin = performance.now();
const report = await transferUnderFaults(findCluster('soak'), {
  ...usualTrouble,
  transfers: Number(flags.transfers),
  entry: { execArgv: [], file: join(muster.dir, 'dist/src/host/main.js') },
  seed: Number(flags.seed),
  told: (event) => console.error(`${((performance.now() - begin) / 1000).toFixed(1)} s  ${event}`),
});
muster.destroy('soak');
workspace.remove();
finish(
  { report },
  [
    { what: 'found wrong', is: report.wrong.length, wanted: 0, by: '≤', unit: '' },
    { what: 'left open', is: report.unknown, wanted: 0, by: '≤', unit: '' },
    {
      what: 'after the last fault nothing was in doubt any more',
      is: report.settledMs,
      wanted: 5000,
      by: '≤',
      unit: ' ms',
    },
  ],
  flags.json,
  () => {
    for (const wrong of report.wrong) console.log(wrong);
    printTable(
      ['seed', 'committed', 'aborted', 'unknown', 'kills', 'netsplits', 'total', 'took'],
      [
        [
          String(report.seed),
          ...[report.committed, report.aborted, report.unknown, report.kills, report.netsplits].map(count),
          String(report.total),
          ms(report.durationMs),
        ],
      ],
    );
  },
);
