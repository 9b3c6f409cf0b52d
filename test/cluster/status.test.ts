import { describe, expect, it } from 'vitest';
import type { NodeStatus, PartitionStatus } from '../../src/client/api.js';
import { summarize } from '../../src/cluster/observe/status.js';
import type { RosterRow } from '../../src/cluster/processes/roster.js';
import { mapOf } from './helpers.js';

const row = (id: string, state: RosterRow['state']): RosterRow => ({
  id,
  state,
  process:
    state === 'gone'
      ? null
      : { format: 1, node: id, pid: 1000, started: 'x', marker: 'm', startedAt: 0, wanted: 'up' },
});

const primary = (partition: number, epoch: number, serving = true): PartitionStatus => ({
  partition,
  role: 'primary',
  epoch,
  serving,
  writable: serving,
  tail: 1,
  commit: 1,
  keys: 0,
  units: 0,
  rows: 0,
  divergedAt: null,
});

const says = (id: string, partitions: readonly PartitionStatus[]): NodeStatus => ({
  id,
  cluster: 'c0ffee',
  folder: '/c',
  version: '0.1.0',
  pid: 1000,
  url: 'ws://127.0.0.1:9001',
  store: 's',
  incarnation: 1,
  uptimeMs: 5,
  rssBytes: 50,
  revision: 7,
  faultRevision: 0,
  partitions,
  storage: { logBytes: 0, segments: 1, syncs: 0, checkpointError: null },
  requests: { reads: 0, writes: 0, failed: 0, inflight: 0, latency: [] },
  calls: { finished: 0, failed: 0, inflight: 0, queued: 0 },
});

describe('the status of a cluster', () => {
  const map = mapOf(3, 3, 2, [
    ['n1', 'n2', 'n3'],
    ['n2', 'n3'],
    ['n10', 'n2'].map((id) => (id === 'n10' ? 'n3' : id)),
  ]);

  it('has a row for every member: up, paused, dead, or up and unreachable', () => {
    const roster = [row('n1', 'running'), row('n2', 'stopped'), row('n3', 'gone')];
    const status = summarize(map, roster, { status: new Map(), problem: new Map([['n1', 'timed out']]) });
    expect(status.nodes.map((n) => [n.id, n.state, n.reachable, n.pid])).toEqual([
      ['n1', 'up', false, 1000],
      ['n2', 'paused', false, 1000],
      ['n3', 'down', false, null],
    ]);
    expect(status.nodes[0]!.problem).toBe('timed out');
    expect(status.nodes[2]!.url).toBeNull();
  });

  it('counts what each node is primary and backup of by the map', () => {
    const { nodes } = summarize(map, [], { status: new Map(), problem: new Map() });
    expect(nodes.map((n) => [n.primaries, n.backups])).toEqual([
      [1, 0],
      [1, 2],
      [1, 2],
    ]);
  });

  it('takes a partition for serving only when its primary by the map says so in the epoch of the map', () => {
    const answers = new Map([
      ['n1', says('n1', [primary(0, 3)])],
      ['n2', says('n2', [primary(0, 3), primary(1, 2)])],
      ['n3', says('n3', [primary(2, 3, false)])],
    ]);
    const { partitions } = summarize(map, [], { status: answers, problem: new Map() });
    expect(partitions).toMatchObject({ total: 3, serving: 1, inSync: 1 });
    expect(partitions.lacking).toEqual([
      { partition: 1, inSync: 2, wanted: 3 },
      { partition: 2, inSync: 2, wanted: 3 },
    ]);
  });
});
