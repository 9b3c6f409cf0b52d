import type { ClusterStatus } from '../../cluster/observe/status.js';

/** The state of the selected cluster. */
export interface Situation {
  readonly cluster: string;
  /** null: it could not be read; `problem` says why. */
  readonly status: ClusterStatus | null;
  readonly problem: string | null;
  /** Transactions that wait for their decision. */
  readonly inDoubt: number;
}
