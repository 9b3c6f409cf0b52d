import { expect, test } from 'vitest';
import { moveUnderLoad } from '../../src/cluster/chaos/moving.js';
import { startCluster } from '../../src/cluster/lifecycle/start.js';
import { built } from './built.js';
import { homeOf } from './home.js';

homeOf('moves');

test('64 callers read and count while three nodes become six and then four, and a node is killed in the middle of each move: nothing is lost, and little more is copied than planned', {
  timeout: 240_000,
}, async () => {
  const { cluster } = await startCluster({ name: 'moves', nodes: 3 }, { timeoutMs: 60_000, entry: built });
  const report = await moveUnderLoad(cluster, {
    keys: 10_000,
    counters: 200,
    callers: 64,
    restMs: 500,
    sizes: [6, 4],
    kill: true,
    callMs: 60_000,
    moveMs: 100_000,
    entry: built,
    seed: Date.now() % 2 ** 31,
  });
  const story = JSON.stringify({ ...report, wrong: report.wrong.slice(0, 10) });
  expect(report.wrong.length, story).toBe(0);
  expect(report.unknown + report.failed, story).toBe(0);
  expect(report.counted, story).toBe(report.acknowledged);
  for (const phase of report.phases) {
    expect(phase.copies, story).toBeLessThanOrEqual(phase.least * 1.1);
    expect(phase.sent, story).toBeLessThanOrEqual(phase.planned * 1.1);
    expect(phase.killed, story).not.toBeNull();
  }
});
