import type { CallReport, ServiceCallOptions, ServiceRouter } from '../client/api.js';
import { MusterError } from '../errors.js';
import { Latency } from './latency.js';

export interface RouteOptions {
  /** SERVICE.METHOD. */
  readonly to: string;
  readonly params: unknown;
  readonly count: number;
  readonly concurrency: number;
  readonly call: ServiceCallOptions;
  /** The key of each request, by its number from 0. */
  readonly key?: (i: number) => string;
  /** The first request that fails rejects with its error. */
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
  /** Told a few times a second how many are done. */
  readonly progress?: (done: number, failed: number) => void;
}

/** Latencies in ms; of a node, those of the requests that it answered. */
export interface RouteNode {
  readonly id: string;
  readonly requests: number;
  readonly share: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Attempts at it that failed, its handlers' own errors included. */
  readonly errors: number;
  readonly ejections: number;
}

export interface RouteReport {
  readonly strategy: string;
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  /** Attempts beyond the first of each request. */
  readonly retries: number;
  readonly elapsedMs: number;
  readonly perSecond: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly nodes: readonly RouteNode[];
  /** Failed requests by the code of their error. */
  readonly errors: Readonly<Record<string, number>>;
  /** What was answered last. */
  readonly value: unknown;
  /** The first of the errors. */
  readonly firstError: { readonly code: string; readonly message: string } | null;
}

const reportMs = 200;

/** Sends `count` requests, so many at once, and says who answered how many and how fast. A request that fails is counted. */
export async function runRoute(router: ServiceRouter, options: RouteOptions): Promise<RouteReport> {
  const { to, params, count, concurrency, key, signal, progress } = options;
  const all = new Latency();
  const byNode = new Map<string, Latency>();
  const errors: Record<string, number> = {};
  let firstError: RouteReport['firstError'] = null;
  let [next, ok, failed, retries] = [0, 0, 0, 0];
  let value: unknown = null;
  let toldAt = 0;
  const answered = (report: CallReport): void => {
    ok++;
    value = report.value;
    retries += report.attempts - 1;
    all.record(report.ms);
    let node = byNode.get(report.node);
    if (node === undefined) {
      node = new Latency();
      byNode.set(report.node, node);
    }
    node.record(report.ms);
  };
  const refused = (error: unknown): void => {
    if (!(error instanceof MusterError)) throw error;
    // Nothing can come of the others either.
    if (options.strict === true || error.code === 'usage' || error.code === 'unknown-service') throw error;
    failed++;
    errors[error.code] = (errors[error.code] ?? 0) + 1;
    firstError ??= { code: error.code, message: error.message };
    const { attempts } = error.details;
    if (typeof attempts === 'number') retries += attempts - 1;
  };
  const begin = performance.now();
  const lane = async (): Promise<void> => {
    while (next < count && signal?.aborted !== true) {
      const i = next++;
      const call = key === undefined ? options.call : { ...options.call, key: key(i) };
      try {
        answered(await router.route(to, params, call));
      } catch (error) {
        refused(error);
      }
      const now = performance.now();
      if (progress !== undefined && now - toldAt >= reportMs) {
        toldAt = now;
        progress(ok + failed, failed);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
  const elapsedMs = performance.now() - begin;
  const view = router.view();
  const nodes = view.nodes.map(({ id, errors: wrong, ejections }): RouteNode => {
    const latency = byNode.get(id) ?? new Latency();
    return {
      id,
      requests: latency.count,
      share: ok === 0 ? 0 : latency.count / ok,
      p50: latency.at(50),
      p95: latency.at(95),
      p99: latency.at(99),
      errors: wrong,
      ejections,
    };
  });
  return {
    strategy: view.strategy,
    requests: ok + failed,
    ok,
    failed,
    retries,
    elapsedMs: Math.round(elapsedMs),
    perSecond: ((ok + failed) * 1000) / elapsedMs,
    p50: all.at(50),
    p95: all.at(95),
    p99: all.at(99),
    nodes: nodes.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true })),
    errors,
    value,
    firstError,
  };
}
