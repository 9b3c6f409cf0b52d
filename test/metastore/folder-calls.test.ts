import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/files/contract.js';
import { systemError } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import { COLLECTED, DirectoryMetastore, type DirectoryOptions, KEPT } from '../../src/metastore/directory.js';
import { encodeMap, mapFileName } from '../../src/metastore/map-file.js';
import { mapOf } from './maps.js';

let parent: string;
let folder: string;
let metastore: DirectoryMetastore;
let opened: DirectoryMetastore[];
beforeEach(() => {
  parent = fs.mkdtempSync(join(tmpdir(), 'muster-calls-'));
  folder = join(parent, 'map');
  opened = [];
  metastore = withFiles({});
});
afterEach(async () => {
  for (const one of opened) await one.close();
  fs.rmSync(parent, { recursive: true, force: true });
});

function withFiles(files: Partial<FileSystem>, options: DirectoryOptions = {}): DirectoryMetastore {
  const one = new DirectoryMetastore(folder, { files: { ...nodeFiles, ...files }, ...options });
  opened.push(one);
  return one;
}

/** Notes each call of the file system as `name path`, the path within the parent. */
function recorded(calls: string[]): FileSystem {
  const noted =
    <A extends [path: string, ...more: never[]], R>(name: string, call: (...args: A) => R) =>
    (...args: A): R => {
      calls.push(`${name} ${args[0].slice(parent.length + 1).replace(/\.tmp.*/, 'temporary')}`);
      return call(...args);
    };
  return {
    ...nodeFiles,
    readdir: noted('readdir', nodeFiles.readdir),
    mkdir: noted('mkdir', nodeFiles.mkdir),
    open: noted('open', nodeFiles.open),
    stat: noted('stat', nodeFiles.stat),
    link: noted('link', nodeFiles.link),
    unlink: noted('unlink', nodeFiles.unlink),
  };
}

const publishTo = async (last: number, from = 1, by = metastore): Promise<void> => {
  for (let r = from; r <= last; r++) expect(await by.publish(mapOf(r), r - 1)).toBe('ok');
};
const files = (): string[] => fs.readdirSync(folder).sort();
const numbers = (): string[] => files().filter((name) => name.endsWith('.json'));
const range = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => mapFileName(first + i));
const fail = (code: string) => async (): Promise<never> => {
  throw systemError(code, 'made up');
};

