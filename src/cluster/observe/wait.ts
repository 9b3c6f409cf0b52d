import type { MusterClient } from '../../client/api.js';
import { nodeOf } from '../../core/map/types.js';
import { hashKey, partitionOf } from '../../core/ring/hash.js';
import { invalid, MusterError } from '../../errors.js';
import { plural } from '../../text/format.js';
import { didYouMean } from '../../text/nearest.js';
import { pause } from '../../util/pause.js';
import type { LocalCluster } from '../folder/registry.js';
import { mapProblem } from '../folder/restore.js';
import { unsettled } from '../placement/placing.js';
import { type ClusterStatus, lookAt, type Seen } from './status.js';

export type Condition =
  /** Every partition serves. */
  | { readonly kind: 'ready' }
  /** So many nodes are up and answer. */
  | { readonly kind: 'members'; readonly count: number }
  /** Every partition has all its replicas in sync, and serves. */
  | { readonly kind: 'in-sync' }
  /** Every partition matches its target placement, and no member is joining or draining. */
  | { readonly kind: 'rebalanced' }
  /** This node is the serving primary of the key's partition; without a key, of any. */
  | { readonly kind: 'primary'; readonly node: string; readonly of: string | null };

const conditionNames: readonly Condition['kind'][] = ['ready', 'members', 'in-sync', 'rebalanced', 'primary'];

/** Reads `ready`, `members=5`, `in-sync`, `rebalanced` or `primary=n2` (with the key of `--of`); rejects with `usage`. */
export function parseCondition(text: string, of: string | null): Condition {
  const [kind, value] = text.split('=', 2);
  if (kind === 'ready' && value === undefined) return { kind: 'ready' };
  if (kind === 'in-sync' && value === undefined) return { kind: 'in-sync' };
  if (kind === 'rebalanced' && value === undefined) return { kind: 'rebalanced' };
  if (kind === 'members' && value !== undefined && /^\d+$/.test(value))
    return { kind: 'members', count: Number(value) };
  if (kind === 'primary' && value) return { kind: 'primary', node: value, of };
  const expected = `ready, members=N, in-sync, rebalanced or primary=ID${didYouMean(kind ?? '', conditionNames)}`;
  throw invalid('condition', text, expected, { details: { command: 'wait' } });
}

/** The condition as a command line has it. */
function nameOf(condition: Condition): string {
  switch (condition.kind) {
    case 'members':
      return `members=${condition.count}`;
    case 'primary':
      return `primary=${condition.node}${condition.of === null ? '' : ` of "${condition.of}"`}`;
    default:
      return condition.kind;
  }
}

/** Null when the condition holds, else what is missing, in words. */
function missing(condition: Condition, { status, map }: Seen): string | null {
  const { total, serving, inSync } = status.partitions;
  const unserved =
    serving === total ? null : `${total - serving} of ${plural(total, 'partition')} unavailable`;
  switch (condition.kind) {
    case 'ready':
      return unserved;
    case 'members': {
      const up = status.nodes.filter((n) => n.state === 'up' && n.reachable).length;
      return up === condition.count ? null : `${plural(up, 'node')} up, expected ${condition.count}`;
    }
    case 'in-sync': {
      if (inSync < total) return `${total - inSync} of ${plural(total, 'partition')} not in sync`;
      return unserved;
    }
    case 'rebalanced':
      // The newest primary may not serve its partition yet.
      return unsettled(map) ?? unserved;
    case 'primary': {
      const key = condition.of;
      if (key === null) {
        const holds = map.partitions.some((p) => nodeOf(p.primary) === condition.node);
        return holds ? null : `${condition.node} is not primary of any partition`;
      }
      const config = map.partitions[partitionOf(hashKey(key), map.partitions.length)]!;
      const primary = nodeOf(config.primary);
      return primary === condition.node ? null : `primary of "${key}" is ${primary}`;
    }
  }
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Told after each look what is still missing. */
  readonly progress?: (missing: string, status: ClusterStatus) => void;
  /** Rejects when waiting has become pointless (a node ended while starting). */
  readonly unless?: Promise<never>;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 100;

/**
 * Waits until the condition holds. Looks again every 20 ms at first, then ever less often down to ten times
 * a second. Rejects with `timeout` (saying what was missing at the end), `metastore-rolled-back` or `interrupted`.
 */
export async function waitFor(
  cluster: LocalCluster,
  client: MusterClient,
  condition: Condition,
  options: WaitOptions,
): Promise<ClusterStatus> {
  const deadline = performance.now() + options.timeoutMs;
  const look = async (): Promise<ClusterStatus> => {
    for (let rest = FIRST_PAUSE_MS; ; rest = Math.min(rest * 1.5, LONGEST_PAUSE_MS)) {
      if (options.signal?.aborted)
        throw new MusterError('interrupted', 'interrupted while waiting', { tookEffect: 'no' });
      const left = deadline - performance.now();
      const seen = await lookAt(cluster, client, Math.max(50, Math.min(left, 1000)));
      const lack = missing(condition, seen);
      if (lack === null) return seen.status;
      // A map that was put back to an older one stays so until it is restored.
      const problem = seen.status.mapProblem === null ? null : await mapProblem(cluster);
      if (problem !== null) throw problem;
      if (performance.now() >= deadline) {
        throw new MusterError(
          'timeout',
          `timed out after ${options.timeoutMs} ms waiting for ${nameOf(condition)}: ${lack}`,
          {
            tookEffect: 'no',
          },
        );
      }
      options.progress?.(lack, seen.status);
      await pause(Math.min(rest, Math.max(1, deadline - performance.now())), options.signal);
    }
  };
  return options.unless ? Promise.race([look(), options.unless]) : look();
}
