/**
 * `muster gateway` beside nginx and HAProxy, in turns: JSON posted and answered again, over HTTP with connections kept open.
 *   npx tsx benchmarks/gateway.ts [--seconds 5] [--rounds 3] [--json]
 *
 * Three nodes behind muster's gateway, three plain Node servers behind the others, which know nothing of deadlines, retries, ejections or
 * metrics by method; nginx has one worker, HAProxy one thread. `wrk` presses. All on one machine. To be quoted: there is no target.
 */
import { parseArgs } from 'node:util';
import { DOORS, needPrograms } from './lib/apt.js';
import { type Pressed, press, startGateway, startHaproxy, startNginx, startPlain } from './lib/doors.js';
import { count, finish, median, ms, printTable, range } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
needPrograms(DOORS);
const workspace = makeWorkspace();
const { dir } = workspace;
const muster = new Muster(dir);
muster.command('cluster', 'start', 'bench', '-n', '3');
const plain = await startPlain(dir, 3);
const doors = {
  muster: await startGateway(dir, muster.program, muster.env, 'bench'),
  nginx: await startNginx(dir, plain.ports),
  haproxy: await startHaproxy(dir, plain.ports),
};
const names = Object.keys(doors) as (keyof typeof doors)[];
const rounds: Record<string, Pressed[]> = {};
for (const name of names) press(dir, doors[name].url, 64, 1);
for (let round = 0; round < Number(flags.rounds); round++)
  for (const connections of [64, 1])
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const row = `${connections} connections: ${name}`;
      rounds[row] ??= [];
      rounds[row].push(press(dir, doors[name].url, connections, Number(flags.seconds)));
    }
for (const door of Object.values(doors)) await door.stop();
await plain.stop();
muster.destroy('bench');
workspace.remove();

finish({ rounds }, [], flags.json, () =>
  printTable(
    ['', 'a second', 'range', 'p50', 'p99', 'errors'],
    Object.entries(rounds)
      .sort(([a], [b]) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
      .map(([name, all]) => [
        name,
        count(median(all.map(({ perSecond }) => perSecond))),
        range(
          all.map(({ perSecond }) => perSecond),
          count,
        ),
        ms(median(all.map(({ p50 }) => p50))),
        ms(median(all.map(({ p99 }) => p99))),
        count(all.reduce((sum, { errors }) => sum + errors, 0)),
      ]),
  ),
);
