/**
 * What a slow node costs by each strategy, on real processes: five nodes that run four handlers of 20 ms at once, then one of them four times as
 * slow and another killed in the middle. Each strategy has as many requests before, unmeasured, to learn from. p99 is compared with the healthy run's of the same strategy.
 *   npx tsx benchmarks/balance.ts [--count 6000] [--json]
 * Exits 1 when a figure misses its target.
 */
import { parseArgs } from 'node:util';
import { type RouteReport, runRoute } from '../src/bench/route.js';
import { count, finish, ms, printTable } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: { count: { type: 'string', default: '6000' }, json: { type: 'boolean', default: false } },
});
const strategies = ['round-robin', 'weighted', 'two-choices'] as const;
const workspace = makeWorkspace();
const muster = new Muster(workspace.dir);
muster.command('cluster', 'start', 'bench', '-n', '5', '--max-inflight', '4');
const { connect } = await muster.library();
const client = await connect({ cluster: 'bench', timeoutMs: 20_000 });

async function run(strategy: (typeof strategies)[number], slow: boolean): Promise<RouteReport> {
  const router = await client.router({ strategy, seed: 1 });
  let killing: Promise<unknown> | null = null;
  const load = {
    to: 'demo.sleep',
    params: { ms: 20, ...(slow ? { slow: { n1: 4 } } : {}) },
    count: Number(flags.count),
    concurrency: 32,
    call: {},
  };
  // Measured weights change by at most a fifth a second: they get the time to.
  await runRoute(router, load);
  const report = await runRoute(router, {
    ...load,
    progress: (done) => {
      if (!slow || killing !== null || done < Number(flags.count) / 2) return;
      killing = (async () => muster.command('node', 'kill', 'n5'))();
    },
  });
  await killing;
  if (slow) muster.command('node', 'start', 'n5');
  muster.command('wait', '--for', 'in-sync', '--timeout', '30s');
  return report;
}

const results: { strategy: string; healthy: RouteReport; slow: RouteReport }[] = [];
for (const strategy of strategies) {
  const healthy = await run(strategy, false);
  results.push({ strategy, healthy, slow: await run(strategy, true) });
}
await client.close();
muster.destroy('bench');
workspace.remove();

const ratio = (strategy: string): number => {
  const found = results.find((result) => result.strategy === strategy);
  return (found?.slow.p99 ?? Number.POSITIVE_INFINITY) / (found?.healthy.p99 ?? 1);
};
finish(
  { results },
  [
    {
      what: 'two-choices: p99 with a slow node and a killed one / healthy',
      is: ratio('two-choices'),
      wanted: 2,
      by: '≤',
      unit: ' ×',
    },
    { what: 'weighted: the same', is: ratio('weighted'), wanted: 2, by: '≤', unit: ' ×' },
    {
      what: 'round-robin: the same, which shows that it matters',
      is: ratio('round-robin'),
      wanted: 2,
      by: '≥',
      unit: ' ×',
    },
    {
      what: 'requests failed',
      is: results.reduce((sum, { healthy, slow }) => sum + healthy.failed + slow.failed, 0),
      wanted: 0,
      by: '≤',
      unit: '',
    },
  ],
  flags.json,
  () =>
    printTable(
      ['', 'p50', 'p99', 'failed', 'sent again', 'share of the slow node'],
      results.flatMap(({ strategy, healthy, slow }) =>
        [healthy, slow].map((r, i) => [
          `${strategy}, ${i === 0 ? 'healthy' : 'n1 slow, n5 killed'}`,
          ms(r.p50 ?? 0),
          ms(r.p99 ?? 0),
          count(r.failed),
          count(r.retries),
          `${((r.nodes.find(({ id }) => id === 'n1')?.share ?? 0) * 100).toFixed(1)} %`,
        ]),
      ),
    ),
);
