import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { abstractName } from '../../src/os/abstract-socket.js';
import { lockFolder } from '../../src/storage/lock.js';
import { type Folder, temporaryFolder } from './folder.js';

let folder: Folder;
let commands: Folder;
beforeEach(() => {
  folder = temporaryFolder();
  commands = temporaryFolder();
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
  commands.remove();
});

const inUse = (by: string) => ({
  code: 'storage-locked',
  message: `data folder ${folder.path} is in use by ${by}`,
  details: { path: folder.path },
});

test.runIf(process.platform === 'linux')(
  'the lock of Linux has a name made of the folder’s identity',
  async () => {
    const { dev, ino } = fs.statSync(folder.path);
    const waitedFor = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('Pipe')).length;
    const before = waitedFor();
    const release = await lockFolder(folder.path);
    // A process that has it ends when it has nothing else to do.
    expect(waitedFor()).toBe(before);
    await expect(lockFolder(folder.path)).rejects.toMatchObject(inUse('another process'));
    // Whoever connects is sent away.
    const socket = createConnection({ path: abstractName(`muster-store-${dev}-${ino}`) });
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    await release();
    const again = await lockFolder(folder.path);
    await again();
    expect(fs.readdirSync(folder.path)).toEqual([]);
  },
);

test.runIf(process.platform === 'linux')('the lock of Windows is a pipe of such a name', async () => {
  // Elsewhere that is the name of a socket in the working folder.
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    const release = await lockFolder(folder.path, 'win32');
    const [name] = fs.readdirSync(folder.path);
    expect(name).toMatch(/^\\\\\.\\pipe\\muster-store-\d+-\d+$/);
    await expect(lockFolder(folder.path, 'win32')).rejects.toMatchObject(inUse('another process'));
    await release();
  } finally {
    process.chdir(before);
  }
});

