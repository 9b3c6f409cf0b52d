import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.js';
import { replaceWhole, syncFolder } from '../../src/files/whole.js';
import { noFileFaults, SimFileSystem } from '../../src/simulator/file-system.js';
import { createSimStore, openSimStorage } from '../../src/simulator/sim-storage.js';
import { appends, brief, delta } from '../storage/records.js';

const text = (disk: SimFileSystem, path: string): string | null => {
  const bytes = disk.peek(path);
  return bytes === null ? null : Buffer.from(bytes).toString();
};

function simulated(seed: number): SimFileSystem {
  return new SimFileSystem({ random: new Random(seed), step: async () => {} });
}

/** What can come of `body` and a power failure after it, over many seeds. */
async function outcomes(body: (disk: SimFileSystem) => Promise<void>): Promise<Set<string>> {
  const found = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    const disk = simulated(seed);
    await body(disk);
    const before = text(disk, '/f') ?? 'nothing';
    disk.powerFailure();
    found.add(`${before} then ${text(disk, '/f') ?? 'nothing'}`);
  }
  return found;
}

const bytesOf = (letter: string, sectors = 1): Uint8Array => Buffer.from(letter.repeat(512 * sectors));
const letters = (value: string): string => value.replace(/(.)\1{511}/gs, '$1').replaceAll('\0', '0');
const short = (found: Set<string>): string[] => [...new Set([...found].map(letters))].sort();

describe('the simulated file system at a power failure', () => {
  test('keeps a synced write; one that failed is shown, is lost, and no later sync notices', async () => {
    const found = await outcomes(async (disk) => {
      const { files } = disk.process('p');
      const file = await files.open('/f', 'wxs');
      await file.write(bytesOf('a'), 0);
      await syncFolder(files, '/');
      disk.faults = { ...noFileFaults, io: 1 };
      await expect(file.write(bytesOf('b', 2), 512)).rejects.toMatchObject({ code: 'EIO' });
      disk.faults = noFileFaults;
      const again = await files.open('/f', 'r+');
      await again.sync();
    });
    const whole = short(found).filter((one) => one.startsWith('abb then'));
    expect(whole).toEqual(['abb then a', 'abb then a0b', 'abb then ab', 'abb then abb']);
    expect(short(found)).toContain('a then a');
  });

  test('keeps what was written again over itself and synced', async () => {
    const found = await outcomes(async (disk) => {
      const { files } = disk.process('p');
      const file = await files.open('/f', 'wxs');
      await syncFolder(files, '/');
      disk.faults = { ...noFileFaults, io: 1 };
      await expect(file.write(bytesOf('b'), 0)).rejects.toMatchObject({ code: 'EIO' });
      disk.faults = noFileFaults;
      const shown = disk.peek('/f') as Uint8Array;
      const again = await files.open('/f', 'r+');
      await again.write(shown, 0);
      await again.sync();
    });
    for (const one of found) expect(one.split(' then ')[1]).toBe(one.split(' then ')[0]);
    expect(short(found)).toContain('b then b');
  });

  test('un-synced writes and cuts: all, a part or nothing, or elsewhere', async () => {
    const body = async (disk: SimFileSystem): Promise<void> => {
      const { files } = disk.process('p');
      const file = await files.open('/f', 'wxs');
      await file.write(bytesOf('a', 2), 0);
      await syncFolder(files, '/');
      const again = await files.open('/f', 'r+');
      await again.write(bytesOf('b'), 1024);
      await again.truncate(512);
    };
    expect(short(await outcomes(body))).toEqual(['a then a', 'a then aa', 'a then aab']);
    const misdirected = await outcomes(async (disk) => {
      await body(disk);
      disk.faults = { ...noFileFaults, misdirected: 1 };
    });
    expect(short(misdirected)).toContain('a then ba');
  });

  test('a replaced file is the old or the new one, and the new one when that has resolved', async () => {
    const found = await outcomes(async (disk) => {
      const { files } = disk.process('p');
      await replaceWhole(files, '/f', 'old');
      disk.faults = { ...noFileFaults, io: 0.2 };
      const done = await replaceWhole(files, '/f', 'new').then(
        () => true,
        () => false,
      );
      disk.faults = noFileFaults;
      if (done) expect(text(disk, '/f')).toBe('new');
    });
    expect([...found].sort()).toEqual(['new then new', 'new then old', 'old then old']);
  });
});

