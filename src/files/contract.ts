/**
 * The calls to a file system that muster's durable parts are written against, so that a simulator can pause, fail and
 * cut the power between any two of them. Only calls that production code makes belong here. Every call rejects with an
 * error whose `code` is the system's (`ENOENT`, `EIO`, …).
 */
export interface FileSystem {
  /** The names in a folder, in no order. Not atomic: what comes or goes meanwhile may be in it or not. */
  readdir(path: string): Promise<string[]>;
  /** Makes one folder; its parent must exist. Durable after a `sync` of the parent. */
  mkdir(path: string): Promise<void>;
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** A second name for a file, if `to` is free; atomic. `ENOENT` once `from` has been removed. */
  link(from: string, to: string): Promise<void>;
  /** Gives a file another name, in place of whatever file has it; atomic. Durable after a `sync` of the folder. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes an empty folder; `ENOTEMPTY` for another. */
  rmdir(path: string): Promise<void>;
  /** Resolves links; `ENOENT` when there is nothing. */
  stat(path: string): Promise<FileStat>;
}

/**
 * - `r`: an existing file or folder, never waiting for a writer (as opening a FIFO would).
 * - `r+`: an existing file, to be written, too; never waiting.
 * - `wx`: a new file; `EEXIST` when the name is taken.
 * - `wxs`: the same, and a write resolves when its bytes are durable (`O_DSYNC`, or a sync after it where there is none).
 */
export type OpenMode = 'r' | 'r+' | 'wx' | 'wxs';

export interface FileStat {
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
}

export interface OpenFile {
  stat(): Promise<FileStat>;
  /** Reads into `buffer` from its index `offset` on, from `position` in the file; gives the bytes read, 0 at the end. */
  read(buffer: Uint8Array, offset: number, position: number): Promise<number>;
  /** Writes at `position`; gives the bytes written, which may be fewer than asked for. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Writes several buffers one after another in one call, as `write` does (`pwritev`). */
  writev(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Makes the file this long, in bytes: cuts it, or fills it with zeros. Durable after a `sync`. */
  truncate(bytes: number): Promise<void>;
  /** `fsync`: of a file its bytes, of a folder the names in it. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The system's code of an error, or ''. */
export const codeOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? '';

/** An error with a code, as the system gives it. */
export const systemError = (code: string, message: string): Error =>
  Object.assign(new Error(`${code}: ${message}`), { code });
