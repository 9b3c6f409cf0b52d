import { closeSync, fstatSync, readSync } from 'node:fs';
import { openRegularSync } from '../../files/whole.js';

/** One whole line of one node's log. */
export interface LogLine {
  readonly node: string;
  readonly text: string;
}

const CHUNK = 64 * 1024;
/** A line longer than this is handed on in pieces, so that memory stays bounded. */
const LINE_BYTES = 1024 * 1024;

/** Where the last `count` lines of a file begin, in bytes; 0 when there are fewer, or no file. */
export function tailOffset(path: string, count: number): number {
  const fd = open(path);
  if (fd === null) return 0;
  try {
    const size = fstatSync(fd).size;
    if (count <= 0) return size;
    const buffer = Buffer.alloc(CHUNK);
    let newlines = 0;
    for (let end = size; end > 0; end = Math.max(0, end - CHUNK)) {
      const start = Math.max(0, end - CHUNK);
      const read = readSync(fd, buffer, 0, end - start, start);
      for (let i = read - 1; i >= 0; i--) {
        // The newline at the very end closes the last line; it does not stand before one.
        if (buffer[i] !== 10 || start + i === size - 1) continue;
        newlines++;
        if (newlines === count) return start + i + 1;
      }
    }
    return 0;
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number | null {
  try {
    return openRegularSync(path).fd;
  } catch {
    return null;
  }
}

/** Reads a growing file line by line; each `poll` hands on the lines that are complete by then. */
export class LogTail {
  #offset: number;
  #rest = Buffer.alloc(0);

  constructor(
    readonly path: string,
    from: number,
  ) {
    this.#offset = from;
  }

  /** The lines completed since the last call; none when the file is not there (yet). */
  poll(): string[] {
    const fd = open(this.path);
    if (fd === null) return [];
    const lines: string[] = [];
    try {
      const size = fstatSync(fd).size;
      // The file was cut or replaced: begin again.
      if (size < this.#offset) {
        this.#offset = 0;
        this.#rest = Buffer.alloc(0);
      }
      const buffer = Buffer.alloc(CHUNK);
      while (this.#offset < size) {
        const read = readSync(fd, buffer, 0, Math.min(CHUNK, size - this.#offset), this.#offset);
        if (read === 0) break;
        this.#offset += read;
        let data = Buffer.concat([this.#rest, buffer.subarray(0, read)]);
        for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
          lines.push(data.subarray(0, end).toString('utf8'));
          data = data.subarray(end + 1);
        }
        if (data.length > LINE_BYTES) {
          lines.push(data.toString('utf8'));
          data = data.subarray(data.length);
        }
        this.#rest = Buffer.from(data);
      }
    } finally {
      closeSync(fd);
    }
    return lines;
  }

  /** What stands after the last newline. */
  rest(): string {
    return this.#rest.toString('utf8');
  }
}

/** Follows several logs until the signal; lines come in order within each node. */
export async function followLogs(
  logs: readonly { readonly node: string; readonly tail: LogTail }[],
  line: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const drain = () => {
    for (const { node, tail } of logs) for (const text of tail.poll()) line({ node, text });
  };
  while (!signal.aborted) {
    drain();
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, 100);
      signal.addEventListener('abort', done, { once: true });
    });
  }
  drain();
}
