import { randomInt } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { buggifyPoints } from '../../src/os/runtime.js';
import { simulate } from '../../src/simulator/run.js';
import { type Fault, faults } from '../../src/simulator/scenario.js';
import { type ScenarioName, scenarios } from '../../src/simulator/scenarios.js';

vi.setConfig({ testTimeout: 300_000 });

/** Enough for every fault to strike many times, at about 150 ms a seed; with the host about twice as long. */
const fixed = 280;
const fixedHosts = 60;
const fresh = 120;
const freshHosts = 30;

async function run(seeds: Iterable<number>, name: ScenarioName): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const add = (what: string, count: number): void => {
    seen[what] = (seen[what] ?? 0) + count;
  };
  for (const seed of seeds) {
    const report = await simulate(seed, undefined, scenarios[name].of);
    // The runner wants to hear from its worker now and then.
    await new Promise<void>((resume) => setImmediate(resume));
    if (report.verdict !== 'ok') {
      throw new Error(
        `replay: muster simulate --seed ${seed} --scenario ${name}\n${report.trace.join('\n')}\n${report.message}`,
      );
    }
    add('operations', report.operations - report.unknown - report.failed);
    for (const [what, count] of Object.entries({ ...report.seen, ...report.faults })) add(what, count);
  }
  return seen;
}

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** A run in which nothing happened would prove nothing. */
function expectMet(seen: Record<string, number>, least: Record<string, number>): void {
  for (const [what, count] of Object.entries(least)) expect(seen[what] ?? 0, what).toBeGreaterThan(count);
  // A search that is given up accepts nothing: that has to stay rare.
  expect(seen.undecided ?? 0).toBeLessThan((seen.judged as number) / 100);
}

test(`every invariant holds in seeds 1 to ${fixed}, and they have met everything there is`, async () => {
  const seen = await run(from(1, fixed), 'core');
  expectMet(seen, {
    operations: 35_000,
    epochs: 1400,
    commits: 35_000,
    acks: 28_000,
    digests: 7000,
    snapshots: 210,
    handovers: 350,
    copies: 420,
    drops: 245,
    joined: 70,
    left: 50,
    out: 40,
    // Every operation of a client, and every way in which its outcome becomes known.
    'put ok': 14_000,
    'delete ok': 2100,
    'delete refused': 700,
    'incr ok': 14_000,
    'reset ok': 1000,
    'resolve (done)': 175,
    'resolve (not-done)': 70,
    'sessions closed': 700,
    committed: 2100,
    'aborted (check)': 140,
    'aborted (stale)': 210,
    'aborted (asked)': 14,
    held: 140,
    'semaphores held': 56,
    judged: 840,
    'participant asked': 700,
    'coordinator asked': 150,
    'session expired': 400,
    'late publish refused': 80,
    'copy in pieces': 150,
    'log was compared': 20,
    'two processes': 15,
    'wiped in hand-over': 8,
  });
  // A rewound disk is noticed only where the others remember: it has a scenario of its own (`starts-unasked`); the last two are of `hosts`.
  const rare: readonly Fault[] = ['rewind', 'powerFailure', 'rot'];
  for (const fault of faults) if (!rare.includes(fault)) expect(seen[fault], fault).toBeGreaterThan(50);
});

test(`every invariant holds with all that production has around the core, in seeds 1 to ${fixedHosts}`, async () => {
  const points = Object.keys(buggifyPoints).map((point) => [`buggify ${point}`, 5] as const);
  expectMet(await run(from(1, fixedHosts), 'hosts'), {
    operations: 5000,
    commits: 8000,
    acks: 5000,
    judged: 150,
    // What the library said, each way.
    'library deposit ok': 80,
    'library transfer ok': 80,
    'library append ok': 80,
    'library append failed': 10,
    'library lock held': 15,
    'library lock lost': 8,
    // What disks do.
    powerFailure: 10,
    rot: 5,
    'rot was noticed': 1,
    'disk failed': 15,
    'killed in recovery': 2,
    ...Object.fromEntries(points),
  });
});

test(`every invariant holds in ${fresh + freshHosts} seeds nobody has seen before`, async () => {
  await run(from(randomInt(2 ** 40), fresh), 'core');
  await run(from(randomInt(2 ** 40), freshHosts), 'hosts');
});

test('a seed gives one and the same run each time', async () => {
  for (const name of ['core', 'hosts'] as const)
    for (const seed of from(1000, 10)) {
      const once = await simulate(seed, undefined, scenarios[name].of);
      expect(await simulate(seed, undefined, scenarios[name].of)).toEqual(once);
    }
});