describe('a reader of a folder of maps', () => {
  test('is overtaken so many times and no more', async () => {
    await publishTo(1);
    fs.writeFileSync(join(folder, COLLECTED), '');
    for (const [overtaken, found] of [
      [99, true],
      [100, false],
    ] as const) {
      let left = overtaken;
      const reader = withFiles({ readdir: async (path) => (left-- > 0 ? [] : nodeFiles.readdir(path)) });
      if (found) expect(await reader.read()).toEqual(mapOf(1));
      else
        await expect(reader.read()).rejects.toMatchObject({
          code: 'metastore-unavailable',
          details: { path: folder },
        });
    }
  });

  test('whose number is gone when it opens it reads again, also the very first', async () => {
    await publishTo(1);
    let first = true;
    const open: FileSystem['open'] = async (path, mode) => {
      if (first && path.endsWith(mapFileName(1))) {
        first = false;
        await publishTo(KEPT + 1, 2);
      }
      return nodeFiles.open(path, mode);
    };
    expect(await withFiles({ open }).read()).toEqual(mapOf(KEPT + 1));
  });

  test('takes the greatest number, in whatever order the folder gives them', async () => {
    fs.mkdirSync(folder);
    const all = [9, 10, 2, 100, 99];
    for (const r of all) fs.writeFileSync(join(folder, mapFileName(r)), encodeMap(mapOf(r)));
    const readdir = async () => ['x', ...all.map(mapFileName), '.tmp-0000000500-1-1-1'];
    expect(await withFiles({ readdir }).read()).toEqual(mapOf(100));
  });

  test('does not take one map for another', async () => {
    await publishTo(1);
    fs.writeFileSync(join(folder, mapFileName(2)), encodeMap(mapOf(1)));
    const path = join(folder, mapFileName(2));
    await expect(metastore.read()).rejects.toMatchObject({
      message: `cluster map ${path} is damaged`,
      details: { path },
    });
  });

  test('asks the disk for what it has not read, and for whether the newest is there', async () => {
    await publishTo(2);
    const calls: string[] = [];
    const reader = withFiles(recorded(calls));
    expect(await reader.readFrom(2)).toEqual(mapOf(2));
    expect(calls.sort()).toEqual([`open map`, `open map/${mapFileName(2)}`]);
    calls.length = 0;
    expect([await reader.readFrom(1), await reader.readFrom(2)]).toEqual([mapOf(2), mapOf(2)]);
    expect(calls).toEqual([]);
    expect(await reader.read()).toEqual(mapOf(2));
    expect(calls).toEqual(['readdir map', `stat map/${mapFileName(2)}`]);
    await publishTo(3, 3);
    // Not there yet for who asks too early: what is there is read.
    expect(await reader.readFrom(9)).toEqual(mapOf(3));
  });

  test('remembers the first revision like any other', async () => {
    await publishTo(1);
    const calls: string[] = [];
    const reader = withFiles(recorded(calls));
    for (let n = 0; n < 2; n++) expect(await reader.read()).toEqual(mapOf(1));
    expect(calls.filter((call) => call === `open map/${mapFileName(1)}`)).toHaveLength(1);
  });

  test('does not fall back to an older map that was slower to read', async () => {
    await publishTo(1);
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const reader = withFiles({
      open: async (path, mode) => {
        if (path.endsWith(mapFileName(1))) await gate;
        return nodeFiles.open(path, mode);
      },
    });
    const slow = reader.readFrom(1);
    await publishTo(2, 2);
    expect(await reader.read()).toEqual(mapOf(2));
    go();
    expect(await slow).toEqual(mapOf(1));
    expect(await reader.readFrom(1)).toEqual(mapOf(2));
  });

  test.each(['readdir', 'stat', 'open'] as const)('says which folder it cannot read: %s', async (call) => {
    fs.mkdirSync(folder);
    const reader = withFiles({ [call]: fail('EIO') });
    if (call !== 'stat') fs.writeFileSync(join(folder, mapFileName(1)), encodeMap(mapOf(1)));
    for (const read of call === 'open'
      ? [() => reader.read(), () => reader.readFrom(1)]
      : [() => reader.read()])
      await expect(read()).rejects.toMatchObject({
        code: 'metastore-unavailable',
        message: expect.stringContaining(`cannot read the cluster map folder ${folder}: EIO`),
        details: { path: folder },
      });
  });
});

