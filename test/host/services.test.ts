import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MusterClient } from '../../src/client/api.js';
import { openClient } from '../../src/client/open.js';
import { withClusterLock } from '../../src/cluster/folder/lock.js';
import { findCluster } from '../../src/cluster/folder/registry.js';
import { startCluster } from '../../src/cluster/lifecycle/start.js';
import { startAndAwait } from '../../src/cluster/processes/node-start.js';
import { killNode } from '../../src/cluster/processes/nodes.js';
import { Random } from '../../src/core/random.js';
import { MusterError } from '../../src/errors.js';
import { built } from './built.js';
import { homeOf } from './home.js';

const home = homeOf('services');
const module = join(home, 'tally.mjs');

/** Counts its own runs in a file of its node's, for the cluster's counters would hide a run in their own exactly-once. */
writeFileSync(
  module,
  `import { appendFileSync } from 'node:fs';
  const note = (what) => async ({ id }, { node }) => {
    appendFileSync(${JSON.stringify(`${home}/ran-`)} + what, id + '\\n');
    await new Promise((done) => setTimeout(done, 5));
    return node;
  };
  export default { name: 'tally', handlers: { once: note('once'), again: { idempotent: true, handle: note('again') } } };`,
);

function ran(what: string): Map<string, number> {
  const times = new Map<string, number>();
  for (const id of readFileSync(`${home}/ran-${what}`, 'utf8').trim().split('\n'))
    times.set(id, (times.get(id) ?? 0) + 1);
  return times;
}

test('a node killed every 2 s: no idempotent request fails, and none that is not runs twice', {
  timeout: 120_000,
}, async () => {
  const { cluster } = await startCluster(
    { name: 'services', nodes: 4, services: [module] },
    { timeoutMs: 60_000, entry: built },
  );
  const client: MusterClient = await openClient({ clusterDir: cluster.dir, timeoutMs: 20_000 });
  const end = performance.now() + 12_000;
  const outcomes = new Map<string, 'ok' | 'no' | 'unknown'>();
  const failed: unknown[] = [];
  let answered = 0;
  const lane = async (lane: number): Promise<void> => {
    for (let i = 0; performance.now() < end; i++) {
      const id = `${lane}-${i}`;
      try {
        await client.call('tally.again', { id });
        answered++;
      } catch (error) {
        failed.push(error);
      }
      try {
        await client.call('tally.once', { id });
        outcomes.set(id, 'ok');
      } catch (error) {
        outcomes.set(id, error instanceof MusterError && error.tookEffect === 'no' ? 'no' : 'unknown');
      }
    }
  };
  const random = new Random(Date.now() % 2 ** 31);
  let kills = 0;
  const kill = async (): Promise<void> => {
    for (let next = performance.now() + 1000; next < end - 1000; next += 2000) {
      await new Promise((done) => setTimeout(done, next - performance.now()));
      const { id } = random.pick(cluster.file.nodes);
      await killNode(cluster, id);
      kills++;
      await withClusterLock(cluster.dir, 20_000, () =>
        startAndAwait(findCluster('services'), [id], { timeoutMs: 20_000, entry: built }),
      );
    }
  };
  await Promise.all([kill(), ...Array.from({ length: 16 }, (_, i) => lane(i))]);
  await client.close();

  expect(kills).toBeGreaterThan(3);
  expect(failed).toEqual([]);
  expect(answered).toBeGreaterThan(500);
  const times = ran('once');
  const wrong = [...outcomes].filter(([id, outcome]) => {
    const count = times.get(id) ?? 0;
    return count > 1 || (outcome === 'ok' && count !== 1) || (outcome === 'no' && count !== 0);
  });
  expect(wrong).toEqual([]);
  expect([...outcomes.values()].filter((outcome) => outcome === 'ok').length).toBeGreaterThan(500);
});
