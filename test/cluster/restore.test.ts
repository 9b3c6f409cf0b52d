import { mkdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapProblem, restoreMap } from '../../src/cluster/folder/restore.js';
import type { ClusterMap } from '../../src/core/map/types.js';
import { mapCopyDir, mapDir, nodeDir } from '../../src/layout/paths.js';
import { copyIn } from '../../src/metastore/copies.js';
import { DirectoryMetastore } from '../../src/metastore/directory.js';
import { clusterFileOf, folder, mapOf } from './helpers.js';

const file = clusterFileOf(3);
const at = (revision: number, name = 'test'): ClusterMap => {
  const map = mapOf(3, 3, 2, [['n1', 'n2', 'n3']]);
  const members = Object.entries(map.members).map(([id, member]) => [id, { ...member, incarnation: 1 }]);
  return { ...map, cluster: file.cluster, name, revision, members: Object.fromEntries(members) };
};

/** A cluster whose folder of maps ends with revision 2 while the nodes have copies of these revisions. */
async function cluster(copies: Readonly<Record<string, ClusterMap>>) {
  const dir = folder();
  const metastore = new DirectoryMetastore(mapDir(dir));
  for (let r = 1; r <= 2; r++) expect(await metastore.publish(at(r), r - 1)).toBe('ok');
  for (const [id, map] of Object.entries(copies)) {
    mkdirSync(nodeDir(dir, id), { recursive: true });
    await copyIn(mapCopyDir(dir, id)).restore(map);
  }
  return { dir, file, roster: [] };
}
const newest = async (dir: string) => (await new DirectoryMetastore(mapDir(dir)).read())?.revision;

describe('the cluster map restored', () => {
  it('is the newest of the nodes’ copies, and what follows is built on it', async () => {
    const it = await cluster({ n1: at(9), n2: at(12), n3: at(4) });
    expect(await mapProblem(it)).toMatchObject({
      code: 'metastore-rolled-back',
      details: { found: 2, known: 12 },
    });
    expect(await restoreMap(it)).toEqual(at(12));
    expect(await new DirectoryMetastore(mapDir(it.dir)).read()).toEqual(at(12));
    expect(await mapProblem(it)).toBeNull();
    expect(await restoreMap(it)).toBeNull();
    expect(await new DirectoryMetastore(mapDir(it.dir)).publish(at(13), 12)).toBe('ok');
  });

  it('comes back also when the whole folder is gone', async () => {
    const it = await cluster({ n1: at(9), n2: at(9), n3: at(9) });
    rmSync(mapDir(it.dir), { recursive: true });
    expect((await restoreMap(it))?.revision).toBe(9);
    expect(await newest(it.dir)).toBe(9);
  });

  it('is not touched when it is no older than any copy', async () => {
    const it = await cluster({ n1: at(2), n2: at(1) });
    expect(await restoreMap(it)).toBeNull();
    expect(await newest(it.dir)).toBe(2);
  });

  it.each<[string, Record<string, ClusterMap>, RegExp]>([
    [
      'a copy is missing',
      { n1: at(9), n2: at(12) },
      /no copy found for n3, .*nodes\/n2\/map\/0000000012\.json/,
    ],
    [
      'two nodes have different maps of the newest revision',
      { n1: at(9), n2: at(9, 'other'), n3: at(4) },
      /different maps with revision 9/,
    ],
    [
      'the newest copy belongs to another cluster',
      { n1: at(9), n2: { ...at(12), cluster: 'another' }, n3: at(9) },
      /belongs to another cluster/,
    ],
  ])('stays as it is when %s', async (_, copies, why) => {
    const it = await cluster(copies);
    await expect(restoreMap(it)).rejects.toMatchObject({
      code: 'metastore-rolled-back',
      message: expect.stringMatching(why),
      details: { cluster: 'test' },
    });
    expect(await newest(it.dir)).toBe(2);
  });

  it('needs no copy of a node that has never started', async () => {
    const map = at(9);
    const n3 = { ...map.members.n3!, incarnation: 0 };
    const it = await cluster({ n1: { ...map, members: { ...map.members, n3 } }, n2: at(8) });
    expect((await restoreMap(it))?.revision).toBe(9);
  });

  it('is not guessed from a damaged copy', async () => {
    const it = await cluster({ n1: at(9), n2: at(9), n3: at(9) });
    truncateSync(join(mapCopyDir(it.dir, 'n2'), '0000000009.json'), 100);
    await expect(restoreMap(it)).rejects.toMatchObject({ code: 'metastore-unavailable' });
    expect(await newest(it.dir)).toBe(2);
  });
});
