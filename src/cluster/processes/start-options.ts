import type { NodeEntry } from './entry.js';

/** How nodes are started, and how long they are waited for. */
export interface StartOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Told what is being done and, while waiting, what is still missing. */
  readonly progress?: (text: string) => void;
  /** Nodes end with this process. */
  readonly tethered?: boolean;
  /** For tests: another program than the node's own. */
  readonly entry?: NodeEntry;
}
