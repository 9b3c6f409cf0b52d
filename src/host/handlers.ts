import type { MusterClient } from '../client/api.js';
import type { HandlerContext } from '../client/service.js';
import type { ClusterFile } from '../layout/paths.js';
import { limits } from '../limits.js';
import { demoService } from '../service/demo.js';
import { loadServices } from '../service/load.js';
import { type Invocation, Services } from '../service/runner.js';
import type { NodeLog } from './log.js';

/** Loaded only where a handler may ask for it: a node's start pays for every module. */
async function clientOf(dir: string): Promise<MusterClient> {
  const { openClient } = await import('../client/open.js');
  return openClient({ clusterDir: dir });
}

/** The handlers of a node: those of its cluster's modules, and the built-in ones. Rejects with `service-invalid`. */
export async function handlersOf(
  file: ClusterFile,
  dir: string,
  node: string,
  log: NodeLog,
): Promise<Services> {
  const own = await loadServices(file.services ?? []);
  const demo = own.some(({ name }) => name === 'demo') ? [] : [demoService(node)];
  // A client of its own cluster, for handlers that use one.
  const opened = own.length === 0 ? null : await clientOf(dir);
  const context = (invocation: Invocation): unknown => {
    if (opened === null) return invocation;
    const client = opened;
    const { service, method } = invocation;
    const remainingMs = (): number => invocation.deadline - performance.now();
    const context: HandlerContext = {
      node,
      service,
      method,
      get signal() {
        return invocation.signal;
      },
      remainingMs,
      kv: client.kv,
      counter: client.counter,
      tx: client.tx,
      transaction: (work, options) => client.transaction(work, options),
      lock: (name, options, work) => client.lock(name, options, work),
      call: (to, params, options = {}) =>
        client.call(to, params, {
          ...options,
          timeoutMs: Math.max(1, Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, remainingMs())),
        }),
      log: (message, fields = {}) => log.info({ service, method, ...fields }, message),
    };
    return context;
  };
  return new Services({
    services: [...own, ...demo],
    maxInflight: file.maxInflight ?? limits.serviceInflight,
    context,
    failed: ({ service, method }, error) => {
      // The built-in one fails as it is asked to, and has nothing to tell.
      if (demo.some(({ name }) => name === service)) return;
      const stack = error instanceof Error ? error.stack : String(error);
      log.warn({ service, method, stack }, `${service}.${method} failed`);
    },
  });
}
