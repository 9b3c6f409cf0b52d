import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MusterError } from '../../src/errors.js';
import { CopyingMetastore, newestCopy } from '../../src/metastore/copies.js';
import { DirectoryMetastore } from '../../src/metastore/directory.js';
import { mapFileName } from '../../src/metastore/map-file.js';
import { folder } from '../cluster/helpers.js';
import { metastoreCompliance } from './compliance.js';
import { mapOf } from './maps.js';

metastoreCompliance('directory with a copy for each node', async () => {
  const dir = folder();
  let nodes = 0;
  return {
    connect: () => connect(dir, `n${++nodes}`).metastore,
    destroy: async () => {},
  };
});

const copyOf = (dir: string, node: string): string => join(dir, `copy-${node}`);

function connect(dir: string, node: string) {
  const told: (MusterError | null)[] = [];
  const metastore = new CopyingMetastore(new DirectoryMetastore(join(dir, 'map')), {
    copy: copyOf(dir, node),
    copies: () =>
      readdirSync(dir)
        .filter((name) => name.startsWith('copy-'))
        .map((name) => join(dir, name)),
    cluster: 'test',
    changed: (error) => told.push(error),
  });
  return { metastore, told };
}

/** Puts the folder of maps back to revisions 1 to `last`. */
async function putBack(dir: string, last: number): Promise<void> {
  rmSync(join(dir, 'map'), { recursive: true });
  const metastore = new DirectoryMetastore(join(dir, 'map'));
  for (let r = 1; r <= last; r++) expect(await metastore.publish(mapOf(r), r - 1)).toBe('ok');
}

describe('a metastore with copies', () => {
  it('keeps the newest map it gave out or published, and that alone', async () => {
    const dir = folder();
    const [a, b] = [connect(dir, 'a').metastore, connect(dir, 'b').metastore];
    for (let r = 1; r <= 3; r++) expect(await a.publish(mapOf(r), r - 1)).toBe('ok');
    const maps = (node: string) => readdirSync(copyOf(dir, node)).filter((name) => name.endsWith('.json'));
    expect(maps('a')).toEqual([mapFileName(3)]);
    expect(await b.readFrom(2)).toEqual(mapOf(2));
    expect(maps('b')).toEqual([mapFileName(2)]);
    expect(await b.read()).toEqual(mapOf(3));
    expect(maps('b')).toEqual([mapFileName(3)]);
    expect(await new DirectoryMetastore(copyOf(dir, 'b')).read()).toEqual(mapOf(3));
  });

  it('gives out no map, and says ok to none, of which it could keep no copy', async () => {
    const dir = folder();
    await new DirectoryMetastore(join(dir, 'map')).publish(mapOf(1), 0);
    mkdirSync(join(dir, 'map'), { recursive: true });
    const { metastore } = connect(dir, 'a');
    writeFileSync(copyOf(dir, 'a'), 'no folder');
    await expect(metastore.read()).rejects.toMatchObject({ code: 'metastore-unavailable' });
    await expect(metastore.readFrom(1)).rejects.toMatchObject({ code: 'metastore-unavailable' });
    const alone = new CopyingMetastore(new DirectoryMetastore(join(dir, 'map')), {
      copy: copyOf(dir, 'a'),
      copies: () => [],
      cluster: 'test',
      changed: () => {},
    });
    expect(await alone.publish(mapOf(2), 1)).toBe('unknown');
  });

  it('tells once that the folder was put back, and once that it is as new again', async () => {
    const dir = folder();
    const { metastore, told } = connect(dir, 'a');
    for (let r = 1; r <= 5; r++) await metastore.publish(mapOf(r), r - 1);
    await putBack(dir, 2);
    // The core has to see it, to stop serving.
    for (let n = 0; n < 2; n++) expect((await metastore.read())!.revision).toBe(2);
    expect(told).toMatchObject([
      { code: 'metastore-rolled-back', details: { found: 2, known: 5, path: join(dir, 'map') } },
    ]);
    expect(told[0]!.hint).toContain('`muster cluster start test`');
    await new DirectoryMetastore(join(dir, 'map')).restore(mapOf(5));
    for (let n = 0; n < 2; n++) expect(await metastore.read()).toEqual(mapOf(5));
    expect(told.slice(1)).toEqual([null]);
    expect(await metastore.publish(mapOf(6), 5)).toBe('ok');
  });

  it('lets nobody start on, or build on, a map older than anybody’s copy', async () => {
    const dir = folder();
    const [a, slept] = [connect(dir, 'a').metastore, connect(dir, 'slept').metastore];
    for (let r = 1; r <= 2; r++) await a.publish(mapOf(r), r - 1);
    expect(await slept.first()).toEqual(mapOf(2));
    for (let r = 3; r <= 5; r++) await a.publish(mapOf(r), r - 1);
    await putBack(dir, 2);
    expect(await slept.publish(mapOf(3, 'other'), 2)).toBe('conflict');
    await expect(connect(dir, 'new').metastore.first()).rejects.toMatchObject({
      code: 'metastore-rolled-back',
      message: expect.stringMatching(/rolled back.*revision is 2.*revision 5/),
    });
    rmSync(join(dir, 'map'), { recursive: true });
    await expect(connect(dir, 'new').metastore.first()).rejects.toMatchObject({
      code: 'metastore-rolled-back',
      message: expect.stringMatching(/was removed: no revision found.*revision 5/),
    });
    expect(await newestCopy([copyOf(dir, 'a'), copyOf(dir, 'slept'), copyOf(dir, 'new')])).toBe(5);
  });
});

