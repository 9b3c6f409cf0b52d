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

type WriteDone = (error: Error | null, bytes: number) => void;

function opened(file: fs.promises.FileHandle, syncsAfter: boolean): OpenFile {
  // By callbacks: a promise of `FileHandle` costs several times as much, and each append to the log waits for one.
  const writing = (start: (done: WriteDone) => void): Promise<number> =>
    new Promise((resolve, reject) => {
      start((error, bytes) => {
        if (error !== null) reject(error);
        else if (!syncsAfter) resolve(bytes);
        else fs.fdatasync(file.fd, (failed) => (failed ? reject(failed) : resolve(bytes)));
      });
    });
  return {
    stat: async () => statOf(await file.stat()),
    read: async (buffer, offset, position) =>
      (await file.read(buffer, offset, buffer.length - offset, position)).bytesRead,
    write: (bytes, position) => writing((done) => fs.write(file.fd, bytes, 0, bytes.length, position, done)),
    writev: (buffers, position) =>
      writing((done) => fs.writev(file.fd, buffers as Uint8Array[], position, done)),
    truncate: (bytes) => file.truncate(bytes),
    sync: () => file.sync(),
    close: () => file.close(),
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
    const file = await fs.promises.open(path, flagsOf[mode], 0o600);
    return opened(file, mode === 'wxs' && syncedWrites === 0);
  },
  link: (from, to) => fs.promises.link(from, to),
  rename: (from, to) => fs.promises.rename(from, to),
  unlink: (path) => fs.promises.unlink(path),
  rmdir: (path) => fs.promises.rmdir(path),
  stat: async (path) => statOf(await fs.promises.stat(path)),
};
