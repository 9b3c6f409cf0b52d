import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { MusterError } from '../errors.js';
import { readWholeSync } from '../files/whole.js';

/** The few calls by which the log reaches the disk; tests put faults here. Offsets and lengths in bytes. */
export interface LogIo {
  /** Writes all of `buffers` at `position`; gives the bytes written, which may be fewer (as `pwritev`). */
  write(fd: number, buffers: readonly Buffer[], position: number): Promise<number>;
  /** `fdatasync`. */
  sync(fd: number): Promise<void>;
}

export const nodeIo: LogIo = {
  write: (fd, buffers, position) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, bytes: number) => (error ? reject(error) : resolve(bytes));
      if (buffers.length === 1) fs.write(fd, buffers[0]!, 0, buffers[0]!.length, position, done);
      else fs.writev(fd, buffers as Buffer[], position, done);
    }),
  sync: (fd) =>
    new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
};

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** The `MusterError` for a failed disk call: `storage-full` or `storage-failed`, with the path and the cause. */
export function storageError(cause: unknown, path: string, doing: string): MusterError {
  if (cause instanceof MusterError) return cause;
  const error = cause as NodeJS.ErrnoException;
  // lmdb gives numbers
  const code =
    typeof error.code === 'number' && error.code > 0 ? getSystemErrorName(-error.code) : error.code;
  const full = FULL.has(code ?? '') || /ENOSPC|No space left|disk quota/i.test(error.message ?? '');
  const what = full ? 'the disk is full' : (error.message ?? String(cause));
  return new MusterError(full ? 'storage-full' : 'storage-failed', `${doing} failed in ${path}: ${what}`, {
    details: { path, cause: code ?? null },
    // When the disk is full nobody can say what of the batch reached it.
    tookEffect: 'unknown',
    cause,
  });
}

/** A folder that must not be used as it is. `offset` in bytes into `file`, when there is one. */
export function corrupt(
  path: string,
  file: string,
  message: string,
  offset: number | null = null,
): MusterError {
  const where = offset === null ? file : `${file} at byte ${offset}`;
  return new MusterError('storage-corrupt', `the data folder ${path} is damaged: ${where}: ${message}`, {
    details: { path, file, offset },
  });
}

/** Makes the names in a folder durable. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return; // a folder cannot be opened there; NTFS journals its names
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Replaces a small file atomically and durably: temporary file, fsync, rename, fsync of the folder. */
export function replaceFile(path: string, text: string): void {
  const folder = dirname(path);
  const temporary = `${path}.tmp`;
  const fd = fs.openSync(temporary, 'w', 0o600);
  try {
    fs.writeFileSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(temporary, path);
  syncFolder(folder);
}

/** Makes a folder with its parents, and makes every new name durable. */
export function makeFolder(folder: string): void {
  const first = fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) break;
  }
}

/** Text of a file, or null when there is none. */
export function readText(path: string): string | null {
  return readWholeSync(path);
}

export const logFolder = (dir: string): string => join(dir, 'log');
export const stateFolder = (dir: string): string => join(dir, 'state');
