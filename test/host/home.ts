import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { findCluster } from '../../src/cluster/folder/registry.js';
import { removeCluster, stopCluster } from '../../src/cluster/lifecycle/stop.js';

/** A home of its own for the cluster of that name, which is stopped and removed when the file's tests are over. Returns its folder. */
export function homeOf(cluster: string): string {
  const home = mkdtempSync(join(tmpdir(), `muster-${cluster}-`));
  beforeAll(() => {
    process.env.MUSTER_HOME = home;
  });
  afterAll(async () => {
    const found = findCluster(cluster);
    await stopCluster(found, 5000);
    removeCluster(found.dir);
    rmSync(home, { recursive: true, force: true });
  });
  return home;
}
