import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { type FileSystem, type OpenFile, systemError } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import {
  corrupt,
  corruptIfNoFile,
  logFolder,
  readText,
  stateFile,
  stateFolder,
  storageError,
} from '../../src/storage/io.js';
import { type Folder, temporaryFolder } from './folder.js';

test('a data folder has a log, a checkpoint and its file', () => {
  expect([logFolder, stateFolder, stateFile].map((of) => of('/d'))).toEqual([
    '/d/log',
    '/d/state',
    '/d/state/data.mdb',
  ]);
});

describe('a disk call that failed', () => {
  const coded = (code: unknown, message = 'it failed'): unknown =>
    Object.assign(new Error(message), { code });
  test.each([
    [coded('ENOSPC'), 'storage-full', 'the disk is full', 'ENOSPC'],
    [coded('EDQUOT'), 'storage-full', 'the disk is full', 'EDQUOT'],
    [coded('EIO'), 'storage-failed', 'it failed', 'EIO'],
    [coded(28), 'storage-full', 'the disk is full', 'ENOSPC'],
    [coded(5), 'storage-failed', 'it failed', 'EIO'],
    [coded(1), 'storage-failed', 'it failed', 'EPERM'],
    [coded(0), 'storage-failed', 'it failed', 0],
    [coded(-30_000), 'storage-failed', 'it failed', -30_000],
    [new Error('No space left on device'), 'storage-full', 'the disk is full', null],
    [new Error('write: ENOSPC'), 'storage-full', 'the disk is full', null],
    [new Error('Disk quota exceeded'), 'storage-full', 'the disk is full', null],
    [new Error('something else'), 'storage-failed', 'something else', null],
    ['a text', 'storage-failed', 'a text', null],
  ] as const)('%s is told as %s', (cause, code, what, named) => {
    const error = storageError(cause, '/d', 'writing');
    expect(error).toMatchObject({
      code,
      message: `writing failed: ${what} (/d)`,
      details: { path: '/d', cause: named },
      tookEffect: 'unknown',
      cause,
    });
  });

  test('is told once', () => {
    const error = new MusterError('storage-locked', 'it is in use');
    expect(storageError(error, '/d', 'writing')).toBe(error);
  });
});

test('damage is told with its file, and its place when there is one', () => {
  expect(corrupt('/d', '/d/run.json', 'it is missing')).toMatchObject({
    code: 'storage-corrupt',
    message: 'data folder /d is damaged: /d/run.json: it is missing',
    details: { path: '/d', file: '/d/run.json', offset: null },
  });
  expect(corrupt('/d', '/d/f', 'it is torn', 0)).toMatchObject({
    message: 'data folder /d is damaged: /d/f at byte 0: it is torn',
    details: { offset: 0 },
  });
});

test('something that is no file in place of one is damage; other errors are as they were', () => {
  for (const code of ['EINVAL', 'ELOOP'])
    expect(corruptIfNoFile(systemError(code, 'no file'), '/d', '/d/f')).toMatchObject({
      code: 'storage-corrupt',
      message: `data folder /d is damaged: /d/f: ${code}: no file`,
      details: { path: '/d', file: '/d/f', offset: null },
    });
  const other = systemError('EIO', 'no');
  expect(corruptIfNoFile(other, '/d', '/d/f')).toBe(other);
});

describe('the text of a file', () => {
  let folder: Folder;
  beforeAll(() => {
    folder = temporaryFolder();
    fs.writeFileSync(join(folder.path, 'file'), 'Zoë');
    fs.writeFileSync(join(folder.path, 'empty'), '');
    fs.symlinkSync(join(folder.path, 'file'), join(folder.path, 'link'));
    fs.symlinkSync(join(folder.path, 'none'), join(folder.path, 'broken'));
  });
  afterAll(() => folder.remove());
  const read = (name: string, files: FileSystem = nodeFiles): Promise<string | null> =>
    readText(files, join(folder.path, name));

  test('is null when there is none, or no folder for it', async () => {
    expect(
      await Promise.all(['file', 'link', 'empty', 'none', 'no/folder'].map((name) => read(name))),
    ).toEqual(['Zoë', 'Zoë', '', null, null]);
  });

  test('is not null where a link leads to nothing: that is an error', async () => {
    await expect(read('broken')).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'EINVAL: dangling symbolic link',
    });
  });

  test('is that of a file that comes while its folder is read', async () => {
    let missing = true;
    const files: FileSystem = {
      ...nodeFiles,
      open: (path, mode): Promise<OpenFile> => {
        if (!missing) return nodeFiles.open(path, mode);
        missing = false;
        return Promise.reject(systemError('ENOENT', path));
      },
    };
    expect(await read('file', files)).toBe('Zoë');
  });

  test('is not known where the folder cannot be read', async () => {
    const files: FileSystem = { ...nodeFiles, readdir: () => Promise.reject(systemError('EACCES', 'no')) };
    await expect(read('none', files)).rejects.toMatchObject({ code: 'EACCES' });
    const gone: FileSystem = { ...nodeFiles, readdir: () => Promise.reject(systemError('ENOENT', 'no')) };
    expect(await read('none', gone)).toBeNull();
  });
});
