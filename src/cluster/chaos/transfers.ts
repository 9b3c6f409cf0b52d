import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { nodeOf } from '../../core/map/types.js';
import { Random } from '../../core/random.js';
import { MusterError } from '../../errors.js';
import { type FaultPlan, type FaultSpec, withFault, withoutFaults } from '../../faults/plan.js';
import { pause } from '../../util/pause.js';
import { freshRoster, type LocalCluster } from '../folder/registry.js';
import { changeFaults } from '../lifecycle/faults.js';
import { waitFor } from '../observe/wait.js';
import type { NodeEntry } from '../processes/entry.js';
import { launchNode } from '../processes/launch.js';
import { killNode } from '../processes/nodes.js';

export interface TransferOptions {
  readonly transfers: number;
  /** Begins none after this long, in ms. */
  readonly mostMs?: number;
  readonly accounts: number;
  readonly concurrency: number;
  /** A node is killed (SIGKILL) this often, in ms, and started again half of that later; 0: never. */
  readonly killEveryMs: number;
  /** The network is cut in two for `netsplitMs` this often, in ms; 0: never. */
  readonly netsplitEveryMs: number;
  readonly netsplitMs: number;
  /** How long one transfer is tried, in ms. */
  readonly operationMs: number;
  readonly seed: number;
  /** The program of nodes started again. */
  readonly entry?: NodeEntry;
  readonly told?: (event: string) => void;
}

/** The trouble that transfers are to come through: a kill each second and a netsplit now and then. */
export const usualTrouble = {
  accounts: 100,
  concurrency: 32,
  killEveryMs: 1000,
  netsplitEveryMs: 12_000,
  netsplitMs: 4000,
  operationMs: 120_000,
} as const;

export interface TransferReport {
  readonly seed: number;
  readonly committed: number;
  /** Certainly not done. */
  readonly aborted: number;
  readonly unknown: number;
  readonly kills: number;
  readonly netsplits: number;
  /** Sum of all accounts, seen in one transaction and one by one: 0, for money is neither made nor lost. */
  readonly total: number;
  readonly totalOneByOne: number;
  /** From the last fault until no transaction was open any more, in ms. */
  readonly settledMs: number;
  readonly durationMs: number;
  /** What is wrong; empty: nothing. */
  readonly wrong: readonly string[];
}

const account = (i: number): string => `account/${i}`;

/**
 * Promise 3 on real processes: money is moved between accounts on many partitions while nodes are killed and the network is cut.
 * Leaves every node running and no fault. Rejects with `timeout` when the cluster does not heal.
 */
export async function transferUnderFaults(
  cluster: LocalCluster,
  options: TransferOptions,
): Promise<TransferReport> {
  const client = await openClient({ clusterDir: cluster.dir, timeoutMs: options.operationMs });
  const observer = await openClient({ clusterDir: cluster.dir, timeoutMs: 5000 });
  const begin = performance.now();
  const tally = { started: 0, committed: 0, aborted: 0, unknown: 0 };
  const sure = new Map<number, number>();
  let running = true;
  try {
    const faults = strike(cluster, observer, options, () => running);
    await Promise.all(
      Array.from({ length: options.concurrency }, (_, i) =>
        move(client, options, new Random(options.seed + i), tally, sure),
      ),
    );
    running = false;
    const { kills, netsplits } = await faults;
    const healed = performance.now();
    options.told?.('last fault ended');
    const settledMs = await settle(observer, healed);
    await waitFor(cluster, observer, { kind: 'in-sync' }, { timeoutMs: 60_000 });
    const { total, totalOneByOne, wrong } = await judge(client, options, tally.unknown, sure);
    const { started: _, ...sums } = tally;
    return {
      seed: options.seed,
      ...sums,
      kills,
      netsplits,
      total,
      totalOneByOne,
      settledMs,
      durationMs: Math.round(performance.now() - begin),
      wrong,
    };
  } finally {
    running = false;
    await Promise.all([client.close(), observer.close()]);
  }
}

async function move(
  client: MusterClient,
  { transfers, accounts, mostMs = Number.POSITIVE_INFINITY }: TransferOptions,
  random: Random,
  tally: { started: number; committed: number; aborted: number; unknown: number },
  sure: Map<number, number>,
): Promise<void> {
  const end = performance.now() + mostMs;
  while (tally.started < transfers && performance.now() < end) {
    tally.started++;
    const from = random.below(accounts);
    const to = (from + 1 + random.below(accounts - 1)) % accounts;
    const by = 1 + random.below(100);
    try {
      const report = await client.tx.run([
        { type: 'incr', key: account(from), by: -by },
        { type: 'incr', key: account(to), by },
      ]);
      tally[report.outcome]++;
      if (report.outcome !== 'committed') continue;
      sure.set(from, (sure.get(from) ?? 0) - by);
      sure.set(to, (sure.get(to) ?? 0) + by);
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      if (error.tookEffect === 'unknown') tally.unknown++;
      else tally.aborted++;
    }
  }
}

