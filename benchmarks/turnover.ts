/**
 * A `Map`, and muster's `TurnoverMap`, with 64 entries that come and go, as requests under way do, after a full collection has made
 * the table old: operations a second, and how long scavenges take.
 *   npx tsx benchmarks/turnover.ts [--seconds 3] [--rounds 3]
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TurnoverMap } from '../src/util/turnover.js';
import { count, median, ms, printTable } from './lib/figures.js';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const UNDER_WAY = 64;
const pauses: number[] = [];
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) pauses.push(duration);
}).observe({ entryTypes: ['gc'] });

interface Table {
  set(key: number, value: unknown): unknown;
  delete(key: number): boolean;
}

const request = (id: number): unknown => ({ id, params: { key: `k${id}` }, waiting: [id, {}] });

async function churn(table: Table): Promise<{ perSecond: number; pause: number }> {
  for (let id = 0; id < UNDER_WAY; id++) table.set(id, request(id));
  collect();
  // What this collection took is not the table's.
  await new Promise((resume) => setTimeout(resume, 10));
  pauses.length = 0;
  let id = UNDER_WAY;
  const begin = performance.now();
  const until = begin + Number(flags.seconds) * 1000;
  while (performance.now() < until)
    for (let i = 0; i < 1000; i++, id++) {
      table.set(id, request(id));
      table.delete(id - UNDER_WAY);
    }
  const perSecond = ((id - UNDER_WAY) * 1000) / (performance.now() - begin);
  await new Promise((resume) => setTimeout(resume, 10));
  return { perSecond, pause: median(pauses) };
}

const made: Record<string, () => Table> = { Map: () => new Map(), TurnoverMap: () => new TurnoverMap() };
const rounds: Record<string, { perSecond: number; pause: number }[]> = { Map: [], TurnoverMap: [] };
for (let round = 0; round < Number(flags.rounds); round++)
  for (const [name, make] of Object.entries(made)) rounds[name]!.push(await churn(make()));
printTable(
  ['', 'operations a second', 'a collection, median'],
  Object.entries(rounds).map(([name, all]) => [
    name,
    count(median(all.map(({ perSecond }) => perSecond))),
    ms(median(all.map(({ pause }) => pause))),
  ]),
);
