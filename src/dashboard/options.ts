import type { TxView } from '../client/api.js';
import type { Action } from '../cluster/lifecycle/action.js';
import type { Observer } from '../cluster/observe/observer.js';
import type { TraceEvent } from '../core/machine/types.js';
import type { Page } from './page.js';

export interface DashboardOptions {
  readonly observer: Pick<Observer, 'last' | 'history' | 'events' | 'subscribe' | 'note' | 'hurry'>;
  readonly cluster: string;
  /** The cluster is named in the commands that are shown. */
  readonly named: boolean;
  /** From one look to the next, in ms; for the page's words. */
  readonly everyMs: number;
  /** By the order of the nodes, `#rrggbb`. */
  readonly colors: readonly string[];
  readonly page: Page;
  /** 0: the system picks. */
  readonly port: number;
  /** Does it, and says what was done; rejects with a `MusterError`. */
  readonly act: (action: Action) => Promise<string>;
  /** What is known of a transaction. */
  readonly trace: (tx: string) => Promise<{ parts: readonly TxView[]; trace: readonly TraceEvent[] }>;
}
