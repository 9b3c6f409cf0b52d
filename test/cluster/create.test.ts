import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCluster, planCluster } from '../../src/cluster/folder/create.js';
import { listClusters } from '../../src/cluster/folder/registry.js';
import { nodeOf } from '../../src/core/map/types.js';
import { clusterDir, clustersDir, mapDir, readClusterFile, readToken } from '../../src/layout/paths.js';
import { DirectoryMetastore } from '../../src/metastore/directory.js';
import { folder } from './helpers.js';

const before = process.env.MUSTER_HOME;
beforeEach(() => {
  process.env.MUSTER_HOME = folder();
});
afterEach(() => {
  if (before === undefined) delete process.env.MUSTER_HOME;
  else process.env.MUSTER_HOME = before;
});

const mapOf = async (dir: string) => {
  const metastore = new DirectoryMetastore(mapDir(dir));
  const map = await metastore.read();
  await metastore.close();
  return map!;
};

describe('a new cluster', () => {
  it('has a first map in which every chosen replica is in sync', async () => {
    const map = await mapOf(
      await createCluster({ name: 'shop', nodes: 5, partitions: 32, weights: { n1: 2 } }),
    );
    expect(map).toMatchObject({
      revision: 1,
      name: 'shop',
      settings: { partitions: 32, replicas: 3, minInSync: 2, durability: 'fsync' },
    });
    expect(map.members.n1).toMatchObject({ weight: 2, incarnation: 0, url: '' });
    for (const config of map.partitions) {
      expect(config).toMatchObject({ gen: 1, epoch: 1, primary: config.inSync[0] });
      expect(config.inSync.map(nodeOf)).toEqual(config.target);
      expect(new Set(config.target).size).toBe(3);
    }
    expect(new Set(Object.values(map.members).map((m) => m.store)).size).toBe(5);
  });

  it('has folders only its user enters, and a secret of its own', async () => {
    const [a, b] = [
      await createCluster({ name: 'a', nodes: 1 }),
      await createCluster({ name: 'b', nodes: 1 }),
    ];
    expect(statSync(a).mode & 0o777).toBe(0o700);
    expect(statSync(join(a, 'token')).mode & 0o777).toBe(0o600);
    expect(readToken(a)).toHaveLength(43);
    expect(readToken(a)).not.toBe(readToken(b));
    expect(readClusterFile(a).cluster).not.toBe(readClusterFile(b).cluster);
    expect(listClusters().map((c) => [c.name, c.state, c.nodes])).toEqual([
      ['a', 'stopped', 1],
      ['b', 'stopped', 1],
    ]);
  });

  it('does not take the name of another, whose data stays', async () => {
    const dir = await createCluster({ name: 'a', nodes: 1 });
    const token = readFileSync(join(dir, 'token'), 'utf8');
    await expect(createCluster({ name: 'a', nodes: 2 })).rejects.toMatchObject({
      code: 'name-taken',
      exit: 2,
    });
    expect(readFileSync(join(dir, 'token'), 'utf8')).toBe(token);
    expect(readdirSync(clustersDir())).toEqual(['a']);
  });

  it('of two made at once under one name is one, whole, and the other is refused', async () => {
    const both = await Promise.allSettled([
      createCluster({ name: 'a', nodes: 3 }),
      createCluster({ name: 'a', nodes: 3 }),
    ]);
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find((b) => b.status === 'rejected')).toMatchObject({ reason: { code: 'name-taken' } });
    expect(readdirSync(clustersDir())).toEqual(['a']);
    expect((await mapOf(clusterDir('a'))).revision).toBe(1);
  });

  it('sweeps away what an interrupted creation left long ago, and nothing that is under way', async () => {
    const old = join(clustersDir(), '.new-1-old');
    const fresh = join(clustersDir(), '.new-2-fresh');
    mkdirSync(old, { recursive: true });
    mkdirSync(fresh);
    utimesSync(old, 1, 1);
    await createCluster({ name: 'a', nodes: 1 });
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
    expect(listClusters().map((c) => c.name)).toEqual(['a']);
  });

  // The superuser may write everywhere.
  it.skipIf(process.getuid?.() === 0)(
    'cannot be made where the user may not write, and says where',
    async () => {
      chmodSync(process.env.MUSTER_HOME!, 0o500);
      await expect(createCluster({ name: 'a', nodes: 1 })).rejects.toMatchObject({
        code: 'metastore-unavailable',
        details: { path: clustersDir() },
      });
      chmodSync(process.env.MUSTER_HOME!, 0o700);
    },
  );

  it('below a path that is a file says so and leaves nothing', async () => {
    process.env.MUSTER_HOME = '/dev/null';
    await expect(createCluster({ name: 'a', nodes: 1 })).rejects.toMatchObject({
      code: 'metastore-unavailable',
      tookEffect: 'no',
    });
  });
});

describe('the plan of a cluster', () => {
  it('has three nodes and three replicas, of which a write needs two', () => {
    expect(planCluster({ name: 'a' })).toMatchObject({
      nodes: 3,
      replicas: 3,
      minInSync: 2,
      partitions: 64,
      port: 0,
    });
    expect(planCluster({ name: 'a', nodes: 2 })).toMatchObject({ replicas: 2, minInSync: 1 });
    expect(planCluster({ name: 'a', nodes: 1 })).toMatchObject({ replicas: 1, minInSync: 1 });
  });

  it.each([
    [{ nodes: 0 }, 'invalid node count "0": expected a whole number from 1 to 100'],
    [{ nodes: 101 }, 'invalid node count "101"'],
    [{ nodes: 1.5 }, 'whole number'],
    [
      { nodes: 2, replicas: 3 },
      'invalid replica count "3": expected at most the node count, 2: use --replicas 2 or -n 3',
    ],
    [{ replicas: 0 }, 'invalid replica count "0"'],
    [{ minInSync: 4 }, 'invalid min-in-sync "4": expected a whole number from 1 to 3'],
    [{ partitions: 0 }, 'invalid partition count "0"'],
    [{ partitions: 16_385 }, 'invalid partition count "16385"'],
    [{ port: 65_534, nodes: 3 }, 'invalid port "65534": expected a whole number from 1 to 65533 for 3 nodes'],
    [{ weights: { n4: 1 } }, 'invalid node in --weights "n4": expected n1 to n3'],
    [{ weights: { n1: 0 } }, 'invalid weight of n1 "0"'],
    [{ weights: { n1: Number.NaN } }, 'invalid weight of n1 "NaN"'],
  ])('is refused for %j', (wrong, said) => {
    expect(() => planCluster({ name: 'a', ...wrong })).toThrowError(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(said) }),
    );
  });
});