/** The rhythm of the faults is wall time by intent. */
async function strike(
  cluster: LocalCluster,
  observer: MusterClient,
  options: TransferOptions,
  running: () => boolean,
): Promise<{ kills: number; netsplits: number }> {
  const random = new Random(options.seed + 1_000_003);
  const [kills, netsplits] = await Promise.all([
    killAgainAndAgain(cluster, observer, options, random.fork(), running),
    cutAgainAndAgain(cluster, options, random.fork(), running),
  ]);
  return { kills, netsplits };
}

async function killAgainAndAgain(
  cluster: LocalCluster,
  observer: MusterClient,
  { killEveryMs, told, entry }: TransferOptions,
  random: Random,
  running: () => boolean,
): Promise<number> {
  let kills = 0;
  while (killEveryMs > 0 && running()) {
    await pause(killEveryMs / 2);
    if (!running()) break;
    // A primary: of coordinators and participants alike there are as many as of partitions.
    const victim = nodeOf(random.pick((await observer.map()).partitions).primary);
    if (freshRoster(cluster).find((row) => row.id === victim)?.state !== 'running') continue;
    told?.(`SIGKILL ${victim}`);
    await killNode(cluster, victim);
    kills++;
    await pause(killEveryMs / 2);
    launchNode(cluster.dir, cluster.file, victim, entry ? { entry } : {});
  }
  return kills;
}

async function cutAgainAndAgain(
  cluster: LocalCluster,
  { netsplitEveryMs, netsplitMs, told }: TransferOptions,
  random: Random,
  running: () => boolean,
): Promise<number> {
  let netsplits = 0;
  if (netsplitEveryMs === 0) return 0;
  const change = (edit: (plan: FaultPlan) => FaultPlan): Promise<unknown> =>
    // A node that is just being killed confirms nothing: it finds the plan when it starts.
    changeFaults(cluster, edit, { timeoutMs: 2000 }).catch((error: MusterError) => {
      if (error.code !== 'timeout') throw error;
    });
  while (running()) {
    for (let left = netsplitEveryMs - netsplitMs; left > 0 && running(); left -= 100) await pause(100);
    if (!running()) break;
    const nodes = cluster.file.nodes.map((n) => n.id);
    const size = 1 + random.below(Math.floor(nodes.length / 2));
    const shuffled = [...nodes].sort(() => random.next() - 0.5);
    const spec: FaultSpec = {
      kind: 'netsplit',
      groups: [shuffled.slice(0, size), shuffled.slice(size)],
      oneWay: random.chance(0.3),
    };
    told?.(`netsplit ${spec.groups.map((g) => g.join(',')).join('/')}${spec.oneWay ? ' one way' : ''}`);
    await change((plan) => withFault(plan, spec));
    netsplits++;
    await pause(netsplitMs);
    await change((plan) => withoutFaults(plan, 'all'));
    told?.('healed');
  }
  return netsplits;
}

/** Until no transaction is open in any partition. */
async function settle(observer: MusterClient, since: number): Promise<number> {
  for (;;) {
    try {
      if ((await observer.tx.list({ timeoutMs: 2000 })).length === 0)
        return Math.round(performance.now() - since);
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
    }
    if (performance.now() - since > 60_000)
      throw new MusterError('timeout', 'timed out after 60 s waiting for open transactions to end');
    await pause(50);
  }
}

async function judge(
  client: MusterClient,
  { accounts }: TransferOptions,
  unknown: number,
  sure: ReadonlyMap<number, number>,
): Promise<{ total: number; totalOneByOne: number; wrong: string[] }> {
  const wrong: string[] = [];
  const items = Array.from({ length: accounts }, (_, i) => ({ type: 'get' as const, key: account(i) }));
  const report = await client.tx.run(items);
  if (report.outcome !== 'committed')
    wrong.push(`transaction that reads all accounts: expected committed, got ${report.outcome}`);
  const total = report.reads.reduce((sum, { value }) => sum + ((value as number | null) ?? 0), 0);
  if (total !== 0) wrong.push(`sum of all accounts in one transaction: expected 0, got ${total}`);
  let totalOneByOne = 0;
  for (let i = 0; i < accounts; i++) {
    const value = (await client.counter.get(account(i))) as number;
    totalOneByOne += value;
    if (unknown === 0 && value !== (sure.get(i) ?? 0))
      wrong.push(`${account(i)}: expected ${sure.get(i) ?? 0}, got ${value}`);
  }
  if (totalOneByOne !== 0)
    wrong.push(`sum of all accounts read one by one: expected 0, got ${totalOneByOne}`);
  return { total, totalOneByOne, wrong };
}
