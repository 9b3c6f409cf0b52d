import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogTail, tailOffset } from '../../src/cluster/observe/logs.js';
import { lastError } from '../../src/cluster/processes/launch.js';
import { readProcessFile } from '../../src/cluster/processes/roster.js';
import { readFaults, writeFaults } from '../../src/faults/store.js';
import type { FileSystem } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';
import { readWhole, readWholeSync, replaceWholeSync, writeNewDurably } from '../../src/files/whole.js';
import {
  clusterFile,
  faultsFile,
  nodeDataDir,
  nodeDir,
  nodeLogFile,
  processFile,
  readClusterFile,
  readToken,
  tokenFile,
} from '../../src/layout/paths.js';
import { readRun, readStore, storePath } from '../../src/storage/identity.js';
import { folder } from '../cluster/helpers.js';
import { planOf } from '../faults/plans.js';
import { noFiles } from './kinds.js';

describe('a small file read whole', () => {
  it('is its text, by a link, too; null when there is none', async () => {
    const path = join(folder(), 'file');
    expect(readWholeSync(path)).toBeNull();
    expect(await readWhole(nodeFiles, path)).toBeNull();
    writeFileSync(path, 'süß\n');
    symlinkSync(path, `${path}.link`);
    for (const name of [path, `${path}.link`]) {
      expect(readWholeSync(name)).toBe('süß\n');
      expect(await readWhole(nodeFiles, name)).toBe('süß\n');
    }
    writeFileSync(path, '');
    expect(readWholeSync(path)).toBe('');
  });

  it('is refused beyond the bound alone', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, '12345');
    expect(readWholeSync(path, 5)).toBe('12345');
    expect(() => readWholeSync(path, 4)).toThrow('5 bytes; at most 4');
    await expect(readWhole(nodeFiles, path, 4)).rejects.toThrow('5 bytes; at most 4');
  });

  it('is whole when reads and writes come short', async () => {
    const path = join(folder(), 'file');
    const short: FileSystem = {
      ...nodeFiles,
      open: async (name, flags) => {
        const file = await nodeFiles.open(name, flags);
        return {
          ...file,
          write: (bytes, position) => file.write(bytes.subarray(0, 3), position),
          read: (buffer, offset, position) => file.read(buffer.subarray(0, offset + 2), offset, position),
        };
      },
    };
    const text = 'a line that takes many calls';
    await writeNewDurably(short, path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(await readWhole(short, path)).toBe(text);
  });

  it.each(noFiles)('is refused when it is %s', async (name, make, why) => {
    const path = join(folder(), 'file');
    make(path);
    expect(() => readWholeSync(path)).toThrow(why);
    // Whether a link leads nowhere matters only to those who would take that for "there is none".
    if (name === 'a link to nothing') expect(await readWhole(nodeFiles, path)).toBeNull();
    else await expect(readWhole(nodeFiles, path)).rejects.toThrow(why);
  });

  it('replaced, takes the place of whatever was there but a folder', () => {
    for (const [name, make] of noFiles) {
      const path = join(folder(), 'file');
      make(path);
      if (name === 'a folder') {
        expect(() => replaceWholeSync(path, 'new')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
        expect(readdirSync(join(path, '..'))).toEqual(['file']);
      } else {
        replaceWholeSync(path, 'new');
        expect(readWholeSync(path)).toBe('new');
      }
    }
  });
});

describe.each(noFiles)('%s in a cluster’s folder', (kind, make, why) => {
  const corrupt = (code: string, told = why) =>
    expect.objectContaining({ code, message: expect.stringMatching(told) });

  it('is told as cluster.json and token', () => {
    const dir = folder();
    make(clusterFile(dir));
    make(tokenFile(dir));
    expect(() => readClusterFile(dir)).toThrow(corrupt('metastore-unavailable'));
    expect(() => readToken(dir)).toThrow(corrupt('metastore-unavailable'));
  });

  it('is told as faults.json, and healed by a plan, unless it is a folder', () => {
    const dir = folder();
    make(faultsFile(dir));
    expect(() => readFaults(dir)).toThrow(corrupt('faults-corrupt'));
    const plan = planOf('drop n1 1%');
    if (String(why).includes('folder'))
      expect(() => writeFaults(dir, plan)).toThrow(
        expect.objectContaining({ code: 'metastore-unavailable' }),
      );
    else {
      writeFaults(dir, plan);
      expect(readFaults(dir)).toEqual(plan);
    }
  });

  it('is no process, and no log, of a node', () => {
    const dir = folder();
    mkdirSync(nodeDir(dir, 'n1'), { recursive: true });
    make(processFile(dir, 'n1'));
    expect(readProcessFile(dir, 'n1')).toBeNull();
    if (String(why).includes('bytes')) return; // a log may be as long as it likes
    make(nodeLogFile(dir, 'n1'));
    expect(lastError(dir, 'n1')).toBeNull();
    expect(tailOffset(nodeLogFile(dir, 'n1'), 10)).toBe(0);
    expect(new LogTail(nodeLogFile(dir, 'n1'), 0).poll()).toEqual([]);
  });

  it('is storage-corrupt as store.json and run.json', async () => {
    const data = nodeDataDir(folder(), 'n1');
    mkdirSync(data, { recursive: true });
    make(storePath(data));
    make(join(data, 'run.json'));
    const told = kind === 'a link to nothing' ? /: EINVAL: dangling symbolic link$/ : why;
    await expect(readStore(nodeFiles, data)).rejects.toThrow(corrupt('storage-corrupt', told));
    await expect(readRun(nodeFiles, data)).rejects.toThrow(corrupt('storage-corrupt', told));
    rmSync(data, { recursive: true });
  });
});
