import type { LockView, NodeStatus, TxView } from '../../client/api.js';
import { type ClusterMap, type NodeId, nodeOf } from '../../core/map/types.js';
import { latencyBoundsMs } from '../../limits.js';
import type { ClusterStatus } from './status.js';

/** One look at a cluster, with what the next one is compared with. */
export interface Sample {
  /** Wall clock, ms since 1970; for people. */
  readonly at: number;
  /** Monotonic clock, in ms; for rates. */
  readonly clock: number;
  readonly status: ClusterStatus;
  readonly map: ClusterMap;
  readonly answers: ReadonlyMap<NodeId, NodeStatus>;
  /** Parts of transactions that have not ended. They may be a few seconds older than the rest. */
  readonly transactions: readonly TxView[];
  /** Of those in doubt, when each was first seen so, on `clock`. */
  readonly inDoubtSince: ReadonlyMap<string, number>;
  readonly locks: readonly LockView[];
}

/** What a node, or all of them, did between two looks. */
export interface Figures {
  /** Reads and writes answered, and refused, a second; null: not known (no two looks at the same process). */
  readonly opsPerSecond: number | null;
  readonly failedPerSecond: number | null;
  /** Of the answers of this interval, in ms; null: none, or not known. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Calls of services that ended well, and those that failed, a second. */
  readonly callsPerSecond: number | null;
  readonly callsFailedPerSecond: number | null;
  /** Requests and calls under way or waiting; null: it did not answer. */
  readonly inflight: number | null;
}

export interface NodeFigures extends Figures {
  readonly id: NodeId;
  /** Its share of the partitions it leads, from 0 to 1. */
  readonly share: number;
  /** Its share of the calls of services in this interval, from 0 to 1; null: there were none. */
  readonly callShare: number | null;
  /** Log entries that its furthest backup is behind the primary; null: not known, or it backs up nothing. */
  readonly lag: number | null;
}

/** One look at the whole cluster, as plain JSON. */
export interface Overview {
  readonly at: number;
  readonly status: ClusterStatus;
  /** Of each partition in the order of the ring, the primary; null: none. */
  readonly ring: readonly (NodeId | null)[];
  /** In the order of `status.nodes`. */
  readonly nodes: readonly NodeFigures[];
  readonly totals: Figures & {
    /** Nodes that answer. */
    readonly up: number;
    /** The greatest of all nodes. */
    readonly lag: number | null;
    readonly inDoubt: number;
    readonly transactions: number;
    /** Locks that are held, and requests that wait for one. */
    readonly locks: number;
    readonly waiting: number;
  };
  /** Parts of transactions that have not ended, those in doubt first; the first hundred. */
  readonly transactions: readonly TxView[];
  /** The first fifty. */
  readonly locks: readonly LockView[];
}

const TRANSACTIONS_SHOWN = 100;
const LOCKS_SHOWN = 50;

