import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS = 0x01021994;

/**
 * One folder for the data of everyone compared, so that all sync the same disk. `parent`: where to make it.
 * Throws when that is in memory, where syncing costs nothing and figures would mean nothing.
 */
export function makeWorkspace(parent: string = tmpdir()): { dir: string; remove: () => void } {
  if (statfsSync(parent).type === TMPFS)
    throw new Error(
      `${parent} is in memory, so nothing there is ever synced: name a folder on a disk with --dir`,
    );
  const dir = mkdtempSync(join(parent, 'muster-bench-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
