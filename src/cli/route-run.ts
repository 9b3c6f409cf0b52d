import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type RouteReport, runRoute } from '../bench/route.js';
import type { CallReport, MusterClient, RouterOptions } from '../client/api.js';
import { MusterError } from '../errors.js';
import { bar } from '../render/bar.js';
import { unicodeOn } from '../render/terminal.js';
import { plural } from '../text/format.js';
import { namesBeside } from '../text/nearest.js';

export interface RoutingRun {
  readonly to: string;
  readonly params: unknown;
  readonly count: number;
  readonly concurrency: number;
  /** Names, or paths of modules whose default export chooses. */
  readonly strategies: readonly string[];
  readonly weights?: Readonly<Record<string, number>>;
  /** May hold `{i}`, the number of the request. */
  readonly key?: string;
  readonly idempotent?: boolean;
  readonly hedge?: number;
  readonly explain: boolean;
  readonly timeoutMs: number;
}

export interface RoutingDone {
  /** One for each strategy, the lowest p99 first. */
  readonly reports: readonly RouteReport[];
  /** One more request by the last strategy, with who was considered; `--explain` only. */
  readonly explained: CallReport | null;
}

type Strategy = NonNullable<RouterOptions['strategy']>;

/** A strategy by its name, or loaded from a module. Rejects with `usage`, naming the file. */
export async function strategyOf(name: string): Promise<Strategy> {
  if (!/[/\\]|\.[cm]?js$/.test(name)) return name as Strategy;
  const path = resolve(name);
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new MusterError('usage', `cannot load strategy ${path}: ${(error as Error).message}`);
  }
  if (typeof exported !== 'function')
    throw new MusterError(
      'usage',
      `invalid strategy ${path}: expected a default export (candidates, request) => id`,
    );
  return exported as Strategy;
}

/** Rejects with `unknown-node` when a weight names no node. */
export async function checkWeights(client: MusterClient, weights: RoutingRun['weights']): Promise<void> {
  if (weights === undefined) return;
  const known = Object.keys((await client.map()).members);
  for (const id of Object.keys(weights))
    if (!known.includes(id))
      throw new MusterError(
        'unknown-node',
        `unknown node "${id}" in --weights: the nodes are ${namesBeside(id, known)}`,
        {
          details: { node: id },
        },
      );
}

/** Runs the requests, strategy after strategy. Rejects with `usage`, `unknown-node` or `unknown-service`; failed requests are counted. */
export async function runRouting(
  client: MusterClient,
  run: RoutingRun,
  told: { update(text: string): void },
  signal: AbortSignal,
): Promise<RoutingDone> {
  const { to, params, count, concurrency, weights, key, idempotent, hedge, timeoutMs } = run;
  await checkWeights(client, weights);
  const strategies = await Promise.all(run.strategies.map(strategyOf));
  const call = {
    timeoutMs,
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(hedge === undefined ? {} : { hedge }),
  };
  const reports: RouteReport[] = [];
  let explained: CallReport | null = null;
  for (const [i, strategy] of strategies.entries()) {
    const router = await client.router({ strategy, ...(weights === undefined ? {} : { weights }) });
    const name = typeof strategy === 'string' ? strategy : (run.strategies[i] as string);
    const report = await runRoute(router, {
      to,
      params,
      count,
      concurrency,
      call,
      strict: count === 1,
      ...(key === undefined ? {} : { key: (n: number) => key.replaceAll('{i}', String(n)) }),
      signal,
      progress: (done, failed) => {
        const drawn = bar(done, count, 20, unicodeOn());
        told.update(`${name} ${drawn} ${done} of ${plural(count, 'request')}, ${failed} failed`);
      },
    });
    reports.push({ ...report, strategy: name });
    if (run.explain && !signal.aborted)
      explained = await router.route(to, params, {
        ...call,
        explain: true,
        ...(key === undefined ? {} : { key }),
      });
  }
  const slowness = ({ p99 }: RouteReport): number => p99 ?? Number.POSITIVE_INFINITY;
  return { reports: reports.sort((a, b) => slowness(a) - slowness(b)), explained };
}
