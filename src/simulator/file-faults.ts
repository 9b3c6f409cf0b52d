/** How often which call of the simulated file system fails. */
export interface FileFaults {
  /** Probability that a call fails with EIO; one that changes something may have done so. */
  readonly io: number;
  /** Probability that a call that needs space fails with ENOSPC. */
  readonly full: number;
  /** Probability that a read or write is shorter than asked for. */
  readonly short: number;
  /** Probability that others change a folder between two parts of one reading of it. */
  readonly parts: number;
  /** Probability that opening a file finds that the system has forgotten its clean pages, and reads them from the disk again. */
  readonly stale: number;
  /** Probability that an un-synced write, at a power failure, has gone to another place in its file. */
  readonly misdirected: number;
}

export const noFileFaults: FileFaults = { io: 0, full: 0, short: 0, parts: 0, stale: 0, misdirected: 0 };
