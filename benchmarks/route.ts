/**
 * Calls that echo, beside Moleculer's TCP transporter and a bare `ws`, in turns:
 *   npx tsx benchmarks/route.ts [--seconds 5] [--rounds 3] [--dir FOLDER] [--json]
 *
 * Three nodes each, one caller process: muster's library by two choices (its default), Moleculer's broker by turns (its default); the
 * bare `ws` is one process that answers JSON with JSON, without routing, retries or deadlines. All on one machine.
 * Exits 1 when a figure misses its target.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Caller } from './lib/call.js';
import type { CallerSetup } from './lib/caller.js';
import { startMoleculer, startWs } from './lib/echo.js';
import { count, finish, median, ms, printTable, range } from './lib/figures.js';
import { Muster } from './lib/muster.js';
import { makeWorkspace } from './lib/workspace.js';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    dir: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const nodes = 3;
const workspace = makeWorkspace(flags.dir);

async function startMuster(): Promise<{ setup: CallerSetup; env: NodeJS.ProcessEnv; stop(): Promise<void> }> {
  const muster = new Muster(workspace.dir);
  muster.command('cluster', 'start', 'bench', '-n', String(nodes));
  return {
    setup: { system: 'muster', library: join(muster.dir, 'dist/src/index.js'), cluster: 'bench' },
    env: muster.env,
    stop: async () => muster.destroy('bench'),
  };
}

const muster = await startMuster();
const namespace = `bench-${process.pid}`;
const moleculer = await startMoleculer(namespace, nodes);
const ws = await startWs();
const callers = {
  muster: await Caller.start(muster.setup, muster.env),
  moleculer: await Caller.start({ system: 'moleculer', namespace, nodes }),
  ws: await Caller.start({ system: 'ws', url: ws.url }),
};
type System = keyof typeof callers;
const systems = Object.keys(callers) as System[];
const rounds: Record<string, { perSecond: number; p50: number; p99: number; errors: number }[]> = {};
for (let round = 1; round <= Number(flags.rounds); round++) {
  for (const width of [64, 1]) {
    // Another order each time, so that nobody always comes first.
    for (let i = 0; i < systems.length; i++) {
      const system = systems[(i + round) % systems.length] as System;
      const { operations, perSecond, errors } = await callers[system].measure({
        work: 'echo',
        callers: width,
        keys: 'one',
        forMs: Number(flags.seconds) * 1000,
        warmUpMs: 1000,
      });
      const { p50, p99 } = operations[0]?.latencyMs ?? { p50: 0, p99: 0 };
      const wrong = Object.values(errors).reduce((a, b) => a + b, 0);
      const name = `${width} in flight: ${system}`;
      rounds[name] ??= [];
      rounds[name].push({ perSecond, p50, p99, errors: wrong });
      console.error(`${name}, round ${round}: ${count(perSecond)}/s, p99 ${ms(p99)}`);
    }
  }
}
for (const caller of Object.values(callers)) await caller.close();
await muster.stop();
await moleculer.stop();
await ws.stop();
workspace.remove();

const of = (name: string, field: 'perSecond' | 'p50' | 'p99'): number =>
  median((rounds[name] ?? []).map((round) => round[field]));
const ratio = (width: number, field: 'perSecond' | 'p99', other: System): number =>
  of(`${width} in flight: muster`, field) / of(`${width} in flight: ${other}`, field);
finish(
  { rounds },
  [
    {
      what: '64 in flight, calls a second: muster / Moleculer',
      is: ratio(64, 'perSecond', 'moleculer'),
      wanted: 1.5,
      by: '≥',
      unit: ' ×',
    },
    {
      what: '64 in flight, p99: muster / Moleculer',
      is: ratio(64, 'p99', 'moleculer'),
      wanted: 1,
      by: '≤',
      unit: ' ×',
    },
    {
      what: '1 in flight, calls a second: muster / bare ws',
      is: ratio(1, 'perSecond', 'ws'),
      wanted: 0.7,
      by: '≥',
      unit: ' ×',
    },
  ],
  flags.json,
  () =>
    printTable(
      ['', 'a second', 'range', 'p50', 'p99', 'errors'],
      Object.entries(rounds).map(([name, all]) => [
        name,
        count(of(name, 'perSecond')),
        range(
          all.map(({ perSecond }) => perSecond),
          count,
        ),
        ms(of(name, 'p50')),
        ms(of(name, 'p99')),
        count(all.reduce((sum, { errors }) => sum + errors, 0)),
      ]),
    ),
);
