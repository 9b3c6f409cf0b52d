import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileSystem, systemError } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import { createStore } from '../../src/storage/create.js';
import { lockFolder } from '../../src/storage/lock.js';
import { openStorage, type StorageOptions } from '../../src/storage/open.js';
import { type Folder, temporaryFolder } from './folder.js';
import { append, brief } from './records.js';

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const fsync = (dir: string) => openStorage({ dir, durability: 'fsync' });

test('a store made beforehand is the one that opens, at boot 1', async () => {
  const dir = join(folder.path, 'deep', 'n1');
  const store = await createStore(dir);
  expect(await createStore(dir)).toBe(store);
  const storage = await fsync(dir);
  expect(storage.recovered).toMatchObject({ store, boot: 1 });
  expect(await createStore(dir)).toBe(store); // also while it is open
  await storage.close();
});

test('an identity that was wiped is another one', async () => {
  const first = await createStore(folder.path);
  fs.rmSync(folder.path, { recursive: true });
  expect(await createStore(folder.path)).not.toBe(first);
});

test('a first start that was cut short is begun again', async () => {
  const store = await createStore(folder.path);
  fs.mkdirSync(join(folder.path, 'log'));
  fs.writeFileSync(join(folder.path, 'log', '00000001.seg'), 'half a hea');
  fs.mkdirSync(join(folder.path, 'state'));
  fs.writeFileSync(join(folder.path, 'state', 'data.mdb'), 'half a page');
  const storage = await fsync(folder.path);
  expect(storage.recovered).toMatchObject({ store, boot: 1, partitions: [], notes: [] });
  await storage.close();
});

describe('a store that is distrusted', () => {
  const open = (distrust: StorageOptions['distrust'], files: FileSystem = nodeFiles) =>
    openStorage({ dir: folder.path, durability: 'fsync', files, ...(distrust && { distrust }) });

  test('gets another identity, keeps its data and tells why, once', async () => {
    const first = await open((start) => {
      expect(start).toEqual({ store: expect.any(String), boot: 1, isNew: true });
      return null;
    });
    await first.append([append(3, 1, 1)]);
    await first.close();
    const again = await open(({ store, boot, isNew }) => {
      expect({ store, boot, isNew }).toEqual({ store: first.recovered.store, boot: 2, isNew: false });
      return 'the cluster map recorded start 7 of this store';
    });
    expect(again.recovered.store).not.toBe(first.recovered.store);
    expect(again.recovered.boot).toBe(2);
    expect(again.recovered.notes.join()).toContain('start 7');
    expect(brief(again.recovered.partitions)).toEqual({ 3: 'p0 s0.0 [1.1]' });
    await again.close();
    const third = await open(() => null);
    expect(third.recovered).toMatchObject({ store: again.recovered.store, boot: 3, notes: [] });
    await third.close();
  });

  test('stays distrusted when the new identity cannot be written, as often as that happens', async () => {
    const first = await open(undefined);
    await first.close();
    const full: FileSystem = {
      ...nodeFiles,
      rename: (from, to) =>
        to.endsWith('store.json') ? Promise.reject(systemError('ENOSPC', to)) : nodeFiles.rename(from, to),
    };
    // As the cluster map does that has seen two starts of it.
    const asked: number[] = [];
    const seenTwice: StorageOptions['distrust'] = ({ store, boot }) => {
      asked.push(boot);
      return store === first.recovered.store && boot <= 2 ? 'two starts of it were seen' : null;
    };
    for (let i = 0; i < 3; i++)
      await expect(open(seenTwice, full)).rejects.toMatchObject({ code: 'storage-full' });
    const storage = await open(seenTwice);
    expect(asked).toEqual([2, 2, 2, 2]);
    expect(storage.recovered.store).not.toBe(first.recovered.store);
    await storage.close();
  });

  test('is not asked of one that gets another identity anyway, for its machine went down', async () => {
    const process = (machine: string, distrust: StorageOptions['distrust']) =>
      openStorage({ dir: folder.path, durability: 'process', machine, ...(distrust && { distrust }) });
    const before = await process('a', undefined);
    await before.abandon();
    const storage = await process('b', () => 'distrusted');
    expect(storage.recovered.store).not.toBe(before.recovered.store);
    expect(storage.recovered.notes.join()).not.toContain('distrusted');
    await storage.close();
  });
});

test.each(['store.json', 'run.json'])(
  'a damaged or missing %s is refused as storage-corrupt',
  async (name) => {
    await (await fsync(folder.path)).close();
    const path = join(folder.path, name);
    fs.writeFileSync(path, '{"format":1');
    await expect(fsync(folder.path)).rejects.toMatchObject({
      code: 'storage-corrupt',
      details: { file: path },
    });
    fs.unlinkSync(path);
    await expect(fsync(folder.path)).rejects.toMatchObject({
      code: 'storage-corrupt',
      details: { file: path },
    });
  },
);

/** A process that locks the folder and then waits. */
async function holder(platform: string): Promise<ChildProcess> {
  const lock = new URL('../../src/storage/lock.ts', import.meta.url).href;
  const code = `const { lockFolder } = await import(${JSON.stringify(lock)});
    await lockFolder(${JSON.stringify(folder.path)}, ${JSON.stringify(platform)});
    console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

test.runIf(process.platform !== 'win32').each([process.platform, 'other'])(
  'the folder is one process’s, until it dies (%s)',
  async (platform) => {
    const child = await holder(platform);
    await expect(lockFolder(folder.path, platform)).rejects.toMatchObject({ code: 'storage-locked' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const release = await lockFolder(folder.path, platform);
    await expect(lockFolder(folder.path, platform)).rejects.toMatchObject({ code: 'storage-locked' });
    await release();
    await (await lockFolder(folder.path, platform))();
    expect(fs.readdirSync(folder.path)).toEqual([]);
  },
);
