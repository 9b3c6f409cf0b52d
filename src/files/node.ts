/** `FileSystem` of the operating system. */
import * as fs from 'node:fs';
import type { FileStat, FileSystem, OpenFile } from './contract.js';

const statOf = (stats: fs.Stats): FileStat => ({
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
  bytes: stats.size,
});

/** `O_NONBLOCK`: opening a FIFO that nobody writes to would otherwise hang for good. */
const readFlags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

const opened = (file: fs.promises.FileHandle): OpenFile => ({
  stat: async () => statOf(await file.stat()),
  read: async (buffer, offset, position) =>
    (await file.read(buffer, offset, buffer.length - offset, position)).bytesRead,
  write: async (bytes, position) => (await file.write(bytes, 0, bytes.length, position)).bytesWritten,
  sync: () => file.sync(),
  close: () => file.close(),
});

const windows = process.platform === 'win32';
/** Windows opens no folders; NTFS writes names through its journal. */
const folderOnWindows: OpenFile = {
  stat: async () => ({ kind: 'folder', bytes: 0 }),
  read: async () => 0,
  write: async () => 0,
  sync: async () => {},
  close: async () => {},
};

export const nodeFiles: FileSystem = {
  readdir: (path) => fs.promises.readdir(path),
  mkdir: (path) => fs.promises.mkdir(path, { mode: 0o700 }),
  async open(path, flags) {
    if (windows && flags === 'r' && (await fs.promises.stat(path)).isDirectory()) return folderOnWindows;
    return opened(await fs.promises.open(path, flags === 'r' ? readFlags : flags, 0o600));
  },
  link: (from, to) => fs.promises.link(from, to),
  unlink: (path) => fs.promises.unlink(path),
  stat: async (path) => statOf(await fs.promises.stat(path)),
};
