import type { FileSystem, OpenFile } from '../../src/files/contract.js';
import { nodeFiles } from '../../src/files/node.js';

/** What a write of the log does instead of `write`, which does what was asked for. */
export type LogWrite = (
  write: OpenFile['write'],
  bytes: Buffer,
  position: number,
) => ReturnType<OpenFile['write']>;

/** The files of the system, but for the writes to segments of the log, while they are written front to back. */
export function withLogWrites(instead: LogWrite): FileSystem {
  return {
    ...nodeFiles,
    open: async (path, mode) => {
      const file = await nodeFiles.open(path, mode);
      if (!path.endsWith('.seg') || mode === 'r' || mode === 'r+') return file;
      const writev: OpenFile['writev'] = (buffers, position) =>
        instead(file.write, Buffer.concat(buffers), position);
      return { ...file, write: (bytes, position) => writev([bytes], position), writev };
    },
  };
}
