import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ClusterMap, Member } from '../../src/core/map/types.js';
import { replicaId } from '../../src/core/map/types.js';
import type { ClusterFile } from '../../src/layout/paths.js';
import { defaultTimings } from '../../src/limits.js';

const made: string[] = [];

/** A new folder, removed after the test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'muster-test-'));
  made.push(dir);
  return dir;
}

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export const clusterFileOf = (nodes: number): ClusterFile => ({
  format: 1,
  name: 'test',
  cluster: 'c0ffee',
  createdAt: '2026-01-01T00:00:00.000Z',
  host: '127.0.0.1',
  nodes: Array.from({ length: nodes }, (_, i) => ({ id: `n${i + 1}`, port: 0 })),
});

/** A map whose partitions have these nodes in sync, the first of each the primary. */
export function mapOf(
  nodes: number,
  replicas: number,
  minInSync: number,
  inSync: readonly (readonly string[])[],
): ClusterMap {
  const members: Record<string, Member> = {};
  for (let i = 1; i <= nodes; i++) {
    members[`n${i}`] = {
      id: `n${i}`,
      store: `s${i}`,
      incarnation: 1,
      url: `ws://127.0.0.1:${9000 + i}`,
      weight: 1,
      zone: '',
      state: 'active',
    };
  }
  const id = (node: string) => replicaId(node, members[node]!.store);
  return {
    format: 1,
    cluster: 'c0ffee',
    name: 'test',
    revision: 7,
    settings: {
      partitions: inSync.length,
      replicas,
      minInSync,
      durability: 'fsync',
      timings: defaultTimings,
      repairAfterMs: 30_000,
    },
    members,
    partitions: inSync.map((set) => ({
      gen: 1,
      epoch: 3,
      primary: id(set[0]!),
      inSync: set.map(id),
      target: [...set],
      placed: 1,
      handover: null,
    })),
    placement: null,
  };
}
