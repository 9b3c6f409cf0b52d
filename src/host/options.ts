import type { NodeId } from '../core/map/types.js';
import type { NodeEvent, Ready } from '../core/node.js';
import type { Rules } from '../core/rules.js';
import type { Tuning } from '../core/tuning.js';
import type { Metastore } from '../metastore/contract.js';
import type { Runtime } from '../os/runtime.js';
import type { ServiceRunner } from '../service/runner.js';
import type { NodeStorage } from '../storage/contract.js';
import type { Transport } from '../transport/contract.js';
import type { Arms } from './failpoints.js';

export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface HostOptions {
  readonly node: NodeId;
  readonly cluster: string;
  /** The cluster's folder. */
  readonly folder: string;
  readonly version: string;
  readonly token: string;
  readonly host: string;
  readonly port: number;
  readonly storage: NodeStorage;
  readonly metastore: Metastore;
  readonly transport: Transport;
  /** Revision of the fault plan that the transport has applied; 0: none. */
  readonly faultRevision: () => number;
  /** The faults armed on this node. */
  readonly failpoints: Arms;
  /** The handlers that it runs. */
  readonly services: ServiceRunner;
  readonly log: Log;
  /** The node cannot go on: its disk failed, or it has a defect. The process must end at once. */
  readonly fatal: (error: unknown) => void;
  /** The node was drained and is a member no more: its process is to end. */
  readonly left: () => void;
  /** Clocks, timers and chance; default: the machine's. */
  readonly runtime?: Runtime;
  /** For the simulator: other rules, other bounds, and an observer. */
  readonly rules?: Rules;
  readonly tuning?: HostTuning;
  readonly watch?: HostWatch;
}

/** The bounds of the core, and those of its host. */
export interface HostTuning extends Tuning {
  /** How often applied state goes to the checkpoint, in ms. */
  readonly checkpointMs: number;
}

/** Observes each turn: its events and their results, before and after those are carried out. */
export interface HostWatch {
  turn(events: readonly NodeEvent[], ready: Ready): void;
  carriedOut(ready: Ready): void;
}
