import { expect, test } from 'vitest';
import { transferUnderFaults, usualTrouble } from '../../src/cluster/chaos/transfers.js';
import { startCluster } from '../../src/cluster/lifecycle/start.js';
import { built } from './built.js';
import { homeOf } from './home.js';

homeOf('transfers');

test('transfers among 100 accounts on five nodes for half a minute, a kill each second and a netsplit of 4 s now and then: the total is exact, and nothing is left in doubt', {
  timeout: 400_000,
}, async () => {
  const { cluster } = await startCluster(
    { name: 'transfers', nodes: 5 },
    { timeoutMs: 60_000, entry: built },
  );
  const events: string[] = [];
  const report = await transferUnderFaults(cluster, {
    ...usualTrouble,
    transfers: 10_000,
    mostMs: 30_000,
    entry: built,
    seed: Date.now() % 2 ** 31,
    told: (event) => events.push(event),
  });
  const story = `${JSON.stringify(report)}\n${events.join('\n')}`;
  expect(report.wrong, story).toEqual([]);
  expect(report.unknown, story).toBe(0);
  expect(report.kills, story).toBeGreaterThan(3);
  expect(report.netsplits, story).toBeGreaterThan(0);
  expect(report.committed, story).toBeGreaterThan(100);
  expect(report.settledMs, story).toBeLessThan(5000);
});
