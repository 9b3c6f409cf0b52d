/**
 * Reads and writes small files whole. Whatever lies under a well-known name in a cluster's folder is read by one of the
 * two `read…` functions: anything but a regular file of a sane size is an error that says what it is. A FIFO never
 * hangs the reader, a device or a file of many gigabytes never exhausts its memory.
 */
import * as fs from 'node:fs';
import { codeOf, type FileStat, type FileSystem } from './contract.js';

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

/** The text of a file, or null when there is none. Rejects when it is no regular file of at most `maxBytes`. */
export async function readWhole(
  files: FileSystem,
  path: string,
  maxBytes = smallFileBytes,
): Promise<string | null> {
  const file = await files.open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const stat = await file.stat();
    const why = objection(stat, maxBytes);
    if (why !== null) throw refuse(path, why);
    const buffer = Buffer.alloc(stat.bytes);
    let read = 0;
    while (read < buffer.length) {
      const n = await file.read(buffer, read, read);
      if (n === 0) break; // cut short meanwhile
      read += n;
    }
    return buffer.toString('utf8', 0, read);
  } finally {
    await file.close();
  }
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
      throw refuse(path, 'it is a symbolic link to nothing');
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

/** Makes a new file of this text and syncs it; its name is durable after a sync of the folder. Rejects when it exists. */
export async function writeNewDurably(files: FileSystem, path: string, text: string): Promise<void> {
  const file = await files.open(path, 'wx');
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) {
      written += await file.write(bytes.subarray(written), written);
    }
    await file.sync();
  } finally {
    await file.close();
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
