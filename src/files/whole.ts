/**
 * Reads and writes small files whole. Whatever lies under a well-known name in a cluster's folder is read by one of the
 * two `read…` functions: anything but a regular file of a sane size is an error that says what it is. A FIFO never
 * hangs the reader, a device or a file of many gigabytes never exhausts its memory.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, type FileStat, type FileSystem, type OpenFile, systemError } from './contract.js';

/** Bound of a file that says something of a cluster, in bytes. */
export const smallFileBytes = 16 * 1024 * 1024;

/** Does the error say that something lies there, and it is no file to be read? (Not that it could not be reached.) */
export const isNoFile = (error: unknown): boolean => ['EINVAL', 'ELOOP'].includes(codeOf(error));

const notRegular = 'it is not a regular file (a FIFO, socket or device)';

/** Why this must not be read whole, or null. */
function objection({ kind, bytes }: FileStat, maxBytes: number): string | null {
  if (kind === 'folder') return 'it is a folder, not a file';
  if (kind === 'other') return notRegular;
  return bytes > maxBytes ? `it has ${bytes} bytes; at most ${maxBytes} are expected` : null;
}

const refuse = (path: string, why: string): Error =>
  Object.assign(new Error(`cannot read ${path}: ${why}`), { code: 'EINVAL' });

/** Opens a regular file. Rejects with the system's error, or `EINVAL` for anything but a file of at most `maxBytes`. */
export async function openRegular(
  files: FileSystem,
  path: string,
  { mode = 'r', maxBytes = Number.POSITIVE_INFINITY }: { mode?: 'r' | 'r+'; maxBytes?: number } = {},
): Promise<{ readonly file: OpenFile; readonly bytes: number }> {
  const file = await files.open(path, mode).catch((error: unknown) => {
    throw codeOf(error) === 'ENXIO' ? refuse(path, notRegular) : error;
  });
  try {
    const stat = await file.stat();
    const why = objection(stat, maxBytes);
    if (why !== null) throw refuse(path, why);
    return { file, bytes: stat.bytes };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The text of a file, or null when there is none. Rejects when it is no regular file of at most `maxBytes`. */
export async function readWhole(
  files: FileSystem,
  path: string,
  maxBytes = smallFileBytes,
): Promise<string | null> {
  let opened: Awaited<ReturnType<typeof openRegular>>;
  try {
    opened = await openRegular(files, path, { maxBytes });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    return (await readUpTo(opened.file, 0, opened.bytes)).toString('utf8');
  } finally {
    await opened.file.close();
  }
}

/** The bytes from `position` on: `length` of them, or fewer when the file ends before. */
export async function readUpTo(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const n = await file.read(buffer, read, position + read);
    if (n === 0) break;
    read += n;
  }
  return buffer.subarray(0, read);
}

/**
 * Opens a regular file of the operating system, as all that have a well-known name are: never waits, as opening a FIFO would.
 * Throws the system's error, or `EINVAL` for anything but a file of at most `maxBytes`.
 */
export function openRegularSync(
  path: string,
  { flags = fs.constants.O_RDONLY, mode = 0o600, maxBytes = Number.POSITIVE_INFINITY } = {},
): { fd: number; bytes: number } {
  let fd: number;
  try {
    fd = fs.openSync(path, flags | (fs.constants.O_NONBLOCK ?? 0), mode);
  } catch (error) {
    // A socket, a FIFO that nobody reads, or a device that is not there.
    if (codeOf(error) === 'ENXIO') throw refuse(path, notRegular);
    if (codeOf(error) === 'ENOENT' && fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      throw refuse(path, 'dangling symbolic link');
    throw error;
  }
  try {
    const stats = fs.fstatSync(fd);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
    const why = objection({ kind, bytes: stats.size }, maxBytes);
    if (why !== null) throw refuse(path, why);
    return { fd, bytes: stats.size };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** `readWhole` of the operating system's files, for where nothing else may run meanwhile. A link to nothing is an error. */
export function readWholeSync(path: string, maxBytes = smallFileBytes): string | null {
  let file: { fd: number; bytes: number };
  try {
    file = openRegularSync(path, { maxBytes });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(file.bytes);
    let read = 0;
    while (read < buffer.length) {
      const n = fs.readSync(file.fd, buffer, read, buffer.length - read, read);
      if (n === 0) break; // cut short meanwhile
      read += n;
    }
    return buffer.toString('utf8', 0, read);
  } finally {
    fs.closeSync(file.fd);
  }
}

/**
 * Puts this text in place of a file by an atomic rename: a reader, or whoever comes after a crash, sees the old or the new one,
 * whole. Whatever else has the name is replaced, too, but for a folder. Throws the system's error.
 */
export function replaceWholeSync(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    fs.rmSync(temporary, { force: true });
    const fd = fs.openSync(temporary, 'wx', 0o600);
    try {
      fs.writeFileSync(fd, text);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true, recursive: true });
    throw error;
  }
}

/**
 * `replaceWholeSync` on any file system, and durable: the new text is there when this resolves, after whatever crash. One
 * caller at a time for a path. Rejects with the system's error; then the old text is there or the new one.
 */
export async function replaceWhole(files: FileSystem, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await unlinkIfThere(files, temporary);
  await writeNewDurably(files, temporary, text);
  await files.rename(temporary, path);
  await syncFolder(files, dirname(path));
}

/** Makes a new file of this text and syncs it; its name is durable after a sync of the folder. Rejects when it exists. */
export async function writeNewDurably(files: FileSystem, path: string, text: string): Promise<void> {
  const file = await files.open(path, 'wx');
  try {
    await writeAll(file, [Buffer.from(text)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes all bytes of `buffers` at `position`, in as many calls as it takes. Rejects as the calls do. */
export async function writeAll(
  file: OpenFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let at = position;
  for (const bytes of buffers) {
    for (let written = 0; written < bytes.length; ) {
      const more = await file.write(bytes.subarray(written), at);
      if (more === 0) throw systemError('EIO', 'the disk took no more bytes');
      written += more;
      at += more;
    }
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(files: FileSystem, path: string): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function unlinkIfThere(files: FileSystem, path: string): Promise<void> {
  await files.unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** What the systems say when a folder is to be unlinked. */
const isFolder = ['EISDIR', 'EPERM'];

/**
 * Removes a file, a link (and not what it leads to), or a folder with all that is in it; nothing when there is none. Not atomic, and
 * not synced.
 */
export async function removeTree(files: FileSystem, path: string): Promise<void> {
  try {
    await files.unlink(path);
    return;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    if (!isFolder.includes(codeOf(error))) throw error;
  }
  try {
    for (const name of await files.readdir(path)) await removeTree(files, `${path}/${name}`);
    await files.rmdir(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Errors of syncing the parent of an existing folder: the parent has another owner, or is not on a disk. */
const notOurs = ['EACCES', 'EPERM', 'EINVAL', 'EROFS'];

/**
 * Makes a folder with its parents. All their names are durable when this resolves, those that an earlier attempt made,
 * too: it may have ended before it synced. So they are made and synced one by one, from the top.
 */
export async function ensureFolder(files: FileSystem, path: string): Promise<void> {
  const parent = dirname(path);
  if (parent === path) return;
  try {
    if ((await files.stat(path)).kind !== 'folder') throw systemError('ENOTDIR', path);
    await syncFolder(files, parent).catch((error: unknown) => {
      if (!notOurs.includes(codeOf(error))) throw error;
    });
    return;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  await ensureFolder(files, parent);
  await files.mkdir(path).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error; // somebody else was quicker
  });
  await syncFolder(files, parent);
}