describe('a publisher in a folder of maps', () => {
  test('makes the folder for the first map, durably, and for no other', async () => {
    const calls: string[] = [];
    const publisher = withFiles(recorded(calls));
    await publishTo(1, 1, publisher);
    const made = calls.indexOf('mkdir map');
    expect([
      made >= 0,
      calls.indexOf('open ') > made,
      calls.indexOf('open ') < calls.indexOf('open map/temporary'),
    ]).toEqual([true, true, true]);
    expect(calls.at(-1)).toBe('unlink map/temporary');
    calls.length = 0;
    await publishTo(2, 2, publisher);
    expect(calls).not.toContain('mkdir map');
    fs.rmSync(folder, { recursive: true });
    await publishTo(1, 1, publisher);
    expect(numbers()).toEqual(range(1, 1));
  });

  test('also syncs the folder above when another made the folder, and fails when it cannot be made', async () => {
    fs.mkdirSync(folder);
    const calls: string[] = [];
    await publishTo(1, 1, withFiles(recorded(calls)));
    expect(calls).toContain('open ');
    fs.rmSync(folder, { recursive: true });
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const none = withFiles({ mkdir: fail('EACCES') }, { onError });
    expect(await none.publish(mapOf(1), 0)).toBe('failed');
    expect(errors).toMatchObject([{ code: 'EACCES' }]);
    await expect(none.restore(mapOf(1))).rejects.toMatchObject({ code: 'EACCES' });
  });

  test('that is late writes nothing', async () => {
    await publishTo(3);
    const calls: string[] = [];
    const late = withFiles(recorded(calls));
    expect(await late.publish(mapOf(3), 2)).toBe('conflict');
    expect(calls).toEqual(['readdir map']);
  });

  test('whose watch has told of a newer revision asks no disk', async () => {
    await publishTo(1);
    const calls: string[] = [];
    const one = withFiles(recorded(calls), { pollMs: 3_600_000 });
    const told = (from: number) =>
      new Promise<number>((resolve) => {
        const end = one.watch(from, (revision) => {
          end();
          resolve(revision);
        });
      });
    expect(await told(0)).toBe(1);
    // As new as what it builds on is not newer.
    expect(await one.publish(mapOf(2), 1)).toBe('ok');
    await publishTo(3, 3);
    expect(await told(2)).toBe(3);
    calls.length = 0;
    expect(await one.publish(mapOf(3), 2)).toBe('conflict');
    expect(calls).toEqual([]);
  });

  test('that slept while its number was taken and removed, before it wrote, links nothing', async () => {
    await publishTo(5);
    let slept = false;
    const late = withFiles({
      open: async (path, mode) => {
        if (mode === 'wx' && !slept) {
          slept = true;
          await publishTo(6 + KEPT, 6);
        }
        return nodeFiles.open(path, mode);
      },
    });
    expect(await late.publish(mapOf(6, 'late'), 5)).toBe('conflict');
    expect(numbers()).toEqual(range(7, 6 + KEPT));
  });

  test('does not build on a number that is listed still and gone', async () => {
    await publishTo(5);
    let reads = 0;
    const late = withFiles({
      readdir: async (path) => {
        const names = await nodeFiles.readdir(path);
        if (++reads === 2) fs.unlinkSync(join(folder, mapFileName(5)));
        return names;
      },
    });
    expect(await late.publish(mapOf(6), 5)).toBe('conflict');
    expect(numbers()).toEqual(range(1, 4));
  });

  test.each([
    ['EEXIST', 'conflict', 0],
    ['ENOENT', 'conflict', 0],
    ['ENOSPC', 'failed', 1],
    ['EDQUOT', 'failed', 1],
    ['EACCES', 'failed', 1],
    ['EPERM', 'failed', 1],
    ['EROFS', 'failed', 1],
    ['EMLINK', 'failed', 1],
    ['EXDEV', 'failed', 1],
    ['EIO', 'unknown', 1],
    ['', 'unknown', 1],
  ] as const)('whose link fails with %j says %s', async (code, outcome, told) => {
    const errors: unknown[] = [];
    const one = withFiles({ link: fail(code) }, { onError: (error) => errors.push(error) });
    expect(await one.publish(mapOf(1), 0)).toBe(outcome);
    expect([errors.length, files()]).toEqual([told, []]);
  });

  test('that was closed watches and publishes no more', async () => {
    const seen: number[] = [];
    metastore.watch(0, (revision) => seen.push(revision));
    await metastore.close();
    expect(await metastore.publish(mapOf(1), 0)).toBe('failed');
    expect([fs.existsSync(folder), seen]).toEqual([false, []]);
  });
});

describe('a map that is put back', () => {
  test('is there, whatever revisions lie between, also when it was there before', async () => {
    const restore = (r: number, name?: string) => metastore.restore(mapOf(r, name));
    await restore(7);
    expect([files(), await metastore.read()]).toEqual([range(7, 7), mapOf(7)]);
    await restore(7, 'other');
    await restore(9);
    expect([numbers(), await withFiles({}).readFrom(7)]).toEqual([
      [mapFileName(7), mapFileName(9)],
      mapOf(7),
    ]);
    await restore(7 + KEPT);
    expect(files()).toEqual([COLLECTED, mapFileName(9), mapFileName(7 + KEPT)]);
    expect(await metastore.publish(mapOf(8 + KEPT), 7 + KEPT)).toBe('ok');
  });

  test('is not said to be there when it may not be', async () => {
    await expect(withFiles({ link: fail('EIO') }).restore(mapOf(1))).rejects.toMatchObject({ code: 'EIO' });
    expect(files()).toEqual([]);
    const open: FileSystem['open'] = async (path, mode) => {
      const file = await nodeFiles.open(path, mode);
      return path === folder ? { ...file, sync: fail('EIO') } : file;
    };
    await expect(withFiles({ open }).restore(mapOf(1))).rejects.toMatchObject({ code: 'EIO' });
    expect(files()).toEqual(range(1, 1));
  });

  test('is in a folder that is durable, and makes it once', async () => {
    const calls: string[] = [];
    const one = withFiles(recorded(calls));
    await one.restore(mapOf(1));
    expect(calls.filter((call) => call === 'mkdir map' || call === 'open ')).toEqual(['mkdir map', 'open ']);
    await one.restore(mapOf(2));
    expect(calls.filter((call) => call === 'mkdir map')).toHaveLength(1);
    expect(calls.filter((call) => call === 'open map')).toHaveLength(2);
  });
});

