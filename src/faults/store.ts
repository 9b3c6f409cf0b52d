import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { MusterError } from '../errors.js';
import { isNoFile, readWholeSync, replaceWholeSync } from '../files/whole.js';
import { faultsFile } from '../layout/paths.js';
import { type FaultPlan, noFaults } from './plan.js';
import { validatePlan } from './validate.js';

/** The fault plan of the cluster in this folder; throws `faults-corrupt` or `metastore-unavailable`. */
export function readFaults(dir: string): FaultPlan {
  const path = faultsFile(dir);
  try {
    const text = readWholeSync(path);
    return text === null ? noFaults : validatePlan(JSON.parse(text));
  } catch (cause) {
    const damaged = cause instanceof SyntaxError || cause instanceof MusterError || isNoFile(cause);
    throw new MusterError(
      damaged ? 'faults-corrupt' : 'metastore-unavailable',
      `${damaged ? `the fault plan ${path} is damaged` : 'cannot read the fault plan'}: ${(cause as Error).message}`,
      { details: { path }, tookEffect: 'no', cause },
    );
  }
}

/** Puts this plan in place by an atomic rename, so that a reader sees the old or the new one, whole. Throws `metastore-unavailable`. */
export function writeFaults(dir: string, plan: FaultPlan): void {
  const path = faultsFile(dir);
  try {
    replaceWholeSync(path, `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw new MusterError(
      'metastore-unavailable',
      `cannot write the fault plan ${path}: ${(cause as Error).message}`,
      { details: { path }, tookEffect: 'no', cause },
    );
  }
}

export interface Follower {
  /** A plan to apply: first the one there is, then each new one. */
  readonly apply: (plan: FaultPlan) => void;
  /** The plan cannot be read: the last one stays. Told once for each state of the file. */
  readonly unreadable: (error: MusterError) => void;
}

/** How often the file is looked at, in ms. */
const lookMs = 100;

/**
 * Follows the fault plan of the cluster in this folder. Its first state is told before this returns, each later one
 * within some `lookMs`. Returns what ends it.
 */
export function followFaults(dir: string, follower: Follower): () => void {
  const path = faultsFile(dir);
  const read = (): void => {
    let plan: FaultPlan;
    try {
      plan = readFaults(dir);
    } catch (error) {
      follower.unreadable(error as MusterError);
      return;
    }
    follower.apply(plan);
  };
  let seen = stateOf(statSync(path, { bigint: true, throwIfNoEntry: false }));
  read();
  let looking = false;
  // Never `statSync` again: a disk that hangs must not hold up the node, which ends by itself then.
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const now = stateOf(await stat(path, { bigint: true }).catch(() => undefined));
    looking = false;
    if (now === seen) return;
    seen = now;
    read();
  };
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Tells two states of a file apart without reading it: each is written as a file of its own. */
const stateOf = (stats: BigIntStats | undefined): string =>
  stats === undefined ? 'none' : `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
