import { type Canvas, ellipsisOf } from './canvas.js';
import { line } from './spans.js';

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['up, down (k, j)', 'select a node'],
  ['K', 'kill it (SIGKILL)'],
  ['p', 'pause it (SIGSTOP), or resume it'],
  ['r', 'restart it gracefully, or start it'],
  ['h', 'heal all faults'],
  ['q, Ctrl-C', 'quit; the cluster keeps running'],
];

const WORDS: readonly (readonly [word: string, what: string])[] = [
  ['PRIM, BACK', 'partitions it is primary and in-sync backup of'],
  ['OPS/S, P50, P99', 'reads and writes served as primary; latency in ms'],
  ['LAG', 'log entries its slowest backup is behind'],
  ['CALLS/S, SHARE', 'service calls completed, and its share of them'],
  ['silent', 'process is running but not responding'],
  ['in doubt', 'prepared, waiting for the decision'],
];

/** What the keys do, and what the words mean. */
export function helpLines(canvas: Canvas): string[] {
  const rows = (title: string, entries: readonly (readonly [string, string])[]): string[] => [
    '',
    line([[title, canvas.paint.bold]], canvas.columns, ellipsisOf(canvas)),
    ...entries.map(([word, what]) =>
      line([[`  ${word.padEnd(16)} `, canvas.paint.cyan], what], canvas.columns, ellipsisOf(canvas)),
    ),
  ];
  return [
    ...rows('Keys', KEYS),
    ...rows('Terms', WORDS),
    '',
    line(
      ['The event feed shows each action with the equivalent command.'],
      canvas.columns,
      ellipsisOf(canvas),
    ),
  ];
}