describe('the newest copy', () => {
  const withFiles = (...names: string[]): string => {
    const dir = folder();
    for (const name of names) writeFileSync(join(dir, name), '');
    return dir;
  };

  it('is found by the names in all folders, and a folder that is not there has none', async () => {
    const newest = (...folders: string[]) => newestCopy(folders);
    const junk = withFiles('.collected', '.tmp-0000000009-1-1-1', 'x.json');
    const [three, nine] = [
      withFiles(mapFileName(3), mapFileName(1)),
      withFiles(mapFileName(8), mapFileName(9), 'x'),
    ];
    expect([await newest(), await newest(join(junk, 'none')), await newest(junk)]).toEqual([0, 0, 0]);
    expect([await newest(three), await newest(three, nine, junk), await newest(nine, three)]).toEqual([
      3, 9, 9,
    ]);
  });

  it('is not known when a folder cannot be read', async () => {
    const path = join(withFiles('file'), 'file');
    await expect(newestCopy([path])).rejects.toMatchObject({
      code: 'metastore-unavailable',
      message: expect.stringContaining(`cannot read ${path}: ENOTDIR`),
      details: { path },
    });
  });
});

describe('a metastore with a copy', () => {
  const alone = (dir: string, copies: readonly string[] = []) => {
    const told: (MusterError | null)[] = [];
    const metastore = new CopyingMetastore(new DirectoryMetastore(join(dir, 'map')), {
      copy: copyOf(dir, 'a'),
      copies: () => copies,
      cluster: 'test',
      changed: (error) => told.push(error),
    });
    return { metastore, told };
  };
  const maps = (dir: string) => readdirSync(copyOf(dir, 'a')).filter((name) => name.endsWith('.json'));

  it('keeps one of the first revision, and of the map to start with', async () => {
    const dir = folder();
    const { metastore } = alone(dir);
    expect(await metastore.first()).toBeNull();
    expect(await metastore.publish(mapOf(1), 0)).toBe('ok');
    expect(maps(dir)).toEqual([mapFileName(1)]);
    rmSync(copyOf(dir, 'a'), { recursive: true });
    expect(await alone(dir).metastore.first()).toEqual(mapOf(1));
    expect(maps(dir)).toEqual([mapFileName(1)]);
    rmSync(join(dir, 'map'), { recursive: true });
    await expect(alone(dir).metastore.first()).rejects.toMatchObject({
      code: 'metastore-rolled-back',
      details: { path: join(dir, 'map'), found: 0, known: 1, cluster: 'test' },
    });
  });

  it('says nothing as long as the map is as new as its copy', async () => {
    const dir = folder();
    const { metastore, told } = alone(dir);
    for (let r = 1; r <= 3; r++) {
      expect(await metastore.publish(mapOf(r), r - 1)).toBe('ok');
      expect((await metastore.read())?.revision).toBe(r);
    }
    expect(told).toEqual([]);
    await putBack(dir, 2);
    expect((await metastore.read())?.revision).toBe(2);
    expect(told).toMatchObject([{ code: 'metastore-rolled-back', details: { found: 2, known: 3 } }]);
    // Its copy stays what it was.
    expect(maps(dir)).toEqual([mapFileName(3)]);
  });

  it('publishes nothing when it cannot see the copies, and no more than others have', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    expect(await alone(dir, [join(dir, 'file')]).metastore.publish(mapOf(1), 0)).toBe('failed');
    const other = join(dir, 'other');
    await new DirectoryMetastore(other).restore(mapOf(1));
    const { metastore } = alone(dir, [other]);
    expect(await metastore.publish(mapOf(1), 0)).toBe('conflict');
    expect(await metastore.read()).toBeNull();
    await new DirectoryMetastore(join(dir, 'map')).restore(mapOf(1));
    expect(await metastore.publish(mapOf(2), 1)).toBe('ok');
    await metastore.close();
    expect(await metastore.publish(mapOf(3), 2)).toBe('failed');
  });

  it('tells which copy it could not keep', async () => {
    const dir = folder();
    await new DirectoryMetastore(join(dir, 'map')).publish(mapOf(1), 0);
    writeFileSync(copyOf(dir, 'a'), '');
    const { metastore } = alone(dir);
    for (const read of [() => metastore.read(), () => metastore.readFrom(1)])
      await expect(read()).rejects.toMatchObject({
        message: expect.stringContaining(`cannot write a copy of the cluster map to ${copyOf(dir, 'a')}: `),
        details: { path: copyOf(dir, 'a') },
      });
    await expect(metastore.first()).rejects.toMatchObject({ code: 'metastore-unavailable' });
  });
});
