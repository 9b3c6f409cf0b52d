import { type Canvas, ellipsisOf } from './canvas.js';
import { line } from './spans.js';

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['up, down (k, j)', 'select a node'],
  ['K', 'kill it (SIGKILL), as if its machine lost power'],
  ['p', 'pause it (SIGSTOP); a paused one goes on'],
  ['r', 'restart it gracefully; one that is down is started'],
  ['h', 'heal all faults'],
  ['q, Ctrl-C', 'leave; the cluster stays as it is'],
];

const WORDS: readonly (readonly [word: string, what: string])[] = [
  ['PRIM, BACK', 'partitions it leads, and backs up in sync'],
  ['OPS/S, P50, P99', 'reads and writes it answered as primary; times in ms'],
  ['LAG', 'log entries its furthest backup is behind'],
  ['CALLS/S, SHARE', 'calls of services it ended, and its part of them'],
  ['silent', 'its process lives and does not answer'],
  ['in doubt', 'prepared, and the decision has not come'],
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
    ...rows('Words', WORDS),
    '',
    line(
      ['What you do here is told in the feed with the command that does the same.'],
      canvas.columns,
      ellipsisOf(canvas),
    ),
  ];
}
