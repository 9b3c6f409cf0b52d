import { expect, test } from 'vitest';
import { openClient } from '../../src/client/open.js';
import { torture } from '../../src/cluster/chaos/torture.js';
import { startCluster } from '../../src/cluster/lifecycle/start.js';
import { built } from './built.js';
import { homeOf } from './home.js';

homeOf('torture');

test('five nodes, 64 clients, a primary killed every second for 20 s and one paused for 5 s: nothing acknowledged is lost or doubled', {
  timeout: 180_000,
}, async () => {
  const { cluster } = await startCluster({ name: 'torture', nodes: 5 }, { timeoutMs: 60_000, entry: built });
  const events: string[] = [];
  const report = await torture(cluster, {
    durationMs: 20_000,
    clients: 64,
    counters: 8,
    killEveryMs: 1000,
    pauseMs: 5000,
    operationMs: 60_000,
    entry: built,
    seed: Date.now() % 2 ** 31,
    told: (event) => events.push(event),
  });
  const story = `${JSON.stringify(report)}\n${events.join('\n')}`;
  expect(report.wrong, story).toEqual([]);
  expect(report.kills, story).toBeGreaterThan(5);
  expect(report.pauses, story).toBe(1);
  expect(report.acknowledged, story).toBeGreaterThan(200);
  // With a minute for each operation every retry was answered: then the count is exact.
  expect(report.unknown + report.failed, story).toBe(0);
  expect(report.counted, story).toBe(report.acknowledged);
  const client = await openClient({ clusterDir: cluster.dir });
  const names: string[] = [];
  for await (const { name } of client.counter.list({ prefix: 'torture-' })) names.push(name);
  await client.close();
  expect(names).toEqual(Array.from({ length: 8 }, (_, i) => `torture-counter-${i}`));
});
