import type { NodeStatus, PartitionStatus } from '../../src/client/api.js';
import type { Sample } from '../../src/cluster/observe/overview.js';
import { summarize } from '../../src/cluster/observe/status.js';
import type { RosterRow } from '../../src/cluster/processes/roster.js';
import type { ClusterMap } from '../../src/core/map/types.js';
import { latencyBoundsMs } from '../../src/limits.js';
import { mapOf } from './helpers.js';

/** Four partitions on three nodes, two replicas in sync each. */
export const map = mapOf(3, 2, 1, [
  ['n1', 'n2'],
  ['n1', 'n3'],
  ['n2', 'n3'],
  ['n3', 'n1'],
]);

/** A map in which these partitions have these replicas in sync, the first the primary. */
export const changed = (changes: Readonly<Record<number, readonly string[]>>): ClusterMap => ({
  ...map,
  revision: map.revision + 1,
  partitions: map.partitions.map((config, p) => {
    const nodes = changes[p];
    if (nodes === undefined) return config;
    const inSync = nodes.map((node) => `${node}/s${node.slice(1)}`);
    return { ...config, epoch: config.epoch + 1, primary: inSync[0] ?? '', inSync };
  }),
});

/** One count in the first bucket whose bound is not below `ms`, for each. */
export function latencies(...ms: readonly number[]): number[] {
  const counts = new Array<number>(latencyBoundsMs.length + 1).fill(0);
  for (const one of ms) counts[latencyBoundsMs.findIndex((bound) => one <= bound)]!++;
  return counts;
}

/** What a node says of itself: the replicas that the map gives it, with this tail each. */
export const says = (
  id: string,
  given: Partial<NodeStatus> = {},
  on: ClusterMap = map,
  tail = 10,
): NodeStatus => ({
  id,
  cluster: 'c0ffee',
  folder: '/c',
  version: '0.1.0',
  pid: 1000,
  url: `ws://127.0.0.1:900${id.slice(1)}`,
  store: `s${id.slice(1)}`,
  incarnation: 1,
  uptimeMs: 5,
  rssBytes: 50,
  revision: on.revision,
  faultRevision: 0,
  partitions: on.partitions.flatMap(({ epoch, primary, inSync }, partition): PartitionStatus[] => {
    if (!inSync.some((replica) => replica.startsWith(`${id}/`))) return [];
    const leads = primary.startsWith(`${id}/`);
    const role = leads ? 'primary' : 'backup';
    const counts = { tail, commit: tail, keys: 0, units: 0, rows: 0, divergedAt: null };
    return [{ partition, role, epoch, serving: leads, writable: leads, ...counts }];
  }),
  storage: { logBytes: 0, segments: 1, syncs: 0, checkpointError: null },
  requests: { reads: 0, writes: 0, failed: 0, inflight: 0, latency: latencies() },
  calls: { finished: 0, failed: 0, inflight: 0, queued: 0 },
  ...given,
});

interface Given extends Partial<Pick<Sample, 'clock' | 'transactions' | 'inDoubtSince' | 'locks'>> {
  readonly on?: ClusterMap;
  /** Nodes whose process is gone or stopped; the others answer. */
  readonly states?: Readonly<Record<string, RosterRow['state']>>;
  readonly answers?: readonly NodeStatus[];
  /** Nodes that run and do not answer. */
  readonly silent?: readonly string[];
  readonly faults?: readonly string[];
}

/** A look at a cluster of the nodes of the map. */
export function sampleOf({ on = map, states = {}, silent = [], faults = [], ...given }: Given = {}): Sample {
  const roster = Object.keys(on.members).map((id): RosterRow => {
    const state = states[id] ?? 'running';
    const process = {
      format: 1,
      node: id,
      pid: 1000,
      started: 'x',
      marker: 'm',
      startedAt: 0,
      wanted: 'up',
    } as const;
    return { id, state, process: state === 'gone' ? null : process };
  });
  const answering = roster.filter(({ id, state }) => state === 'running' && !silent.includes(id));
  const answers = new Map(
    answering.map(({ id }) => [id, given.answers?.find((a) => a.id === id) ?? says(id, {}, on)]),
  );
  const problem = new Map(
    roster
      .filter(({ id }) => !answers.has(id))
      .map(({ id, state }) => [
        id,
        state === 'gone' ? 'no process' : state === 'stopped' ? 'stopped' : 'timed out',
      ]),
  );
  const rows = faults.map((text, i) => ({
    id: `f${i + 1}`,
    kind: 'netsplit' as const,
    groups: [],
    oneWay: false,
    text,
  }));
  return {
    at: 1_000_000,
    clock: given.clock ?? 0,
    status: summarize(on, roster, { status: answers, problem }, { faults: rows, faultProblem: null }),
    map: on,
    answers,
    transactions: given.transactions ?? [],
    inDoubtSince: given.inDoubtSince ?? new Map(),
    locks: given.locks ?? [],
  };
}
