/** How unreliable the simulated metastore is. */
export interface MetastoreFaults {
  /** Probability that a publish fails without effect, and says so. */
  readonly fail: number;
  /** Probability that a publish has no effect and its outcome is not known. */
  readonly lost: number;
  /** Probability that a publish takes effect and its outcome is not known. */
  readonly timeoutAfter: number;
  /** Probability that the outcome is not known and the attempt reaches the store only much later. */
  readonly late: number;
  /** Probability that a read fails. */
  readonly readFail: number;
}