describe.skipIf(process.platform === 'win32')('a lock in a file', () => {
  const path = (): string => join(folder.path, 'lock');
  const lock = () => lockFolder(folder.path, 'other');
  const dead = 999_999;
  const said = (pid: number, started: string | null): string => JSON.stringify({ pid, started });

  /**
   * Processes, by their number with what `ps` says of their start; none has another number. `then` is run by `ps` each time that it
   * is asked about the dead process: whoever asks has read the lock, and has not acted on it.
   */
  const processes = (started: Readonly<Record<number, string>>, then = ':'): void => {
    const cases = Object.entries(started).map(([pid, text]) => `'-o lstart= -p ${pid}') echo '${text}' ;;`);
    fs.writeFileSync(
      join(commands.path, 'ps'),
      `#!/bin/sh\ncase "$*" in\n'-o lstart= -p ${dead}') ${then}; exit 1 ;;\n${cases.join('\n')}\n*) exit 1 ;;\nesac\n`,
      { mode: 0o755 },
    );
    vi.stubEnv('PATH', `${commands.path}:${process.env.PATH}`);
  };
  const mine = 'Mon Nov 30 10:00:00 2026';

  test('says whose it is, and goes when it is let go of, with nothing beside it', async () => {
    processes({ [process.pid]: `  ${mine}  ` });
    const release = await lock();
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
    expect(JSON.parse(fs.readFileSync(path(), 'utf8'))).toEqual({ pid: process.pid, started: mine });
    expect(fs.statSync(path()).mode & 0o777).toBe(0o600);
    await expect(lock()).rejects.toMatchObject(inUse(`process ${process.pid}`));
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
    await release();
    await release();
    expect(fs.readdirSync(folder.path)).toEqual([]);
  });

  test.each([
    ['of a process that is gone', said(dead, mine)],
    ['of another process of that number', said(77, 'Sun Nov 29 10:00:00 2026')],
    ['of a process whose start nobody knew', said(dead, null)],
  ])('%s is taken away', async (_, holder) => {
    processes({ [process.pid]: mine, 77: mine });
    fs.writeFileSync(path(), holder);
    const release = await lock();
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(process.pid, mine));
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
    await release();
  });

  test('of a process that does not know its own start has none', async () => {
    processes({ [process.pid]: '' });
    await (await lock())();
    const release = await lock();
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(process.pid, null));
    await release();
  });

  test('of a living process is left alone', async () => {
    processes({ [process.pid]: mine, 77: mine });
    fs.writeFileSync(path(), said(77, mine));
    await expect(lock()).rejects.toMatchObject(inUse('process 77'));
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(77, mine));
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
  });

  test('that a living process has taken meanwhile is given back', async () => {
    processes({ [process.pid]: mine, 77: mine }, `printf '%s' '${said(77, mine)}' > '${path()}'`);
    fs.writeFileSync(path(), said(dead, mine));
    await expect(lock()).rejects.toMatchObject(inUse('process 77'));
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(77, mine));
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
  });

  test('that is let go of meanwhile is taken', async () => {
    processes({ [process.pid]: mine }, `rm '${path()}'`);
    fs.writeFileSync(path(), said(dead, mine));
    const release = await lock();
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(process.pid, mine));
    await release();
  });

  test('is tried three times', async () => {
    // It becomes that of another dead process, as often as somebody looks, or the first time alone.
    const asked = join(commands.path, 'asked');
    const change = `printf ' ' >> '${path()}'`;
    processes({ [process.pid]: mine }, `echo >> '${asked}'; ${change}`);
    fs.writeFileSync(path(), said(dead, mine));
    await expect(lock()).rejects.toMatchObject(inUse('another process'));
    expect(fs.readFileSync(asked, 'utf8')).toBe('\n\n\n');
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
    fs.rmSync(asked);
    processes({ [process.pid]: mine }, `[ -e '${asked}' ] || ${change}; echo >> '${asked}'`);
    const release = await lock();
    expect(fs.readFileSync(path(), 'utf8')).toBe(said(process.pid, mine));
    await release();
  });

  describe('where the system', () => {
    const { linkSync, renameSync } = fs;
    const instead = (change: Partial<Pick<typeof fs, 'linkSync' | 'renameSync'>>): void => {
      Object.assign(fs, change);
      syncBuiltinESMExports();
    };
    afterEach(() => instead({ linkSync, renameSync }));
    const failing = (code: string) => (): never => {
      throw Object.assign(new Error(code), { code });
    };

    test('says that it is taken and it is free then, is tried again', async () => {
      processes({ [process.pid]: mine });
      instead({
        linkSync: () => {
          instead({ linkSync });
          failing('EEXIST')();
        },
      });
      await (await lock())();
    });

    test.each([
      ['cannot link', { linkSync: failing('EPERM') }, 'EPERM'],
      ['cannot rename', { renameSync: failing('EIO') }, 'EIO'],
    ])('%s, is an error, and nothing is left', async (_, change, code) => {
      processes({ [process.pid]: mine });
      if (code === 'EIO') fs.writeFileSync(path(), said(dead, mine));
      instead(change);
      await expect(lock()).rejects.toMatchObject({ code });
      expect(fs.readdirSync(folder.path)).toEqual(code === 'EIO' ? ['lock'] : []);
    });

    test('gives it to a third one meanwhile, is that one’s', async () => {
      processes({ [process.pid]: mine, 77: mine, 78: mine }, `printf '%s' '${said(77, mine)}' > '${path()}'`);
      fs.writeFileSync(path(), said(dead, mine));
      instead({
        renameSync: (from, to) => {
          renameSync(from, to);
          fs.writeFileSync(path(), said(78, mine));
        },
      });
      await expect(lock()).rejects.toMatchObject(inUse('process 78'));
      expect(fs.readdirSync(folder.path)).toEqual(['lock']);
    });
  });

  test('cannot be had where something else has its name', async () => {
    processes({ [process.pid]: mine });
    fs.mkdirSync(path());
    await expect(lock()).rejects.toMatchObject({ code: 'EINVAL' });
    expect(fs.readdirSync(folder.path)).toEqual(['lock']);
  });
});
