import { writeSync } from 'node:fs';

type Fields = Readonly<Record<string, unknown>>;

/** Writes one line for each call. */
export interface NodeLog {
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

/** A line that cannot be written for this long is left out, in tries of a busy pipe. */
const tries = 100;

/**
 * The node's log: one JSON object a line on stdout, `{level, time, node, …fields, msg}` in pino's order, which the launcher
 * points at the node's log file. Written at once, so that the last line before a death is there; a full disk must not end a node by its
 * log, so what cannot be written is left out. By hand, because loading pino takes a tenth of a node's start and 2 MiB of its memory.
 */
export function createLog(node: string, fd = 1): NodeLog {
  const write = (level: string, fields: Fields, msg: string): void => {
    const line = Buffer.from(
      `${JSON.stringify({ level, time: new Date().toISOString(), node, ...fields, msg })}\n`,
    );
    let written = 0;
    for (let i = 0; i < tries && written < line.length; i++) {
      try {
        written += writeSync(fd, line, written);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      }
    }
  };
  return {
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
  };
}
