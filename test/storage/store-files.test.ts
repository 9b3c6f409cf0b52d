import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FileSystem, systemError } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import { createLocked, createStore } from '../../src/storage/create.js';
import {
  machineBoot,
  type RunFile,
  readRun,
  readStore,
  type StoreFile,
  writeRun,
  writeStore,
} from '../../src/storage/identity.js';
import type { Platform } from '../../src/storage/platform.js';
import { type Folder, temporaryFolder } from './folder.js';

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  folder.remove();
});

const path = (name: string): string => join(folder.path, name);
const store: StoreFile = { format: 1, store: 'b', lineage: 'a', created: '2026-01-02T03:04:05.006Z' };
const run: RunFile = { format: 1, boot: 0, machine: null, durability: 'fsync', clean: 0, notes: [] };

describe('store.json and run.json', () => {
  test('are written as JSON that a person can read, and read back', async () => {
    await writeStore(nodeFiles, folder.path, store);
    await writeRun(nodeFiles, folder.path, run);
    expect(fs.readFileSync(path('store.json'), 'utf8')).toBe(`${JSON.stringify(store, null, 2)}\n`);
    expect(fs.readFileSync(path('run.json'), 'utf8')).toBe(`${JSON.stringify(run, null, 2)}\n`);
    expect(await readStore(nodeFiles, folder.path)).toEqual(store);
    expect(await readRun(nodeFiles, folder.path)).toEqual(run);
    expect(fs.readdirSync(folder.path).sort()).toEqual(['run.json', 'store.json']);
  });

  const wrong = 'unexpected content';
  test.each([
    ['store.json', 'not JSON'],
    ['store.json', ''],
    ['store.json', 'null'],
    ['store.json', '{}'],
    ['store.json', JSON.stringify({ ...store, format: 2 })],
    ['store.json', JSON.stringify({ ...store, store: 1 })],
    ['store.json', JSON.stringify({ ...store, lineage: undefined })],
    ['run.json', 'not JSON'],
    ['run.json', 'null'],
    ['run.json', JSON.stringify({ ...run, format: 2 })],
    ['run.json', JSON.stringify({ ...run, boot: 1.5 })],
    ['run.json', JSON.stringify({ ...run, boot: '1' })],
    ['run.json', JSON.stringify({ ...run, notes: 'none' })],
  ])('%s is damaged when it says %s', async (name, text) => {
    fs.writeFileSync(path(name), text);
    const reading = name === 'run.json' ? readRun : readStore;
    await expect(reading(nodeFiles, folder.path)).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: `data folder ${folder.path} is damaged: ${path(name)}: ${wrong}`,
      details: { path: folder.path, file: path(name), offset: null },
    });
  });

  test.each(['store.json', 'run.json'])('%s that is no file is damage', async (name) => {
    fs.mkdirSync(path(name));
    const reading = name === 'run.json' ? readRun : readStore;
    await expect(reading(nodeFiles, folder.path)).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('it is a folder, not a file'),
      details: { file: path(name) },
    });
  });

  test('a missing store.json is a new store, but beside data it is damage', async () => {
    expect(await readStore(nodeFiles, folder.path)).toBeNull();
    for (const data of ['log', 'state']) {
      fs.mkdirSync(path(data));
      await expect(readStore(nodeFiles, folder.path)).rejects.toMatchObject({
        code: 'storage-corrupt',
        message: expect.stringContaining('store.json: missing, although the folder holds data'),
      });
      fs.rmdirSync(path(data));
    }
    fs.mkdirSync(path('log'));
    await writeStore(nodeFiles, folder.path, store);
    expect(await readStore(nodeFiles, folder.path)).toEqual(store);
  });

  test('a missing run.json is damage', async () => {
    await expect(readRun(nodeFiles, folder.path)).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('run.json: missing'),
    });
  });

  test('what the disk says is told as it is', async () => {
    for (const files of [
      { ...nodeFiles, stat: () => Promise.reject(systemError('EIO', 'stat')) },
      { ...nodeFiles, open: () => Promise.reject(systemError('EIO', 'open')) },
    ] as readonly FileSystem[])
      await expect(readStore(files, folder.path)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('which boot of the machine it is', () => {
  const on = (platform: string): string | null => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue(platform as NodeJS.Platform);
    return machineBoot();
  };
  /** A command of this name that prints `output`, and ends with this code, if its arguments are those. */
  const command = (name: string, args: string, output: string, code = 0): void => {
    fs.writeFileSync(
      path(name),
      `#!/bin/sh\nif [ "$*" = "${args}" ]; then printf '${output}'; exit ${code}; fi\nexit 9\n`,
      { mode: 0o755 },
    );
    vi.stubEnv('PATH', `${folder.path}:${process.env.PATH}`);
  };

  test.runIf(process.platform === 'linux')('Linux says it in a file', () => {
    const said = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    expect(machineBoot()).toMatch(/^[0-9a-f-]{36}$/);
    expect(`${machineBoot()}\n`).toBe(said);
  });

  test.skipIf(process.platform === 'win32')('macOS says it when it is asked', () => {
    command('sysctl', '-n kern.bootsessionuuid', 'A-B-C\\n');
    expect(on('darwin')).toBe('A-B-C');
    command('sysctl', '-n kern.bootsessionuuid', '\\n');
    expect(on('darwin')).toBeNull();
    command('sysctl', '-n kern.bootsessionuuid', 'A-B-C\\n', 1);
    expect(on('darwin')).toBeNull();
  });

  test('others do not', () => {
    expect(on('win32')).toBeNull();
  });
});

describe('a store that is made', () => {
  const recorded = () => {
    const calls: string[] = [];
    const short = (of: string): string => of.slice(folder.path.length + 1) || '.';
    const files: FileSystem = {
      ...nodeFiles,
      mkdir: async (of) => {
        calls.push(`mkdir ${short(of)}`);
        await nodeFiles.mkdir(of);
      },
      rename: async (from, to) => {
        calls.push(`rename ${short(to)}`);
        await nodeFiles.rename(from, to);
      },
      open: async (of, mode) => {
        const file = await nodeFiles.open(of, mode);
        return {
          ...file,
          sync: async () => {
            calls.push(`sync ${short(of)}`);
            await file.sync();
          },
        };
      },
    };
    const platform: Platform = {
      files,
      lock: async (of) => {
        calls.push(`lock ${short(of)}`);
        return async () => void calls.push(`unlock ${short(of)}`);
      },
      newId: () => 'id',
      now: () => Date.parse('2026-01-02T03:04:05.006Z'),
    };
    return { platform, calls: () => calls.splice(0) };
  };
  const files = [
    'sync n1/run.json.tmp',
    'rename n1/run.json',
    'sync n1',
    'sync n1/store.json.tmp',
    'rename n1/store.json',
    'sync n1',
  ];

  test('is durable, with its folder, and under its lock; one that was found is made durable', async () => {
    const { platform, calls } = recorded();
    expect(await createStore(path('n1'), platform)).toBe('id');
    // Above the folder others may have been made, and are synced as well.
    const made = calls();
    expect(made.slice(made.indexOf('mkdir n1'))).toEqual([
      'mkdir n1',
      'sync .',
      'lock n1',
      ...files,
      'unlock n1',
    ]);
    expect(JSON.parse(fs.readFileSync(path('n1/store.json'), 'utf8'))).toEqual({
      format: 1,
      store: 'id',
      lineage: 'id',
      created: '2026-01-02T03:04:05.006Z',
    });
    expect(JSON.parse(fs.readFileSync(path('n1/run.json'), 'utf8'))).toEqual(run);
    expect(await createStore(path('n1'), { ...platform, newId: () => 'another' })).toBe('id');
    expect(calls()).toEqual(['sync n1']);
  });

  test('by a caller with the lock is said to be new, once', async () => {
    const { platform, calls } = recorded();
    fs.mkdirSync(path('n1'));
    const made = { format: 1, store: 'id', lineage: 'id', created: '2026-01-02T03:04:05.006Z' };
    expect(await createLocked(path('n1'), platform)).toEqual({ store: made, isNew: true });
    expect(calls()).toEqual(files);
    expect(await createLocked(path('n1'), platform)).toEqual({ store: made, isNew: false });
    expect(calls()).toEqual([]);
  });

  test('lets go of its lock when it fails', async () => {
    const { platform, calls } = recorded();
    const full: FileSystem = {
      ...platform.files,
      rename: () => Promise.reject(systemError('ENOSPC', 'no space left')),
    };
    await expect(createStore(path('n1'), { ...platform, files: full })).rejects.toMatchObject({
      code: 'storage-full',
      message: expect.stringContaining('creating the data folder failed'),
    });
    expect(calls().at(-1)).toBe('unlock n1');
  });
});