/** What is compared of two looks at the same process. */
interface Delta {
  readonly seconds: number;
  readonly ops: number;
  readonly failed: number;
  readonly latency: readonly number[];
  readonly calls: number;
  readonly callsFailed: number;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
const most = (numbers: readonly (number | null)[]): number | null => {
  const known = numbers.filter((n): n is number => n !== null);
  return known.length === 0 ? null : Math.max(...known);
};

/** The quantile (0 to 1) of latencies counted by bucket, in ms, spread evenly within a bucket; null when there are none. */
export function quantileOf(latency: readonly number[], quantile: number): number | null {
  const total = sum(latency);
  if (total === 0) return null;
  let before = 0;
  for (const [i, count] of latency.entries()) {
    if (count > 0 && before + count >= quantile * total) {
      const low = i === 0 ? 0 : latencyBoundsMs[i - 1]!;
      // What took longer than the last bound took at least that.
      const high = latencyBoundsMs[i] ?? low;
      return low + (high - low) * ((quantile * total - before) / count);
    }
    before += count;
  }
  return latencyBoundsMs.at(-1)!;
}

/** What changed from one answer to the next; null: another process, or one of a version that does not count. */
function deltaOf(before: NodeStatus | undefined, after: NodeStatus, seconds: number): Delta | null {
  if (before === undefined || before.incarnation !== after.incarnation || before.pid !== after.pid)
    return null;
  const [a, b] = [before.requests, after.requests] as (NodeStatus['requests'] | undefined)[];
  if (a === undefined || b === undefined || seconds <= 0) return null;
  return {
    seconds,
    ops: b.reads + b.writes - a.reads - a.writes,
    failed: b.failed - a.failed,
    latency: b.latency.map((count, i) => count - (a.latency[i] ?? 0)),
    calls: after.calls.finished - before.calls.finished,
    callsFailed: after.calls.failed - before.calls.failed,
  };
}

function figuresOf(deltas: readonly Delta[], answers: readonly NodeStatus[]): Figures {
  const known = deltas.length > 0;
  const rate = (of: (delta: Delta) => number): number | null =>
    known ? sum(deltas.map((delta) => of(delta) / delta.seconds)) : null;
  const latency = deltas.reduce<number[]>(
    (total, delta) => delta.latency.map((count, i) => count + (total[i] ?? 0)),
    [],
  );
  const inflight = (answer: NodeStatus): number =>
    (answer.requests?.inflight ?? 0) + (answer.calls ? answer.calls.inflight + answer.calls.queued : 0);
  return {
    opsPerSecond: rate((delta) => delta.ops),
    failedPerSecond: rate((delta) => delta.failed),
    p50Ms: quantileOf(latency, 0.5),
    p99Ms: quantileOf(latency, 0.99),
    callsPerSecond: rate((delta) => delta.calls),
    callsFailedPerSecond: rate((delta) => delta.callsFailed),
    inflight: answers.length === 0 ? null : sum(answers.map(inflight)),
  };
}

/** Of each node that answered and backs up something whose primary answered: how many log entries it is behind at most. */
export function lagsOf({ map, answers }: Pick<Sample, 'map' | 'answers'>): Map<NodeId, number> {
  const tails = new Map<number, number>();
  for (const [id, { partitions }] of answers)
    for (const replica of partitions) {
      const config = map.partitions[replica.partition];
      if (replica.role === 'primary' && config !== undefined && nodeOf(config.primary) === id)
        tails.set(replica.partition, replica.tail);
    }
  const lags = new Map<NodeId, number>();
  for (const [id, { partitions }] of answers)
    for (const replica of partitions) {
      const tail = tails.get(replica.partition);
      if (replica.role === 'primary' || tail === undefined) continue;
      // The two answered at different instants: a backup may seem ahead.
      lags.set(id, Math.max(lags.get(id) ?? 0, tail - replica.tail));
    }
  return lags;
}

const inDoubtFirst = (a: TxView, b: TxView): number =>
  Number(b.state === 'in-doubt') - Number(a.state === 'in-doubt');

/** What this look says, compared with the one before (null: there was none). Pure. */
export function overviewOf(previous: Sample | null, sample: Sample): Overview {
  const { at, status, map, answers, transactions, locks } = sample;
  const seconds = previous === null ? 0 : (sample.clock - previous.clock) / 1000;
  const deltas = new Map<NodeId, Delta>();
  for (const [id, answer] of answers) {
    const delta = deltaOf(previous?.answers.get(id), answer, seconds);
    if (delta !== null) deltas.set(id, delta);
  }
  const all = [...deltas.values()];
  const calls = sum(all.map((delta) => delta.calls));
  const lags = lagsOf(sample);
  const total = map.partitions.length;
  const nodes = status.nodes.map(({ id, primaries }): NodeFigures => {
    const delta = deltas.get(id);
    const answer = answers.get(id);
    return {
      id,
      share: total === 0 ? 0 : primaries / total,
      ...figuresOf(delta === undefined ? [] : [delta], answer === undefined ? [] : [answer]),
      callShare: calls === 0 ? null : (delta?.calls ?? 0) / calls,
      lag: lags.get(id) ?? null,
    };
  });
  const idsOf = (parts: readonly TxView[]): number => new Set(parts.map(({ id }) => id)).size;
  return {
    at,
    status,
    ring: map.partitions.map(({ primary }) => (primary === '' ? null : nodeOf(primary))),
    nodes,
    totals: {
      ...figuresOf(all, [...answers.values()]),
      up: answers.size,
      lag: most(nodes.map((node) => node.lag)),
      inDoubt: idsOf(transactions.filter(({ state }) => state === 'in-doubt')),
      transactions: idsOf(transactions),
      locks: locks.filter(({ holders }) => holders.length > 0).length,
      waiting: sum(locks.map((lock) => lock.waiting)),
    },
    transactions: [...transactions].sort(inDoubtFirst).slice(0, TRANSACTIONS_SHOWN),
    locks: locks.slice(0, LOCKS_SHOWN),
  };
}
