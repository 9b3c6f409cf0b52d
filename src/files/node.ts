/** `FileSystem` of the operating system. */
import * as fs from 'node:fs';
import type { FileStat, FileSystem, OpenFile, OpenMode } from './contract.js';

const statOf = (stats: fs.Stats): FileStat => ({
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
  bytes: stats.size,
});

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK = 0 } = fs.constants;
/** Linux writes and syncs in one call, which saves a hop through the thread pool; others sync after. */
const syncedWrites = process.platform === 'linux' ? (fs.constants.O_DSYNC ?? 0) : 0;

/** `O_NONBLOCK`: opening a FIFO that nobody writes to would otherwise hang for good. */
const flagsOf: Readonly<Record<OpenMode, number>> = {
  r: O_RDONLY | O_NONBLOCK,
  'r+': O_RDWR | O_NONBLOCK,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  wxs: O_WRONLY | O_CREAT | O_EXCL | syncedWrites,
};

type Done<T> = (error: Error | null, value: T) => void;

const called = <T>(start: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    start((error, value) => {
      if (error !== null) reject(error);
      else resolve(value);
    });
  });

/**
 * By descriptor and callbacks: a write through `FileHandle` costs several times as much, and each append to the log waits for one.
 * `syncsAfter`: a write is synced before it resolves.
 */
function opened(fd: number, syncsAfter: boolean): OpenFile {
  const synced = async (writing: Promise<number>): Promise<number> => {
    const bytes = await writing;
    await called<void>((done) => fs.fdatasync(fd, (error) => done(error, undefined)));
    return bytes;
  };
  const write: OpenFile['write'] = (bytes, position) =>
    called((done) => fs.write(fd, bytes, 0, bytes.length, position, done));
  const writev: OpenFile['writev'] = (buffers, position) =>
    called((done) => fs.writev(fd, buffers as Uint8Array[], position, done));
  return {
    stat: async () => statOf(await called<fs.Stats>((done) => fs.fstat(fd, done))),
    read: (buffer, offset, position) =>
      called((done) => fs.read(fd, buffer, offset, buffer.length - offset, position, done)),
    write: syncsAfter ? (bytes, position) => synced(write(bytes, position)) : write,
    writev: syncsAfter ? (buffers, position) => synced(writev(buffers, position)) : writev,
    truncate: (bytes) => called((done) => fs.ftruncate(fd, bytes, (error) => done(error, undefined))),
    sync: () => called((done) => fs.fsync(fd, (error) => done(error, undefined))),
    close: () => called((done) => fs.close(fd, (error) => done(error ?? null, undefined))),
  };
}

const windows = process.platform === 'win32';
/** Windows opens no folders; NTFS writes names through its journal. */
const folderOnWindows: OpenFile = {
  stat: async () => ({ kind: 'folder', bytes: 0 }),
  read: async () => 0,
  write: async () => 0,
  writev: async () => 0,
  truncate: async () => {},
  sync: async () => {},
  close: async () => {},
};

export const nodeFiles: FileSystem = {
  readdir: (path) => fs.promises.readdir(path),
  mkdir: (path) => fs.promises.mkdir(path, { mode: 0o700 }),
  async open(path, mode) {
    if (windows && mode === 'r' && (await fs.promises.stat(path)).isDirectory()) return folderOnWindows;
    const fd = await called<number>((done) => fs.open(path, flagsOf[mode], 0o600, done));
    return opened(fd, mode === 'wxs' && syncedWrites === 0);
  },
  link: (from, to) => fs.promises.link(from, to),
  rename: (from, to) => fs.promises.rename(from, to),
  unlink: (path) => fs.promises.unlink(path),
  rmdir: (path) => fs.promises.rmdir(path),
  stat: async (path) => statOf(await fs.promises.stat(path)),
};
