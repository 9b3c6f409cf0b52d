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
