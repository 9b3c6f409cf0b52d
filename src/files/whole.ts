/**
 * Reads and writes small files whole. Whatever lies under a well-known name in a cluster's folder is read by one of the
 * two `read…` functions: anything but a regular file of a sane size is an error that says what it is. A FIFO never
 * hangs the reader, a device or a file of many gigabytes never exhausts its memory.
 */
import * as fs from 'node:fs';
import { codeOf, type FileStat, type FileSystem, systemError } from './contract.js';

/** Bound of a file that says something of a cluster, in bytes. */
export const smallFileBytes = 16 * 1024 * 1024;

/** Why this must not be read whole, or null. */
function objection({ kind, bytes }: FileStat, maxBytes: number): string | null {
  if (kind === 'folder') return 'it is a folder, not a file';
  if (kind === 'other') return 'it is not a regular file (a FIFO, socket or device)';
  return bytes > maxBytes ? `it has ${bytes} bytes; at most ${maxBytes} are expected` : null;
}

const refuse = (path: string, why: string): Error => systemError('EINVAL', `cannot read ${path}: ${why}`);
const danglingLink = 'it is a symbolic link to nothing';

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

/** `readWhole` of the operating system's files, for where nothing else may run meanwhile. A dangling link is an error. */
export function readWholeSync(path: string, maxBytes = smallFileBytes): string | null {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    // ENXIO: a socket, or a device that is not there.
    if (codeOf(error) === 'ENXIO') throw refuse(path, 'it is not a regular file (a FIFO, socket or device)');
    if (codeOf(error) !== 'ENOENT') throw error;
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw refuse(path, danglingLink);
    return null;
  }
  try {
    const stats = fs.fstatSync(fd);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
    const why = objection({ kind, bytes: stats.size }, maxBytes);
    if (why !== null) throw refuse(path, why);
    const buffer = Buffer.alloc(stats.size);
    let read = 0;
    while (read < buffer.length) {
      const n = fs.readSync(fd, buffer, read, buffer.length - read, read);
      if (n === 0) break;
      read += n;
    }
    return buffer.toString('utf8', 0, read);
  } finally {
    fs.closeSync(fd);
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