test('pages that count as written are forgotten where `stale` says so', async () => {
  const disk = simulated(3);
  const { files } = disk.process('p');
  const file = await files.open('/f', 'wx');
  await file.write(bytesOf('a'), 0);
  await file.sync();
  await file.write(bytesOf('b'), 0);
  disk.faults = { ...noFileFaults, io: 1 };
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  disk.faults = { ...noFileFaults, stale: 1 };
  expect(letters(text(disk, '/f') as string)).toBe('b');
  await files.open('/f', 'r');
  expect(letters(text(disk, '/f') as string)).toBe('a');
});

test('bytes that are written are those of the call, whatever becomes of the buffer', async () => {
  const disk = simulated(1);
  const file = await disk.process('p').files.open('/f', 'wx');
  const buffer = Buffer.from('before');
  await file.write(buffer, 0);
  buffer.fill('x');
  await file.sync();
  await syncFolder(disk.process('q').files, '/');
  disk.powerFailure();
  expect(text(disk, '/f')).toBe('before');
});

describe('production storage on it', () => {
  const dir = '/cluster/n1';

  test('copies and backups have what the folder has, and change on their own', async () => {
    const disk = simulated(1);
    const random = new Random(2);
    const process = disk.process('p');
    const storage = await openSimStorage({ process, dir, random });
    await storage.append(appends(0, 1, 1, 3));
    await storage.checkpoint([delta(0, 1, 2)]);
    const image = disk.save(dir);
    const copy = disk.clone();
    await storage.append(appends(0, 1, 4, 5));
    const foundIn = async (there: SimFileSystem): Promise<unknown> => {
      const judge = there.process('judge', { immediate: true });
      return brief((await openSimStorage({ process: judge, dir, random })).recovered.partitions);
    };
    expect(await foundIn(copy)).toEqual({ 0: 'p1 s1.2 [1.3]' });
    process.kill();
    expect(await foundIn(disk.clone())).toEqual({ 0: 'p1 s1.2 [1.3 1.4 1.5]' });
    disk.restore(dir, image);
    disk.powerFailure();
    expect(await foundIn(disk)).toEqual({ 0: 'p1 s1.2 [1.3]' });
  });

  test('one process has a folder, until it closes or is killed; ids come from the seed', async () => {
    const stores: string[] = [];
    for (let run = 0; run < 2; run++) {
      const disk = simulated(1);
      const options = (name: string) => ({ process: disk.process(name), dir, random: new Random(9) });
      const store = await createSimStore(options('a'));
      const first = options('b');
      const storage = await openSimStorage(first);
      expect(storage.recovered).toMatchObject({ store, boot: 1 });
      await expect(openSimStorage(options('c'))).rejects.toMatchObject({ code: 'storage-locked' });
      first.process.kill();
      const second = await openSimStorage(options('d'));
      await second.close();
      const third = await openSimStorage({ ...options('f'), random: new Random(10), distrust: () => 'why' });
      const minted = third.recovered.store;
      expect(third.recovered.boot).toBe(3);
      stores.push(store, minted);
    }
    expect(stores.slice(2)).toEqual(stores.slice(0, 2));
    expect(new Set(stores).size).toBe(2);
  });

  test('a judge without steps is done before anybody goes on, and meets no faults', async () => {
    const disk = new SimFileSystem({ random: new Random(1), step: () => new Promise(() => {}) });
    disk.faults = { io: 1, full: 1, short: 1, parts: 1, stale: 1, misdirected: 1 };
    const process = disk.process('judge', { immediate: true });
    let others = false;
    setImmediate(() => {
      others = true;
    });
    const storage = await openSimStorage({ process, dir, random: new Random(1) });
    await storage.append(appends(0, 1, 1, 2));
    await storage.close();
    expect(others).toBe(false);
    expect(storage.stats().segments).toBe(1);
  });
});
