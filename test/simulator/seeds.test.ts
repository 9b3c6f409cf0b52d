import { randomInt } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { simulate } from '../../src/simulator/run.js';
import { faults } from '../../src/simulator/scenario.js';

vi.setConfig({ testTimeout: 300_000 });

/** Enough for every fault kind to strike many times, at about 25 ms a seed. */
const fixed = 400;
const fresh = 200;

async function run(seeds: Iterable<number>): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  const add = (name: string, count: number): void => {
    seen[name] = (seen[name] ?? 0) + count;
  };
  for (const seed of seeds) {
    const report = await simulate(seed);
    // The runner wants to hear from its worker now and then.
    await new Promise<void>((resume) => setImmediate(resume));
    if (report.verdict !== 'ok') {
      throw new Error(
        `replay: muster simulate --seed ${seed}\n${report.trace.join('\n')}\n${report.message}`,
      );
    }
    add('operations', report.operations - report.unknown - report.failed);
    for (const [name, count] of Object.entries({ ...report.seen, ...report.faults })) add(name, count);
  }
  return seen;
}

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

test(`every invariant holds in seeds 1 to ${fixed}, and they have met everything there is`, async () => {
  const seen = await run(from(1, fixed));
  // A run in which nothing happened would prove nothing.
  const least = {
    operations: 50_000,
    epochs: 2000,
    commits: 50_000,
    acks: 40_000,
    digests: 10_000,
    snapshots: 300,
    handovers: 500,
    copies: 600,
    drops: 350,
    joined: 130,
    left: 80,
    out: 60,
    // Every operation of a client, and every way in which its outcome becomes known.
    'put ok': 20_000,
    'delete ok': 3000,
    'delete refused': 1000,
    'incr ok': 20_000,
    'reset ok': 1500,
    'resolve (done)': 250,
    'resolve (not-done)': 100,
    'sessions closed': 1000,
    committed: 3000,
    'aborted (check)': 200,
    'aborted (stale)': 300,
    'aborted (asked)': 20,
    held: 200,
    'semaphores held': 80,
    judged: 1200,
  };
  for (const [name, count] of Object.entries(least)) expect(seen[name], name).toBeGreaterThan(count);
  // A search that is given up accepts nothing: that has to stay rare.
  expect(seen.undecided ?? 0).toBeLessThan((seen.judged as number) / 100);
  // A rewound disk is noticed only where the others remember: it has a scenario of its own (`starts-unasked`).
  for (const fault of faults) if (fault !== 'rewind') expect(seen[fault], fault).toBeGreaterThan(90);
});

test(`every invariant holds in ${fresh} seeds nobody has seen before`, async () => {
  await run(from(randomInt(2 ** 40), fresh));
});

test('a seed gives one and the same run each time', async () => {
  for (const seed of from(1000, 20)) expect(await simulate(seed)).toEqual(await simulate(seed));
});
