import { basename, dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { MusterError } from '../errors.js';
import { codeOf, type FileSystem, systemError } from '../files/contract.js';
import { isNoFile, readWhole } from '../files/whole.js';

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
  return new MusterError(full ? 'storage-full' : 'storage-failed', `${doing} failed: ${what} (${path})`, {
    details: { path, cause: code ?? null },
    // When the disk is full, how much of the batch was written is unknown.
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
  return new MusterError('storage-corrupt', `data folder ${path} is damaged: ${where}: ${message}`, {
    details: { path, file, offset },
  });
}

/** `storage-corrupt` when the error says that the path is not a regular file; other errors unchanged. */
export function corruptIfNoFile(error: unknown, dir: string, file: string): unknown {
  return isNoFile(error) ? corrupt(dir, file, (error as Error).message) : error;
}

/** Text of a file, or null when there is none; a link to nothing is an error, for no other file may take its place. */
export async function readText(files: FileSystem, path: string): Promise<string | null> {
  const text = await readWhole(files, path);
  if (text !== null) return text;
  const names = await files.readdir(dirname(path)).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  if (!names.includes(basename(path))) return null;
  const again = await readWhole(files, path);
  if (again === null) throw systemError('EINVAL', 'dangling symbolic link');
  return again;
}

export const logFolder = (dir: string): string => join(dir, 'log');
export const stateFolder = (dir: string): string => join(dir, 'state');
/** The file of the checkpoint. */
export const stateFile = (dir: string): string => join(stateFolder(dir), 'data.mdb');
