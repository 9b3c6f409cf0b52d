import { type RouteReport, runRoute } from '../bench/route.js';
import type { MusterClient } from '../client/api.js';
import type { LocalCluster } from '../cluster/folder/registry.js';
import { startNodes } from '../cluster/lifecycle/start.js';
import { killNode } from '../cluster/processes/nodes.js';
import { bar } from '../render/bar.js';
import { unicodeOn } from '../render/terminal.js';
import { percent } from '../text/format.js';

const requests = 3000;

/** A burst of requests to a handler, with a node killed halfway, narrated as it happens. The node is started again. */
export async function routeStory(
  cluster: LocalCluster,
  client: MusterClient,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<RouteReport> {
  const victim = cluster.file.nodes.at(-1)?.id as string;
  say(`   Every node runs the handler demo.sleep; n1 is four times slower than the others.\n`);
  const router = await client.router({ strategy: 'two-choices' });
  let killed: Promise<number> | null = null;
  const report = await runRoute(router, {
    to: 'demo.sleep',
    params: { ms: 5, slow: { n1: 4 } },
    count: requests,
    concurrency: 64,
    call: { timeoutMs: 20_000 },
    signal,
    progress: (done) => {
      if (killed !== null || done < requests / 3) return;
      say(`   ${done} of ${requests} requests answered: killing ${victim} with SIGKILL.\n`);
      killed = killNode(cluster, victim);
    },
  });
  await killed;
  for (const { id, share, requests: answered } of report.nodes)
    say(`   ${id} ${bar(share, 1, 20, unicodeOn())} ${percent(share)}, ${answered} requests\n`);
  say(
    `   ${report.ok} answered, ${report.failed} failed, ${report.retries} retried: the slow node got fewer requests, the dead one none.\n`,
  );
  if (killed !== null)
    await startNodes(cluster, [victim], { kind: 'in-sync' }, { timeoutMs: 30_000, signal });
  return report;
}
