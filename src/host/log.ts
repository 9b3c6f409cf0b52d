import pino, { type Logger } from 'pino';

/** The node's log: one JSON object a line on stdout, which the launcher points at the node's log file. Written at once, so that the last line before a death is there. */
export function createLog(node: string): Logger {
  return pino(
    {
      base: { node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
}
