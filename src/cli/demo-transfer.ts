import type { MusterClient } from '../client/api.js';
import type { LocalCluster } from '../cluster/folder/registry.js';
import { startNodes } from '../cluster/lifecycle/start.js';
import { killNode } from '../cluster/processes/nodes.js';
import { nodeOf } from '../core/map/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { MusterError } from '../errors.js';
import { pause } from '../util/pause.js';

export interface TransferStory {
  readonly id: string;
  readonly coordinator: string;
  /** From the death of the coordinator to the client's answer, in ms. */
  readonly decidedMs: number;
  readonly balances: { readonly alice: number; readonly bob: number };
}

/** Two accounts whose partitions have their primaries on different nodes. */
async function twoAccounts(client: MusterClient): Promise<{ from: string; to: string; coordinator: string }> {
  const map = await client.map();
  const primary = (key: string): string =>
    nodeOf(map.partitions[partitionOf(hashKey(key), map.partitions.length)]?.primary ?? '');
  const from = 'account/alice';
  for (let i = 0; ; i++) {
    const to = i === 0 ? 'account/bob' : `account/bob-${i}`;
    if (primary(to) !== primary(from)) return { from, to, coordinator: primary(from) };
  }
}

/** A transfer pauses when all participants have prepared, its coordinator is killed, and it still completes in full. */
export async function transferStory(
  cluster: LocalCluster,
  client: MusterClient,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<TransferStory> {
  const { from, to, coordinator } = await twoAccounts(client);
  await client.counter.incr(from, 100);
  say(`   ${from} holds 100. Moving 30 to ${to}, in a partition on another node, with two-phase commit:\n`);
  const outcome = client.tx.run(
    [
      { type: 'incr', key: from, by: -30 },
      { type: 'incr', key: to, by: 30 },
    ],
    { pauseAt: 'prepared', timeoutMs: 30_000 },
  );
  outcome.catch(() => {});
  const deadline = performance.now() + 10_000;
  let open = await client.tx.list();
  while (!open.some((t) => t.state === 'in-doubt')) {
    if (signal.aborted) throw new MusterError('interrupted', 'interrupted', { tookEffect: 'no' });
    if (performance.now() > deadline)
      throw new MusterError('timeout', 'the transfer was not prepared in time');
    await pause(20);
    open = await client.tx.list();
  }
  const id = open[0]?.id ?? '';
  say(
    `   both partitions are prepared, and ${id} is undecided. Killing its coordinator ${coordinator} with SIGKILL.\n`,
  );
  await killNode(cluster, coordinator);
  const killed = performance.now();
  const report = await outcome;
  const decidedMs = Math.round(performance.now() - killed);
  const [alice, bob] = await Promise.all([client.counter.get(from), client.counter.get(to)]);
  const balances = { alice: alice as number, bob: bob as number };
  say(
    `   A backup took over, found that all participants had prepared, and finished it: ${report.outcome} ${decidedMs} ms after the kill.\n` +
      `   ${from} holds ${balances.alice}, ${to} holds ${balances.bob}: ${balances.alice + balances.bob} in total.\n`,
  );
  await startNodes(cluster, [coordinator], { kind: 'in-sync' }, { timeoutMs: 30_000, signal });
  return { id, coordinator, decidedMs, balances };
}
