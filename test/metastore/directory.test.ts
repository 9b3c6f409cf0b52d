import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import { COLLECTED, DirectoryMetastore, KEPT } from '../../src/metastore/directory.js';
import { decodeMap, mapFileName } from '../../src/metastore/map-file.js';
import { metastoreCompliance } from './compliance.js';
import { mapOf } from './maps.js';

const fresh = (): string => fs.mkdtempSync(join(tmpdir(), 'muster-map-'));

metastoreCompliance('directory', async () => {
  const folder = fresh();
  return {
    connect: () => new DirectoryMetastore(join(folder, 'map')),
    destroy: async () => fs.rmSync(folder, { recursive: true, force: true }),
  };
});

describe('a directory of maps', () => {
  let folder: string;
  let metastore: DirectoryMetastore;
  beforeEach(() => {
    folder = fresh();
    metastore = new DirectoryMetastore(folder);
  });
  afterEach(async () => {
    await metastore.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const publishTo = async (last: number, from = 1): Promise<void> => {
    for (let r = from; r <= last; r++) expect(await metastore.publish(mapOf(r), r - 1)).toBe('ok');
  };
  const files = (): string[] => fs.readdirSync(folder).sort();

  test('keeps the newest numbers and no temporary files', async () => {
    await publishTo(100);
    const newest = Array.from({ length: KEPT }, (_, i) => mapFileName(100 - KEPT + 1 + i));
    expect(files()).toEqual([COLLECTED, ...newest]);
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, -20)],
    ['with another digit in it', (text: string) => text.replace('"partitions":1', '"partitions":2')],
    ['empty', () => ''],
  ])('a map file %s is metastore-unavailable, naming the file', async (_, damage) => {
    await publishTo(2);
    const path = join(folder, mapFileName(2));
    fs.writeFileSync(path, damage(fs.readFileSync(path, 'utf8')));
    const other = new DirectoryMetastore(folder);
    await expect(other.read()).rejects.toMatchObject({ code: 'metastore-unavailable', details: { path } });
  });

  test('a folder that cannot be read is metastore-unavailable', async () => {
    const path = join(folder, 'file');
    fs.writeFileSync(path, '');
    await expect(new DirectoryMetastore(path).read()).rejects.toMatchObject({
      code: 'metastore-unavailable',
    });
    expect(await new DirectoryMetastore(path).publish(mapOf(1), 0)).toBe('failed');
  });

  const fail = (code: string) => async (): Promise<never> => {
    throw Object.assign(new Error(code), { code });
  };
  const failingSync =
    (file: boolean): FileSystem['open'] =>
    async (path, flags) => {
      const opened = await nodeFiles.open(path, flags);
      return (path === folder) !== file ? { ...opened, sync: fail('EIO') } : opened;
    };

  test('what fails before the link has certainly not happened, what fails after it may have', async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const failing = (files: Partial<FileSystem>) =>
      new DirectoryMetastore(folder, { files: { ...nodeFiles, ...files }, onError }).publish(mapOf(1), 0);
    expect(await failing({ open: failingSync(true) })).toBe('failed');
    expect(await failing({ link: fail('ENOSPC') })).toBe('failed');
    expect(await failing({ link: fail('EIO') })).toBe('unknown');
    expect(await metastore.read()).toBeNull();
    expect(await failing({ open: failingSync(false) })).toBe('unknown');
    expect((await metastore.read())!.revision).toBe(1);
    expect(errors).toHaveLength(4);
    expect(files()).toEqual([mapFileName(1)]);
  });

  test('others building on it before it has looked again do not make a publish lost', async () => {
    const link: FileSystem['link'] = async (from, to) => {
      await nodeFiles.link(from, to);
      await publishTo(KEPT + 5, 2);
    };
    const slow = new DirectoryMetastore(folder, { files: { ...nodeFiles, link } });
    expect(await slow.publish(mapOf(1), 0)).toBe('ok');
    expect((await metastore.read())!.revision).toBe(KEPT + 5);
  });

  test('a publisher so late that its number is gone again links nothing', async () => {
    await publishTo(5);
    const link: FileSystem['link'] = async (from, to) => {
      await publishTo(6 + KEPT, 6); // 6 has been taken and removed when it links
      expect(files()).not.toContain(mapFileName(6));
      await nodeFiles.link(from, to);
    };
    const late = new DirectoryMetastore(folder, { files: { ...nodeFiles, link } });
    expect(await late.publish(mapOf(6, 'late'), 5)).toBe('conflict');
    expect(files()).not.toContain(mapFileName(6));
    expect(await metastore.read()).toEqual(mapOf(6 + KEPT));
  });

  test('a reader whose number is gone when it opens it reads again', async () => {
    await publishTo(5);
    let first = true;
    const open: FileSystem['open'] = async (path, flags) => {
      if (first && path.endsWith(mapFileName(5))) {
        first = false;
        await publishTo(5 + KEPT, 6);
      }
      return nodeFiles.open(path, flags);
    };
    const slow = new DirectoryMetastore(folder, { files: { ...nodeFiles, open } });
    expect(await slow.read()).toEqual(mapOf(5 + KEPT));
  });

  test('a map is read from its file once, and its file is looked for each time', async () => {
    await publishTo(2);
    let opened = 0;
    const open: FileSystem['open'] = (path, flags) => {
      if (path.endsWith('.json')) opened++;
      return nodeFiles.open(path, flags);
    };
    const reader = new DirectoryMetastore(folder, { files: { ...nodeFiles, open } });
    expect(await reader.readFrom(1)).toEqual(mapOf(1));
    for (let n = 0; n < 3; n++) expect(await reader.read()).toEqual(mapOf(2));
    expect(await reader.readFrom(1)).toEqual(mapOf(2));
    expect(opened).toBe(2);
    await publishTo(3, 3);
    expect(await reader.read()).toEqual(mapOf(3));
    expect(opened).toBe(3);
  });

  test('what killed processes left is removed with the numbers it was for', async () => {
    const name = (revision: number): string => `.tmp-${String(revision).padStart(10, '0')}-1-1-1`;
    fs.writeFileSync(join(folder, name(2)), 'x');
    fs.writeFileSync(join(folder, name(3)), 'x');
    await publishTo(KEPT + 2);
    expect(files().filter((file) => file.startsWith('.tmp'))).toEqual([name(3)]);
  });

  test.each([
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'not a regular file'],
    ['a folder', (path: string) => fs.mkdirSync(path), 'a folder'],
    ['a device', (path: string) => fs.symlinkSync('/dev/zero', path), 'not a regular file'],
    ['a dangling link', (path: string) => fs.symlinkSync('nowhere', path), 'a dangling symbolic link'],
    ['a looping link', (path: string) => fs.symlinkSync(mapFileName(99), path), 'ELOOP'],
    [
      'a huge file',
      (path: string) => {
        fs.writeFileSync(path, '');
        fs.truncateSync(path, 10 * 2 ** 30);
      },
      'bytes',
    ],
  ])('%s in place of the newest map is metastore-unavailable at once', async (_, make, why) => {
    await publishTo(2);
    make(join(folder, mapFileName(99)));
    await expect(metastore.read()).rejects.toMatchObject({
      code: 'metastore-unavailable',
      message: expect.stringContaining(why),
    });
    expect(await metastore.publish(mapOf(3), 2)).toBe('conflict');
  });

  test('a folder whose maps were all removed is metastore-unavailable, not new', async () => {
    await publishTo(KEPT + 1);
    for (const name of files()) if (name.endsWith('.json')) fs.unlinkSync(join(folder, name));
    await expect(metastore.read()).rejects.toMatchObject({ code: 'metastore-unavailable' });
    expect(await metastore.publish(mapOf(1), 0)).toBe('conflict');
  });

  test('four processes race, killed at random: no revision is lost or doubled', {
    timeout: 60_000,
  }, async () => {
    const goal = 201;
    await publishTo(1);
    const lines: string[] = [];
    const killed = new Set<string>();
    const running = new Map<string, ChildProcess>();
    let started = 0;
    const start = (): Promise<void> => {
      const author = `p${++started}`;
      const script = fileURLToPath(new URL('publisher.ts', import.meta.url));
      const args = ['--import', 'tsx', script, folder, author, String(goal)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      running.set(author, child);
      let text = '';
      child.stdout!.on('data', (chunk) => (text += chunk));
      return once(child, 'close').then(() => {
        running.delete(author);
        lines.push(...text.split('\n').filter((line) => line !== ''));
        // A killed one is replaced, until the goal is reached.
        return killed.has(author) ? start() : undefined;
      });
    };
    // What every revision said, collected while they come: old ones are removed.
    const history = new Map<number, string>([[1, 'test']]);
    const collect = (): void => {
      for (const name of files().filter((n) => n.endsWith('.json'))) {
        const revision = Number(name.slice(0, -5));
        const text = history.has(revision) ? null : fs.readFileSync(join(folder, name), 'utf8');
        if (text !== null) history.set(revision, decodeMap(text)!.name);
      }
    };
    let kills = 0;
    const end = metastore.watch(1, (revision) => {
      collect();
      if (revision < 25 * (kills + 1) || kills >= 7) return;
      const [author, victim] = [...running][kills % running.size]!;
      kills++;
      killed.add(author);
      victim.kill('SIGKILL');
    });
    await Promise.all(Array.from({ length: 4 }, start));
    end();
    collect();
    expect(kills).toBeGreaterThan(2);

    const acknowledged = lines.filter((line) => line.startsWith('ok ')).map((line) => line.split(' '));
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
    const revisions = acknowledged.map(([, revision]) => Number(revision));
    expect(new Set(revisions).size).toBe(revisions.length);
    for (const [, revision, name] of acknowledged) expect(history.get(Number(revision))).toBe(name);
    expect([...history.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: goal }, (_, i) => i + 1));
    // Revisions nobody acknowledged are those of processes that were killed in between, at most one each.
    expect(goal - 1 - revisions.length).toBeLessThanOrEqual(killed.size);
    expect((await metastore.read())!.revision).toBe(goal);
  });
});