describe('old revisions', () => {
  test.each([1, 2, 5])('are kept up to %d', async (kept) => {
    const one = withFiles({}, { kept });
    await publishTo(kept, 1, one);
    // Nothing was removed yet, and no trace says so.
    expect(files()).toEqual(range(1, kept));
    await publishTo(kept + 1, kept + 1, one);
    expect(files()).toEqual([COLLECTED, ...range(2, kept + 1)]);
    await publishTo(kept + 3, kept + 2, one);
    expect(files()).toEqual([COLLECTED, ...range(4, kept + 3)]);
  });

  const unlinkBut =
    (which: string): FileSystem['unlink'] =>
    (path) =>
      path.endsWith(which) ? fail('EPERM')() : nodeFiles.unlink(path);

  test('stay while a temporary file for them cannot be removed', async () => {
    await publishTo(2);
    const left = '.tmp-0000000001-1-1-1';
    fs.writeFileSync(join(folder, left), '');
    await publishTo(3, 3, withFiles({ unlink: unlinkBut(left) }, { kept: 1 }));
    expect(numbers()).toEqual(range(1, 3));
    await publishTo(4, 4, withFiles({}, { kept: 1 }));
    expect(files()).toEqual([COLLECTED, mapFileName(4)]);
  });

  test('go from the lowest on, and no further than the first that stays', async () => {
    await publishTo(4);
    await publishTo(5, 5, withFiles({ unlink: unlinkBut(mapFileName(2)) }, { kept: 1 }));
    expect(numbers()).toEqual(range(2, 5));
  });

  test('that another removed meanwhile are no reason to stop', async () => {
    await publishTo(4);
    const unlink: FileSystem['unlink'] = async (path) => {
      await nodeFiles.unlink(path);
      if (path.endsWith(mapFileName(2))) throw systemError('ENOENT', path);
    };
    await publishTo(5, 5, withFiles({ unlink }, { kept: 1 }));
    expect(numbers()).toEqual(range(5, 5));
  });

  test('stay while no trace of it can be left', async () => {
    await publishTo(2);
    const open =
      (code: string): FileSystem['open'] =>
      (path, mode) =>
        path.endsWith(COLLECTED) ? fail(code)() : nodeFiles.open(path, mode);
    await publishTo(3, 3, withFiles({ open: open('ENOSPC') }, { kept: 1 }));
    expect(files()).toEqual(range(1, 3));
    // Another has left it meanwhile.
    await publishTo(4, 4, withFiles({ open: open('EEXIST') }, { kept: 1 }));
    expect(files()).toEqual(range(4, 4));
  });

  test('leave a trace that is durable before the first of them goes', async () => {
    await publishTo(1);
    const calls: string[] = [];
    const one = withFiles(recorded(calls), { kept: 1 });
    await publishTo(2, 2, one);
    const trace = calls.indexOf(`open map/${COLLECTED}`);
    const gone = calls.indexOf(`unlink map/${mapFileName(1)}`);
    expect([trace >= 0, calls.slice(trace, gone).includes('open map')]).toEqual([true, true]);
    calls.length = 0;
    await publishTo(3, 3, one);
    expect(calls.filter((call) => call.endsWith(COLLECTED))).toEqual([]);
  });
});
