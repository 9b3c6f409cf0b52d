/** The library: `import { connect } from 'muster-cluster'`. */

import type { MusterClient } from './client/api.js';
import { openClient } from './client/open.js';
import { clusterDir } from './layout/paths.js';

export type {
  CallOptions,
  CallReport,
  Considered,
  CounterEntry,
  Json,
  KvEntry,
  MusterClient,
  NodeLoad,
  NodeStatus,
  PartitionStatus,
  Pick,
  PutOptions,
  RouterOptions,
  RouterView,
  ServiceCallOptions,
  ServiceRouter,
  ServiceView,
  StrategyName,
} from './client/api.js';
export {
  defineService,
  type Handler,
  type HandlerContext,
  type ServiceDefinition,
} from './client/service.js';
export type { ClusterMap, Member, PartitionConfig, Settings } from './core/map/types.js';
export { type ErrorCode, MusterError, type TookEffect } from './errors.js';

/**
 * Connects to a cluster on this machine by its name. Every operation is exactly once: it is retried under one
 * identity until it is answered or `timeoutMs` has passed (default 10,000). Rejects with `MusterError`.
 */
export function connect(options: { cluster: string; timeoutMs?: number }): Promise<MusterClient> {
  const { cluster, ...rest } = options;
  return openClient({ clusterDir: clusterDir(cluster), ...rest });
}
