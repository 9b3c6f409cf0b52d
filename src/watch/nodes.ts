import type { Point } from '../cluster/observe/observer.js';
import type { NodeFigures, Overview } from '../cluster/observe/overview.js';
import { stateOf } from '../cluster/observe/overview-events.js';
import type { NodeRow } from '../cluster/observe/status.js';
import { bar } from '../render/bar.js';
import { type Canvas, ellipsisOf } from './canvas.js';
import { latency, rate, sparkline } from './figures.js';
import { mark } from './ring.js';
import { cell, line, type Span } from './spans.js';

interface Row {
  readonly node: NodeRow;
  readonly figures: NodeFigures;
  readonly history: readonly (number | null)[];
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly of: (row: Row, canvas: Canvas) => string;
}

const SPARK = 16;
const BAR = 6;

const share = ({ figures }: Row, { unicode }: Canvas): string =>
  figures.callShare === null
    ? '-'
    : `${bar(figures.callShare, 1, BAR, unicode)} ${String(Math.round(figures.callShare * 100)).padStart(3)} %`;

/** Behind name and state, in the order in which there must be room for them. */
const columns: readonly Column[] = [
  { title: 'PRIM', width: 5, align: 'right', of: ({ node }) => String(node.primaries) },
  { title: 'BACK', width: 5, align: 'right', of: ({ node }) => String(node.backups) },
  { title: 'OPS/S', width: 6, align: 'right', of: ({ figures }) => rate(figures.opsPerSecond) },
  { title: 'P50', width: 6, align: 'right', of: ({ figures }) => latency(figures.p50Ms) },
  { title: 'P99', width: 6, align: 'right', of: ({ figures }) => latency(figures.p99Ms) },
  { title: 'LAG', width: 6, align: 'right', of: ({ figures }) => rate(figures.lag) },
  { title: 'CALLS/S', width: 8, align: 'right', of: ({ figures }) => rate(figures.callsPerSecond) },
  { title: 'CALL SHARE', width: BAR + 6, align: 'left', of: share },
  {
    title: 'RECENT OPS/S',
    width: SPARK,
    align: 'left',
    of: ({ history }, { unicode }) => sparkline(history, SPARK, unicode),
  },
];

const stateStyle = (row: NodeRow, { paint }: Canvas): ((text: string) => string) => {
  const state = stateOf(row);
  return state === 'down' ? paint.red : state === 'up' ? paint.green : paint.yellow;
};

const STATE = 8;
const LEAST_NAME = 4;
const MOST_NAME = 14;
/** Before the name: the cursor, and the mark of the ring. */
const BEFORE = 4;

/**
 * The table of nodes: a head and at most `room` rows, those around the selected one when there are more; the last then says how
 * many are not shown.
 */
export function nodeLines(
  overview: Overview,
  history: readonly Point[],
  selected: string | null,
  room: number,
  canvas: Canvas,
): string[] {
  const { nodes } = overview.status;
  const ellipsis = ellipsisOf(canvas);
  const name = Math.min(MOST_NAME, Math.max(LEAST_NAME, ...nodes.map(({ id }) => id.length)));
  let left = canvas.columns - BEFORE - name - 1 - STATE;
  const shown: Column[] = [];
  for (const column of columns) {
    left -= column.width + 1;
    if (left < 0) break;
    shown.push(column);
  }
  const titles = shown.map(({ title, width, align }) => ` ${cell(title, width, align, ellipsis)}`);
  const head = `${' '.repeat(BEFORE)}${cell('NODE', name, 'left', ellipsis)} ${'STATE'.padEnd(STATE)}${titles.join('')}`;
  const lines = [line([[head, canvas.paint.dim]], canvas.columns, ellipsis)];

  const fits = nodes.length <= room;
  const rows = fits ? room : room - 1;
  const at = Math.max(
    0,
    nodes.findIndex(({ id }) => id === selected),
  );
  const first = fits ? 0 : Math.min(nodes.length - rows, Math.max(0, at - Math.floor(rows / 2)));
  for (const [i, node] of nodes.entries()) {
    if (i < first || i >= first + rows) continue;
    const row: Row = {
      node,
      figures: overview.nodes[i]!,
      history: history.map((point) => point.nodes[node.id] ?? null),
    };
    const chosen = node.id === selected;
    const own = (text: string): string => (chosen ? canvas.paint.bold(text) : text);
    const spans: Span[] = [
      [chosen ? (canvas.unicode ? '▸ ' : '> ') : '  ', canvas.paint.bold],
      ['x', () => mark(i, canvas)],
      [` ${cell(node.id, name, 'left', ellipsis)} `, own],
      [cell(stateOf(node), STATE, 'left', ellipsis), stateStyle(node, canvas)],
      ...shown.map(
        (column): Span => ` ${cell(column.of(row, canvas), column.width, column.align, ellipsis)}`,
      ),
    ];
    lines.push(line(spans, canvas.columns, ellipsis).trimEnd());
  }
  if (!fits)
    lines.push(
      line(
        [[`${' '.repeat(BEFORE)}and ${nodes.length - rows} more`, canvas.paint.dim]],
        canvas.columns,
        ellipsis,
      ),
    );
  return lines;
}
