import { randomUUID } from 'node:crypto';
import type { FileSystem } from '../files/contract.js';
import { nodeFiles } from '../files/node.js';
import { lockFolder, type Release } from './lock.js';

/** What a store takes from the world around it. In the simulator all of it is drawn from the seed. */
export interface Platform {
  readonly files: FileSystem;
  /** Keeps a data folder to one process. Rejects with `storage-locked`. */
  readonly lock: (dir: string) => Promise<Release>;
  /** A new uuid. */
  readonly newId: () => string;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
}

/** The operating system's. */
export const systemPlatform: Platform = {
  files: nodeFiles,
  lock: (dir) => lockFolder(dir),
  newId: () => randomUUID(),
  now: () => Date.now(),
};
